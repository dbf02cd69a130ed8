"""RTLIL of a component with explicit widths, names for all ports, and no contents of memories.

Amaranth's own writer trims operands ("a 4-bit level differs from 1'h1"), and numbers a port that is
no signal of its module. Verilog made from that is right, but linters complain about each. It also
makes an object per bit of a memory, so this one leaves the words to
:mod:`hdl.export.memory_words`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.hdl import Fragment, _ast, _ir, _nir
from amaranth.lib.wiring import Component

from hdl.export.memory_words import ATTRIBUTE, Words

_STAND_INS = ("TransformedElaboratable", "Memory")
"""Classes for which another one is elaborated: with a reset; with parity bits."""

_PRIVATE = "port$"
"""Prefix of ports that Amaranth has no name for."""


@dataclass(frozen=True)
class Rtlil:
    """RTLIL without source locations.

    Attributes:
        text: the RTLIL; each memory has its first word, 0, and an attribute with its number.
        components: class of the component behind each module.
        memories: contents of all memories, by number.
    """

    text: str
    components: Mapping[str, str]
    memories: Sequence[Words]


@contextmanager
def _without_collection() -> Iterator[None]:
    """Collect no garbage meanwhile: a fifth of the time, as all objects of a netlist stay alive."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_collection()
def explicit_rtlil(component: Component, *, name: str) -> Rtlil:
    """Write RTLIL of a component; names of inner modules begin with ``name`` and a dot."""
    fragment = Fragment.get(component, None)
    fragments = fragment.prepare(ports=_top_ports(component), hierarchy=(name,))
    netlist = _ir.build_netlist(fragments)
    _name_ports(netlist)
    empty = rtlil.EmptyModuleChecker(netlist)
    design, signals = rtlil.Design(emit_src=False), _ast.SignalDict()
    memories: list[Words] = []
    for index, module in enumerate(netlist.modules):
        if not empty.is_empty(index):
            builder = design.module(".".join(module.name))
            emitter = _Emitter(builder, netlist, module, signals, empty_checker=empty)
            emitter.memories_found = memories
            emitter.emit()
    components = {
        ".".join(info.name): _component_class(fragment)
        for fragment, info in fragments.fragments.items()
    }
    return Rtlil(str(design), components, memories)


def _component_class(fragment: Any) -> str:
    """Return the name of the class that a fragment is made from; empty if there is none."""
    made = (type(origin).__name__ for origin in fragment.origins or ())
    return next((name for name in made if name not in _STAND_INS), "")


def _top_ports(component: Component) -> dict[str, Any]:
    """List the ports of a component as Amaranth's netlist takes them."""
    found = {}
    for path, member, port in component.signature.flatten(component):
        value = port.as_value() if isinstance(port, _ast.ValueCastable) else port
        into = member.flow.name == "In"
        direction = _ir.PortDirection.Input if into else _ir.PortDirection.Output
        found["__".join(map(str, path))] = (cast(Any, value), direction)
    return found


class _Emitter(rtlil.ModuleEmitter):
    """Writes a module's cells with operands as wide as the netlist has them, and empty memories.

    The operands of a cell have equal widths there, so this adds nothing to the netlist.
    """

    memories_found: list[Words]

    def emit_memory(self, cell_idx: int, cell: Any) -> None:
        """Write a first word of 0 in place of the contents, so that Yosys marks their place."""
        memory = self.builder.contents[self.memories[cell_idx].memid]
        memory.attribute(ATTRIBUTE, len(self.memories_found))
        place = ".".join([*self.module.name, cell.name])
        self.memories_found.append(Words(place=place, width=cell.width, words=cell.init))
        marker = copy(cell)
        marker.depth, marker.init = 1, (0,)
        super().emit_memory(cell_idx, marker)

    def shorten_operand(self, value: Any, *, signed: bool) -> Any:
        return super().shorten_operand(value, signed=signed) if self._shortens else value

    def emit_operator(self, cell_idx: int, cell: Any) -> None:
        # The factors of a product stay as they are: a multiplier is inferred from their widths.
        self._shortens = cell.operator == "*"
        super().emit_operator(cell_idx, cell)

    def emit_part(self, cell_idx: int, cell: Any) -> None:
        """Shift the whole value down to the chosen part, and take its lowest bits."""
        width = max(cell.width, len(cell.value))
        high = cell.value[-1] if cell.value_signed else _nir.Net.from_const(0)
        value = _nir.Value([*cell.value, *[high] * (width - len(cell.value))])
        result = self.cell_wires[cell_idx]
        self.cell_wires[cell_idx] = whole = self.builder.wire(width)
        shifted = _nir.Part(
            cell.module_idx,
            value=value,
            value_signed=cell.value_signed,
            width=width,
            stride=cell.stride,
            offset=cell.offset,
            src_loc=cell.src_loc,
        )
        super().emit_part(cell_idx, shifted)
        self.cell_wires[cell_idx] = result
        self.builder.connect(result.name, f"{whole.name} [{cell.width - 1}:0]")


def _name_ports(netlist: Any) -> None:
    """Name each port without a name after the signal that it is a part of."""
    for module in netlist.modules:
        if not any(name.startswith(_PRIVATE) for name in module.ports):
            continue
        places = (module, *(other for other in netlist.modules if other is not module))
        taken = {*module.ports, *module.signal_names.values()}
        ports = {}
        for name, (value, flow) in module.ports.items():
            if name.startswith(_PRIVATE):
                name = next(
                    found
                    for part in (value, value[:1])  # its first bit, where no signal has its order
                    for place in places
                    for found in _parts(netlist, place, part)
                )
                while name in taken:
                    name += "_"
                taken.add(name)
            ports[name] = (value, flow)
        module.ports = ports


def _parts(netlist: Any, module: Any, value: Any) -> Iterator[str]:
    """Name a value after the signals it is a part of: ``a__field``, ``a_3``, ``a_7_4``."""
    width = len(value)
    for signal, name in module.signal_names.items():
        nets = netlist.signals[signal]
        starts = (low for low in range(len(nets)) if nets[low : low + width] == value)
        for low in starts:
            for path, field in netlist.signal_fields[signal].items():
                if path and field.value == value:
                    yield "__".join(map(str, (name, *path)))
            if width == len(nets):
                yield name
            yield f"{name}_{low}" if width == 1 else f"{name}_{low + width - 1}_{low}"
