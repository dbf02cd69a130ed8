"""Registers for the benches of front ends: whatever is written is kept, ROOM follows the data."""

from __future__ import annotations

from random import Random
from typing import Any

from golden.link.access import Status
from hdl.bus.register_map import registers
from hdl.serial.guarded_access import ROOM_OF

NAMED = {register.name: register for register in registers()}
BY_ADDRESS = {register.address: register for register in registers()}
ROOM = NAMED["ROOM"]


class FakeRegisters:
    """Registers and data registers, whose room comes and goes.

    Every access that is made is noted. A data register has room, or a word, for as many accesses
    as ``room`` says.

    Args:
        room: accesses that are possible, by the field of ROOM.
    """

    def __init__(self, room: dict[str, int]) -> None:
        self.words: dict[int, int] = {}
        self.room = dict(room)
        self.made: list[tuple[str, int, int]] = []
        self._left: int | None = None  # cycles before the answer

    def access(self, write: bool, address: int, word: int) -> tuple[int, bool]:
        """An access as the register block makes it: its word, and whether it failed."""
        register = BY_ADDRESS.get(address & ~3)
        if register is None or not (register.writable if write else register.readable):
            return 0, True
        if register is ROOM:
            bits = sum((n > 0) << ROOM.field(name).low for name, n in self.room.items())
            return bits, False
        if register.name in ROOM_OF:
            field = ROOM_OF[register.name]
            if not self.room[field]:
                return 0, True
            self.room[field] -= 1
            word = word if write else 0x1000 + self.room[field]
        elif write:
            self.words[register.address] = word
        else:
            word = self.words.get(register.address, register.address * 0x01010101 & 0xFFFFFFFF)
        self.made.append(("write" if write else "read", register.address, word))
        return word, False

    def read(self, address: int) -> tuple[Status, int]:
        """A read that looks at ROOM first."""
        return self._guarded(False, address, 0)

    def write(self, address: int, word: int) -> Status:
        """A write that looks at ROOM first."""
        return self._guarded(True, address, word)[0]

    def _guarded(self, write: bool, address: int, word: int) -> tuple[Status, int]:
        register = BY_ADDRESS.get(address & ~3)
        guarded = register and register.name in ROOM_OF and register.writable == write
        if register and guarded and not self.room[ROOM_OF[register.name]]:
            return Status.BUSY, 0
        word, failed = self.access(write, address, word)
        return (Status.REFUSED if failed else Status.DONE), word

    def after_edge(self, ctx: Any, access: Any, random: Random) -> None:
        """Answer a front end in a simulation, called after each clock edge; it takes a while."""
        if ctx.get(access.done):
            ctx.set(access.done, 0)
            self._left = None
        if not ctx.get(access.request):
            return
        if self._left is None:
            self._left = random.choice((0, 0, 1, 5))
        elif self._left:
            self._left -= 1
        else:
            assert ctx.get(access.strobe) == 15
            write, address = bool(ctx.get(access.write)), ctx.get(access.address)
            word, failed = self.access(write, address, ctx.get(access.data))
            for signal, value in ((access.done, 1), (access.answer, word), (access.error, failed)):
                ctx.set(signal, value)
