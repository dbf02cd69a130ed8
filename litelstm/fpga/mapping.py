"""Mapping of a core to a part's cells: Yosys' script, and relief for a short resource.

An iCE40's SPRAMs have one port and no initial contents. Yosys uses them only for memories with the
right attribute; only loadable weights (:class:`hdl.loading.weight_ram.WeightRam`) can go there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from litelstm.fpga.dual_multiplier import DualMultiplier
from litelstm.fpga.families import MULTIPLIER, RAM, SPRAM
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import Target

NETLIST = "netlist.json"

LOADED_WEIGHTS = "*weights.memory", "*weights.memory.words"
"""Patterns for the memory names of loadable weights, without and with parity."""

SPARE = (
    r"core\.update\.tanh\d+\.rom(\.words)?",
    r"core\.update\.buffer\.memory(\.words)?",
    r"core\.store\.x_memory(\.words)?",
    r"core\.update\.bias\d+_\d+\.memory(\.words)?",
)
"""Memories that can move to logic when block RAM is short, from the cheapest (a table takes a few
LUTs per bit) to those whose bits become registers."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Deviations from Yosys' default mapping.

    Attributes:
        products_in_logic: whether the state update's products use logic instead of multipliers.
        memories_in_logic: names of memories that use logic instead of block RAM.
    """

    products_in_logic: bool = False
    memories_in_logic: tuple[str, ...] = ()


_NARROWED = ("opt_clean", "opt -full", "wreduce", "opt_clean")
"""Passes before the mapping. They narrow registers, because Yosys 0.70 packs a product's register
into an iCE40's multiplier and sets the bits that only repeat the sign to 0.

``opt_clean`` removes unused logic first. Otherwise ``opt_dff`` leaves initial values on bits that
have become constants, and the next ``opt_clean`` stops at them."""

_MERGED = ("opt_merge -share_all", "opt_clean")
"""Passes after the mapping. They merge registers that became equal when the mapping merged their
LUTs. One register shares the LUT's logic cell; every other would need a wire."""


def script(
    target: Target, *, top: str, mapping: Mapping, dual: DualMultiplier | None = None
) -> str:
    """Write Yosys' commands from ``core.v`` to ``NETLIST``, one per line.

    ``autoname`` names every cell after the design, which not all of Yosys' own scripts do. These
    names tell the part of the core (:data:`litelstm.fpga.netlist.PARTS`). ``dual`` uses
    multipliers in their mode for two products.
    """
    synth = f"{target.family.synth} {target.options} -top {top}"
    label = target.family.maps_from
    lines = ["read_verilog core.v"]
    lines += [f"scratchpad -set {name} {delay}" for name, delay in target.delays]
    if not label:
        return "\n".join([*lines, synth, "autoname", f"write_json {NETLIST}", ""])
    lines += [*(dual.begin() if dual else ()), f"{synth} -run :{label}", *_NARROWED]
    if target.available.get(SPRAM):
        for name in LOADED_WEIGHTS:
            lines += [
                f"delete {top}/t:$meminit* {top}/r:MEMID={name} %i",
                f'setattr -set ram_style "huge" {top}/m:{name}',
            ]
    if mapping.products_in_logic:
        # The mapping to multipliers ignores this type, and Yosys turns it into $mul afterwards.
        lines.append(f"chtype -set $__soft_mul {top}/c:*update.* {top}/t:$mul %i")
    lines += [f'setattr -set ram_style "logic" {top}/m:{n}' for n in mapping.memories_in_logic]
    lines += [f"{synth} -run {label}:json", *_MERGED]
    lines += [*(dual.end() if dual else ()), f"write_json {NETLIST}", ""]
    return "\n".join(lines)


def relieved(netlist: Netlist, target: Target) -> Mapping:
    """Choose a mapping that relieves shortages of a part; the default mapping if none does.

    If the multipliers suffice for the array but not for the state update's products too, the
    products move to logic. If block RAM is short, some of the ``SPARE`` memories do.
    """
    mapping = Mapping()
    if not target.family.maps_from:
        return mapping
    have = target.available.get(MULTIPLIER, 0)
    if netlist.parts["array"].get(MULTIPLIER, 0) <= have < netlist.used.get(MULTIPLIER, 0):
        mapping = replace(mapping, products_in_logic=True)
    short = netlist.used.get(RAM, 0) - target.available[RAM]
    moved: list[str] = []
    for name in sorted(netlist.memories, key=_place):
        if short > 0 and _place(name) < len(SPARE):
            moved.append(name)
            short -= netlist.memories[name]
    return mapping if short > 0 else replace(mapping, memories_in_logic=tuple(moved))


def _place(memory: str) -> int:
    """A memory's place in ``SPARE``."""
    places = (n for n, pattern in enumerate(SPARE) if re.fullmatch(pattern, memory))
    return next(places, len(SPARE))
