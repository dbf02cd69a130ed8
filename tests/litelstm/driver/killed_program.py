"""Programs that are killed at any moment, and new ones that find the core as those have left it.

Arguments: name of the core's case, its JSON, and for the driver in C its library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from ctypes import c_int32
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from cocotb.task import resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamFrame
from numpy.typing import NDArray

from golden.interface import Control
from litelstm.driver import Core, Description, running
from litelstm.driver.description import INTO, OUT_OF
from litelstm.driver.registers import Registers
from tests.litelstm.driver.c_driver import CDriver, CSequence, Status
from tests.litelstm.driver.cores import CASES, BusCase

SEED = 7
TIMEOUT = 3e-3
POLLS = 500
STEPS = 3


class Killed(BaseException):
    """The program is no more."""


class Mortal:
    """A way to a simulated core on which the program is killed.

    Args:
        backend: the way.
        address, count: of a register, and its accesses that the program lives to make.
        cycles: of a core with streams: clock cycles after the last frame was handed to the DMA.
        stream: the frame that is the last one.
        stalls: meanwhile nobody takes what the core gives.
    """

    def __init__(
        self,
        backend: Any,
        *,
        address: int = -1,
        count: int = 1,
        stream: str = "",
        cycles: int = 0,
        stalls: bool = False,
    ) -> None:
        self._backend = backend
        self._address, self._left = address, count
        self._stream, self._cycles, self._stalls = stream, cycles, stalls
        self.time, self.wait = backend.time, backend.wait

    def read(self, address: int) -> int:
        word = self._backend.read(address)
        self._live(address)
        return word

    def write(self, address: int, word: int) -> None:
        self._backend.write(address, word)
        self._live(address)

    def transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, bytes]:
        if self._stream not in outgoing:
            return self._backend.transfer(outgoing, incoming, timeout=timeout)
        resume(self._hand_over)(outgoing)
        raise Killed

    def settle(self) -> None:
        self._backend.settle()

    def close(self) -> None:
        pass

    async def _hand_over(self, outgoing: Mapping[str, bytes]) -> None:
        """A DMA finishes its transfers even after the program has ended."""
        for name in OUT_OF:
            if name in self._backend.streams:
                self._backend.streams[name].pause = self._stalls
        for name in INTO:
            if name in outgoing:
                self._backend.streams[name].send_nowait(AxiStreamFrame(tdata=outgoing[name]))
        await ClockCycles(self._backend.clock, self._cycles)

    def _live(self, address: int) -> None:
        if address == self._address:
            self._left -= 1
            if not self._left:
                raise Killed


def ways_to_die(case: BusCase, random: Random) -> list[dict[str, Any]]:
    """Arguments of :class:`Mortal`: in the midst, at the beginning and at the end of everything."""
    streams = case.description.streams
    found: list[dict[str, Any]] = []
    if case.description.window:
        words = {
            "X": case.network.inputs * STEPS - 1,
            "Y": case.result(case.sequence(STEPS, 1)).size,
        }
        if "weights" in streams:
            words["WEIGHT"] = len(case.image) // 4 - 1
        if "state_in" in streams:
            words |= dict.fromkeys(("STATE_IN", "STATE_OUT"), case.description.state_words)
        registers = case.description.registers
        for name, count in words.items():
            counts = sorted({1, 2, count, random.randint(1, count)})
            found += [{"address": registers[name].address, "count": n} for n in counts]
        lasts = ("SEQUENCE", "X_LAST", *(["WEIGHT_LAST"] if "weights" in streams else []))
        found += [{"address": registers[name].address} for name in lasts]
        return found
    for name in streams.keys() & INTO:
        moments = (1, 5, 20, *random.sample(range(30, 300), 4), 2000)
        found += [
            {"stream": name, "cycles": cycles, "stalls": bool(number % 2)}
            for number, cycles in enumerate(moments)
        ]
    return found


class InC:
    """The driver in C with the methods of the one in Python."""

    def __init__(self, library: str, backend: Any, case: BusCase) -> None:
        self._case = case
        self._driver = CDriver(Path(library), backend)
        self._driver.core.polls = POLLS
        self._check(self._driver.call("open"))

    def load(self, image: bytes) -> None:
        self._check(self._driver.load(image))

    def run(
        self, x: NDArray[Any], *, state: Any = None, save: bool = False, stream: int = 0
    ) -> Any:
        size = self._case.description.state_words
        loaded = (c_int32 * size)(*state.tolist()) if state is not None else None
        saved = (c_int32 * size)() if save else None
        words = self._case.result(x).size
        status, y = self._driver.run(x, words, CSequence(stream, 0, loaded, saved))
        self._check(status)
        return (np.array(y), np.array(saved)) if save else np.array(y)

    def _check(self, status: Status) -> None:
        if (end := self._driver.callbacks.end) is not None:
            raise end
        assert status == Status.OK, status


def live(core: Any, case: BusCase, x: NDArray[Any], *, loads: bool) -> None:
    """All that a core can do: weights, a sequence, states."""
    if loads:
        core.load(case.image)
    if case.interface.state != "load":
        assert core.run(x).ravel().tolist() == case.result(x).ravel().tolist()
        return
    stream = case.interface.streams - 1
    first = [*x, *x]
    controls = [Control(last=n in (2, 5), save=n in (2, 5), load=n == 3) for n in range(6)]
    state = case.serve(first[:3], controls[:3]).saved[0]
    right = case.serve(first, controls, state)
    results = right.words.reshape(2, -1, right.words.shape[1])
    y, saved = core.run(x, save=True, stream=stream)
    assert y.reshape(results[0].shape).tolist() == results[0].tolist()
    assert saved.tolist() == right.saved[0].tolist()
    y, saved = core.run(x, state=saved, save=True, stream=stream)
    assert y.reshape(results[1].shape).tolist() == results[1].tolist()
    assert saved.tolist() == right.saved[1].tolist()


def killed(opens: Callable[[Any], Any], case: BusCase, x: NDArray[Any], way: Any) -> None:
    """A program that does not end."""
    try:
        core = opens(Mortal(running.backend(), **way))
        live(core, case, x, loads=case.storage.loadable)
    except Killed:
        return
    raise AssertionError(f"the program lives: {way}")


def succeed(opens: Callable[[Any], Any], case: BusCase, way: dict[str, Any], number: int) -> None:
    """A program is killed; the next one finds a core that is idle, and gets its own words."""
    registers = Registers(running.backend(), case.description)
    streams = getattr(running.backend(), "streams", {})
    killed(opens, case, case.sequence(STEPS, 2 * number), way)
    for stream in streams.keys() & OUT_OF:
        streams[stream].pause = False
    core = opens(running.backend())
    status = registers.fields("STATUS")
    assert (status["IDLE"], status["LOADING"]) == (1, 0), way
    assert registers.read("ERRORS") == registers.read("IRQ_STATUS") == 0, way
    loads = case.storage.loadable and (not status["LOADED"] or number % 2 > 0)
    live(core, case, case.sequence(STEPS, 2 * number + 1), loads=loads)
    assert registers.read("ERRORS") == 0, way


def main(name: str, path: str, library: str = "") -> None:
    case, description = CASES[name], Description.load(path)
    drivers: list[Callable[[Any], Any]] = []
    drivers.append(lambda backend: Core(backend, description, timeout=TIMEOUT))
    if library:
        drivers.append(lambda backend: InC(library, backend, case))
    for opens in drivers:
        for number, way in enumerate(ways_to_die(case, Random(SEED))):
            succeed(opens, case, way, number)
    print(f"{name}: all is well, with {len(drivers)} drivers")


if __name__ == "__main__":
    main(*sys.argv[1:])
