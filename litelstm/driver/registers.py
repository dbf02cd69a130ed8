"""Access to a core's registers by name."""

from __future__ import annotations

from litelstm.driver.backend import Backend
from litelstm.driver.description import Description, Register

WORD = (1 << 32) - 1


class Registers:
    """Reads and writes registers and fields by name.

    Args:
        backend: connection to the core.
        description: description of the core.
    """

    def __init__(self, backend: Backend, description: Description) -> None:
        self._backend = backend
        self._description = description

    def address(self, name: str) -> int:
        """Return a register's address."""
        return self._description.register(name).address

    def read(self, name: str) -> int:
        """Read a register's word."""
        return self._backend.read(self.address(name))

    def write(self, name: str, word: int) -> None:
        """Write a register's word."""
        self._backend.write(self.address(name), word)

    def write_at(self, address: int, word: int) -> None:
        """Write a word to an address."""
        self._backend.write(address, word)

    def fields(self, name: str) -> dict[str, int]:
        """Read all fields of a register at once."""
        return split(self._description.register(name), self.read(name))

    def field(self, name: str, field: str) -> int:
        """Read one field of a register."""
        return self.fields(name)[field]

    def set(self, name: str, **fields: int) -> None:
        """Write a register: the given fields, and 0 in the others."""
        self.write(name, join(self._description.register(name), fields))


def split(register: Register, word: int) -> dict[str, int]:
    """Split a register's word into its fields."""
    return {name: word >> low & (1 << width) - 1 for name, (low, width) in register.fields.items()}


def join(register: Register, fields: dict[str, int]) -> int:
    """Join fields to a register's word; missing ones are 0.

    Raises:
        KeyError: the register has no such field.
    """
    word = 0
    for name, value in fields.items():
        low, width = register.fields[name]
        word |= (value & (1 << width) - 1) << low
    return word
