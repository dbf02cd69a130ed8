"""The register map as plain data, read from ``registers.rdl`` (SystemRDL 2.0)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a register.

    Attributes:
        name, meaning: of the field.
        low, width: bits.
        readable, writable: over the bus.
        reset: value after a reset; ``None`` where hardware gives the value.
        pulse: a written 1 lasts for one cycle.
        clears: hardware sets the bit, a written 1 clears it.
        counter: hardware counts events in it.
        strobe: a read or a write takes or gives a word of a stream.
    """

    name: str
    meaning: str
    low: int
    width: int
    readable: bool
    writable: bool
    reset: int | None
    pulse: bool
    clears: bool
    counter: bool
    strobe: bool

    @property
    def mask(self) -> int:
        """The field's bits in its register."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True, kw_only=True)
class Register:
    """A register of 32 bits.

    Attributes:
        name, title, meaning: of the register.
        address: in bytes, from the core's base.
        fields: from the lowest bit on.
    """

    name: str
    title: str
    meaning: str
    address: int
    fields: tuple[Field, ...]

    @property
    def readable(self) -> bool:
        """Tell whether a read is allowed."""
        return any(field.readable for field in self.fields)

    @property
    def writable(self) -> bool:
        """Tell whether a write is allowed."""
        return any(field.writable for field in self.fields)

    def field(self, name: str) -> Field:
        """Return a field by its name.

        Raises:
            KeyError: there is none of that name.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no field {name!r}")


RDL = files("hdl.bus") / "registers.rdl"
"""The source of the map."""


@cache
def elaborated() -> Any:
    """Return the map as the compiler's ``AddrmapNode``, for exporters of other formats."""
    from systemrdl.compiler import RDLCompiler  # an extra: only cores with a bus need it

    compiler = RDLCompiler()
    with as_file(RDL) as path:
        compiler.compile_file(str(path))
    return compiler.elaborate().top


@cache
def registers() -> tuple[Register, ...]:
    """List all registers, by address."""
    return tuple(_register(node) for node in elaborated().registers())


def _register(node: Any) -> Register:
    return Register(
        name=node.inst_name,
        title=node.get_property("name"),
        meaning=node.get_property("desc") or "",
        address=node.absolute_address,
        fields=tuple(_field(field) for field in node.fields()),
    )


def _field(node: Any) -> Field:
    on_write = node.get_property("onwrite")
    reset = node.get_property("reset")
    return Field(
        name=node.inst_name,
        meaning=node.get_property("desc") or "",
        low=node.low,
        width=node.width,
        readable=node.is_sw_readable,
        writable=node.is_sw_writable,
        reset=None if reset is None else int(reset),
        pulse=bool(node.get_property("singlepulse")),
        clears=on_write is not None and on_write.name == "woclr",
        counter=bool(node.get_property("counter")),
        strobe=bool(node.get_property("swmod") or node.get_property("swacc")),
    )
