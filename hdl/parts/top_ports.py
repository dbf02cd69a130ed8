"""The ports of a Verilog top, and the signals inside that they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from amaranth.hdl import Module, Shape
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

_SIDES = {"input": In, "output": Out}


@dataclass(frozen=True)
class Port:
    """A plain port of the Verilog, as its user sees it.

    Attributes:
        name: ``i_data``, ...
        direction: ``input`` or ``output``.
        shape: of the port.
        meaning: for the description.
        inner: the signal inside that it is, as a path: ``i.payload.data``, ...; empty for clock
            and reset.
    """

    name: str
    direction: str
    shape: Any
    meaning: str
    inner: str = ""

    @property
    def width(self) -> int:
        """Bits."""
        return Shape.cast(self.shape).width

    def as_json(self) -> dict[str, Any]:
        """Return the port's entry in the description."""
        return {
            "name": self.name,
            "direction": self.direction,
            "width": self.width,
            "meaning": self.meaning,
        }


def stream_ports(
    prefix: str,
    inner: str,
    fields: Iterable[tuple[str, Any, str]],
    meanings: Mapping[str, str],
    *,
    into: bool,
    offered: str = "a beat",
) -> list[Port]:
    """The ports of a stream: fields of its payload, ``valid`` and ``ready``.

    Args:
        prefix: of the ports' names.
        inner: path of the stream inside.
        fields: name, shape, and path from the stream, of each field.
        meanings: of the fields' ports, by their names.
        into: whether the stream leads into the module.
        offered: what ``valid`` offers.
    """
    forward, backward = ("input", "output") if into else ("output", "input")
    return [
        *(
            Port(prefix + name, forward, shape, meanings[prefix + name], f"{inner}.{path}")
            for name, shape, path in fields
        ),
        Port(prefix + "valid", forward, 1, f"{offered} is offered", f"{inner}.valid"),
        Port(prefix + "ready", backward, 1, "it is taken at this edge", f"{inner}.ready"),
    ]


def members(ports: Iterable[Port]) -> dict[str, Member]:
    """The ports of a top's signature."""
    return {port.name: _SIDES[port.direction](port.shape) for port in ports}


def wire(m: Module, top: wiring.Component, ports: Iterable[Port], inside: wiring.Component) -> None:
    """Connect a top's ports with the signals that they are, whose paths begin in ``inside``."""
    for port in ports:
        if not port.inner:
            continue
        inner, outer = attrgetter(port.inner)(inside), getattr(top, port.name)
        if port.direction == "input":
            m.d.comb += inner.eq(outer)
        else:
            m.d.comb += outer.eq(inner)
