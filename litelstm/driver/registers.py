"""A core's registers by their names."""

from __future__ import annotations

from litelstm.driver.backend import Backend
from litelstm.driver.description import Description, Register

WORD = (1 << 32) - 1


class Registers:
    """Names of registers and fields to addresses and bits.

    Args:
        backend: the way to the core.
        description: of the core.
    """

    def __init__(self, backend: Backend, description: Description) -> None:
        self._backend = backend
        self._description = description

    def address(self, name: str) -> int:
        """A register's address."""
        return self._description.register(name).address

    def read(self, name: str) -> int:
        """A register's word."""
        return self._backend.read(self.address(name))

    def write(self, name: str, word: int) -> None:
        """Write a register's word."""
        self._backend.write(self.address(name), word)

    def write_at(self, address: int, word: int) -> None:
        """Write whatever is at an address."""
        self._backend.write(address, word)

    def fields(self, name: str) -> dict[str, int]:
        """All fields of a register, read at once."""
        return split(self._description.register(name), self.read(name))

    def field(self, name: str, field: str) -> int:
        """One field of a register."""
        return self.fields(name)[field]

    def set(self, name: str, **fields: int) -> None:
        """Write a register: these fields, the others 0."""
        self.write(name, join(self._description.register(name), fields))


def split(register: Register, word: int) -> dict[str, int]:
    """The fields of a register's word."""
    return {name: word >> low & (1 << width) - 1 for name, (low, width) in register.fields.items()}


def join(register: Register, fields: dict[str, int]) -> int:
    """A register's word of some fields.

    Raises:
        KeyError: the register has no such field.
    """
    word = 0
    for name, value in fields.items():
        low, width = register.fields[name]
        word |= (value & (1 << width) - 1) << low
    return word
