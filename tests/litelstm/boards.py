"""Boards without hardware: golden's model of one behind a port, in the process or on a terminal."""

from __future__ import annotations

import os
import pty
import select
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from golden.link.board import BoardModel


class ModelPort:
    """A serial port with a board's model at its other end; silence takes no time.

    Args:
        board: the model.
        to_board, from_board: what the line does to bytes.

    Attributes:
        timeout, baudrate: as pyserial's.
    """

    def __init__(
        self,
        board: BoardModel,
        *,
        to_board: Callable[[bytes], bytes] = bytes,
        from_board: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._board = board
        self._to_board, self._from_board = to_board, from_board
        self._came = bytearray()
        self.timeout: float | None = None
        self.baudrate = 1_000_000

    @property
    def in_waiting(self) -> int:
        return len(self._came)

    def write(self, data: bytes) -> int:
        self._came += self._from_board(self._board.feed(self._to_board(data)))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        taken = bytes(self._came[:size])
        del self._came[:size]
        return taken

    def reset_input_buffer(self) -> None:
        self._came.clear()

    def close(self) -> None:
        self._came.clear()


@contextmanager
def terminal(board: BoardModel | None) -> Iterator[str]:
    """A pseudo-terminal that a board's model listens at, or nobody; its path."""
    near, far = pty.openpty()
    tty.setraw(far)
    done = Event()

    def serve() -> None:
        while not done.is_set():
            if select.select([near], [], [], 0.02)[0]:
                data = os.read(near, 4096)
                if board:
                    os.write(near, board.feed(data))

    thread = Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(far)
    finally:
        done.set()
        thread.join()
        os.close(near)
        os.close(far)
