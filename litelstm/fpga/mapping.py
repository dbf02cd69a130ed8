"""How a core is mapped to a part's cells: Yosys' script, and what is done when a resource is short.

An iCE40's SPRAMs have no contents at first and one port: only a memory that says so goes there, and
the weights that a core loads (:class:`hdl.loading.weight_ram.WeightRam`) are the one that can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from litelstm.fpga.families import MULTIPLIER, RAM, SPRAM
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import Target

NETLIST = "netlist.json"

LOADED_WEIGHTS = "*weights.memory"
"""The weights that a core loads, among the names of memories."""

SPARE = (
    r"core\.update\.tanh\d+\.rom",
    r"core\.update\.buffer\.memory",
    r"core\.store\.x_memory",
    r"core\.update\.bias\d+_\d+\.memory",
)
"""Memories that logic can hold when block RAM is short, from the one that takes the fewest cells
(a table is a few LUTs a bit) to those whose bits are registers."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """What is mapped otherwise than Yosys does by itself.

    Attributes:
        products_in_logic: the state update's products take no hardware multipliers.
        memories_in_logic: names of memories that take no block RAM.
    """

    products_in_logic: bool = False
    memories_in_logic: tuple[str, ...] = ()


_NARROWED = ("opt_clean", "opt -full", "wreduce", "opt_clean")
"""Before anything is mapped: Yosys 0.70 packs a product's register into an iCE40's multiplier and
makes 0 of the bits that only repeat the sign. Narrowed registers have none.

What is not used goes first: else its ``opt_dff`` leaves first values of bits that have become
constants, and the ``opt_clean`` after that stops at them."""

_MERGED = ("opt_merge -share_all", "opt_clean")
"""Behind it: registers behind one LUT, alike only since LUTs were merged. With the LUT goes one of
them; each other one would be a wire away."""


def script(target: Target, *, top: str, mapping: Mapping) -> str:
    """Yosys' commands from ``core.v`` to ``NETLIST``, one per line.

    ``autoname`` names every cell after the design, which not all of Yosys' own scripts do: a part
    of the core is known by its cells' names (:data:`litelstm.fpga.netlist.PARTS`).
    """
    synth = f"{target.family.synth} {target.options} -top {top}"
    label = target.family.maps_from
    lines = ["read_verilog core.v"]
    lines += [f"scratchpad -set {name} {delay}" for name, delay in target.delays]
    if not label:
        return "\n".join([*lines, synth, "autoname", f"write_json {NETLIST}", ""])
    lines += [f"{synth} -run :{label}", *_NARROWED]
    if target.available.get(SPRAM):
        lines += [
            f"delete {top}/t:$meminit* {top}/r:MEMID={LOADED_WEIGHTS} %i",
            f'setattr -set ram_style "huge" {top}/m:{LOADED_WEIGHTS}',
        ]
    if mapping.products_in_logic:
        # A type that the mapping to multipliers passes over, and Yosys makes $mul again behind it.
        lines.append(f"chtype -set $__soft_mul {top}/c:*update.* {top}/t:$mul %i")
    lines += [f'setattr -set ram_style "logic" {top}/m:{n}' for n in mapping.memories_in_logic]
    lines += [f"{synth} -run {label}:json", *_MERGED, f"write_json {NETLIST}", ""]
    return "\n".join(lines)


def relieved(netlist: Netlist, target: Target) -> Mapping:
    """How to map a core anew that takes too much of a part; the same as at first if nothing helps.

    Where there are multipliers for the array, but not for the state update's products too, those
    go into logic; where block RAM is short, some of the ``SPARE`` memories do.
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
