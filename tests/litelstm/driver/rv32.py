"""A RV32IM processor without caches, for programs that use a core: every access is seen.

Source: The RISC-V Instruction Set Manual, volume I, chapters "RV32I" and "M".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

WORD = 0xFFFFFFFF
MEMORY = 1 << 20
DEVICE = 0x43C0_0000
"""Where the core's registers begin: 256 bytes."""

STOP = MEMORY - 4
"""The address that the program returns to."""


def signed(value: int, bits: int = 32) -> int:
    """Two's complement of so many bits."""
    value &= (1 << bits) - 1
    return value - (value >> bits - 1 << bits)


def divided(a: int, b: int) -> int:
    """Quotient towards zero."""
    return -1 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(a: int, b: int) -> int:
    """Remainder that :func:`divided` leaves."""
    return a if b == 0 else a - divided(a, b) * b


ALU: dict[int, Callable[[int, int], int]] = {
    0: lambda a, b: a + b,
    1: lambda a, b: a << (b & 31),
    2: lambda a, b: int(signed(a) < signed(b)),
    3: lambda a, b: int(a < b),
    4: lambda a, b: a ^ b,
    5: lambda a, b: a >> (b & 31),
    6: lambda a, b: a | b,
    7: lambda a, b: a & b,
    # M
    8: lambda a, b: a * b,
    9: lambda a, b: signed(a) * signed(b) >> 32,
    10: lambda a, b: signed(a) * b >> 32,
    11: lambda a, b: a * b >> 32,
    12: lambda a, b: divided(signed(a), signed(b)),
    13: lambda a, b: divided(a, b),
    14: lambda a, b: remainder(signed(a), signed(b)),
    15: lambda a, b: remainder(a, b),
}
BRANCHES: dict[int, Callable[[int, int], bool]] = {
    0: lambda a, b: a == b,
    1: lambda a, b: a != b,
    4: lambda a, b: signed(a) < signed(b),
    5: lambda a, b: signed(a) >= signed(b),
    6: lambda a, b: a < b,
    7: lambda a, b: a >= b,
}


class Machine:
    """A processor with 1 MiB of memory from address 0, and a core.

    Args:
        program: what the memory has at first.
        device: the core: ``read`` and ``write`` of words.

    Attributes:
        accesses: of the device, each (bytes, address).
    """

    def __init__(self, program: bytes, device: Any) -> None:
        self.memory = bytearray(program.ljust(MEMORY, b"\0"))
        self.device = device
        self.x = [0] * 32
        self.pc = 0
        self.accesses: list[tuple[int, int]] = []

    def call(self, address: int, *arguments: int, most: int = 20_000_000) -> int:
        """Call a function with words as arguments; return its result."""
        self.x[1], self.x[2], self.pc = STOP, STOP - 16, address
        self.x[10 : 10 + len(arguments)] = [value & WORD for value in arguments]
        for _ in range(most):
            if self.pc == STOP:
                return self.x[10]
            self._step()
        raise AssertionError(f"the program does not end, it is at {self.pc:#x}")

    def word(self, address: int) -> int:
        """A word of the memory."""
        return int.from_bytes(self.memory[address : address + 4], "little")

    def _load(self, address: int, size: int) -> int:
        if DEVICE <= address < DEVICE + 0x100:
            self.accesses.append((size, address - DEVICE))
            return self.device.read(address - DEVICE) if size == 4 else 0
        assert address + size <= MEMORY, f"read at {address:#x}"
        return int.from_bytes(self.memory[address : address + size], "little")

    def _store(self, address: int, size: int, value: int) -> None:
        if DEVICE <= address < DEVICE + 0x100:
            self.accesses.append((size, address - DEVICE))
            if size == 4:  # a core refuses others
                self.device.write(address - DEVICE, value & WORD)
            return
        assert address + size <= MEMORY, f"write at {address:#x}"
        value &= (1 << 8 * size) - 1
        self.memory[address : address + size] = value.to_bytes(size, "little")

    def _step(self) -> None:
        code = self._load(self.pc, 4)
        opcode, rd, f3 = code & 0x7F, code >> 7 & 31, code >> 12 & 7
        a, b = self.x[code >> 15 & 31], self.x[code >> 20 & 31]
        immediate = signed(code >> 20, 12)
        after, value = self.pc + 4, None
        if opcode == 0x37:  # lui
            value = code & 0xFFFFF000
        elif opcode == 0x17:  # auipc
            value = self.pc + (code & 0xFFFFF000)
        elif opcode == 0x6F:  # jal
            offset = code >> 21 & 0x3FF | (code >> 20 & 1) << 10
            offset |= (code >> 12 & 0xFF) << 11 | (code >> 31) << 19
            value, after = after, self.pc + 2 * signed(offset, 20)
        elif opcode == 0x67:  # jalr
            value, after = after, (a + immediate) & ~1
        elif opcode == 0x63:
            offset = code >> 8 & 15 | (code >> 25 & 63) << 4
            offset |= (code >> 7 & 1) << 10 | (code >> 31) << 11
            if BRANCHES[f3](a, b):
                after = self.pc + 2 * signed(offset, 12)
        elif opcode == 0x03:
            size = 1 << (f3 & 3)
            value = self._load(a + immediate & WORD, size)
            value = value if f3 & 4 else signed(value, 8 * size)
        elif opcode == 0x23:
            offset = signed(code >> 7 & 31 | code >> 25 << 5, 12)
            self._store(a + offset & WORD, 1 << f3, b)
        elif opcode in (0x13, 0x33):
            value = self._computed(code, f3, a, b if opcode == 0x33 else immediate & WORD)
        else:
            assert opcode == 0x0F, f"{code:#010x} at {self.pc:#x}"  # fence
        if value is not None and rd:
            self.x[rd] = value & WORD
        self.pc = after & WORD

    def _computed(self, code: int, f3: int, a: int, b: int) -> int:
        by_registers, f7 = code & 0x20, code >> 25
        if by_registers and f7 == 1:
            return ALU[8 + f3](a, b)
        if f3 == 5 and f7 == 0x20:
            return signed(a) >> (b & 31)
        if f3 == 0 and by_registers and f7 == 0x20:
            return a - b
        return ALU[f3](a, b)
