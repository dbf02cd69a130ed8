"""Area of a core without synthesis: a model of its Verilog, fitted to synthesized cores.

Multipliers are those of the plan; block RAMs follow from the memories' shapes. LUTs and registers
are sums over operations in the text, each with a coefficient of its own per family and part of the
core. ``python -m bench.area_model`` fits the coefficients in ``area.json`` and prints their errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hdl.plan import Plan
from litelstm.explore.text import OPERATIONS, Memory, Text, read
from litelstm.fpga.families import (
    ECP5,
    FF,
    ICE40,
    LOGIC_CELL,
    LUT,
    MULTIPLIER,
    RAM,
    SPRAM,
    Family,
)
from litelstm.fpga.targets import Target

COEFFICIENTS = Path(__file__).with_name("area.json")

FITTED = (LUT, FF)
"""Resources with coefficients."""

_BLOCKS = {
    ECP5.name: ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    ICE40.name: ((256, 16), (512, 8), (1024, 4), (2048, 2)),
}
"""Shapes of a block RAM by family: words, and their bits."""

_BLOCK_COST = 64
"""Bits of registers that Yosys takes for a block RAM of an iCE40, if the Verilog does not say."""

_SPRAM = (16384, 16)
"""Shape of an iCE40's SPRAM."""

_LEAST_PRODUCT = {ECP5.name: 9, ICE40.name: 11}
"""Bits of the narrowest product that Yosys puts into a multiplier."""

FEATURES = (*OPERATIONS, "registers", "chunks", "chosen", "product", "one")
"""Summands of a part: operations and registers in bits; memories outside block RAM in chunks
(on the ECP5 LUT RAMs of 16 words of 4 bits, on the iCE40 registers), and in bits that are chosen
from several chunks; products in logic in bits of one factor times the other's; and a constant."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """Resources of a core, and what its registers and memories do per cycle.

    Attributes:
        used: amount of each resource.
        registers: bits of registers in the Verilog.
        read_bits: bits that all memories deliver in a cycle.
    """

    used: Mapping[str, int]
    registers: int
    read_bits: int


def multipliers(plan: Plan) -> int:
    """Count the hardware multipliers of a core."""
    return plan.array_multipliers + plan.update_cost.hardware_multipliers


def estimate(verilog: str, multipliers: int, target: Target) -> Area:
    """Estimate the area of a core with so many hardware multipliers."""
    return of_parts(read(verilog), multipliers, target, coefficients()[target.family.name])


def of_parts(
    parts: Mapping[str, Text], multipliers: int, target: Target, model: Mapping[str, Any]
) -> Area:
    """Estimate the area from what the parts of a core have, with a family's coefficients."""
    family = target.family
    memories = [memory for text in parts.values() for memory in text.memories]
    large = [memory for memory in memories if memory.large and target.available.get(SPRAM)]
    used = {
        MULTIPLIER: max(0, multipliers - in_logic(parts, family)),
        RAM: sum(blocks(memory, family) for memory in memories if memory not in large),
    }
    if large:
        used[SPRAM] = sum(_tiles(memory, _SPRAM) for memory in large)
    for resource in FITTED:
        used[resource] = round(
            sum(
                model[resource][part][name] * amount
                for part, text in parts.items()
                for name, amount in features(text, family).items()
            )
        )
    if family is ICE40:
        used[LOGIC_CELL] = round(model[LOGIC_CELL] * (used[LUT] + used[FF]))
    return Area(
        used=used,
        registers=sum(text.registers for text in parts.values()),
        read_bits=sum(memory.width * memory.ports for memory in memories),
    )


def features(text: Text, family: Family) -> dict[str, int]:
    """Return the amount of each of ``FEATURES`` in a part."""
    logic = [memory for memory in text.memories if not in_block(memory, family)]
    if family is ICE40:
        chunks = sum(m.width * m.words for m in logic)
        chosen = sum(m.width * (m.words - 1) * m.ports for m in logic)
    else:
        chunks = sum(-(-m.width // 4) * -(-m.words // 16) * m.ports for m in logic)
        chosen = sum(m.width * (-(-m.words // 16) - 1) * m.ports for m in logic)
    return {
        **{name: text.bits[name] for name in OPERATIONS},
        "registers": text.registers,
        "chunks": chunks,
        "chosen": chosen,
        "product": sum(_narrow(text, family)),
        "one": 1,
    }


def in_logic(parts: Mapping[str, Text], family: Family) -> int:
    """Count the products of lanes and state update that are too narrow for a multiplier."""
    return sum(len(_narrow(parts[part], family)) for part in ("array", "update"))


def _narrow(text: Text, family: Family) -> list[int]:
    """Return the narrow products of a part: bits of one factor times the other's."""
    return [bits for width, bits in text.products if width < _LEAST_PRODUCT[family.name]]


def in_block(memory: Memory, family: Family) -> bool:
    """Tell whether Yosys puts a memory into block RAM."""
    if memory.block or not memory.clocked:
        return memory.block
    if family is ICE40:
        bits = memory.words * memory.width
        return bits > _BLOCK_COST * memory.ports * _copies(memory, family)
    return memory.words > 64


def blocks(memory: Memory, family: Family) -> int:
    """Count the block RAMs of a memory, one set per read port."""
    if not in_block(memory, family):
        return 0
    return memory.ports * _copies(memory, family)


def _copies(memory: Memory, family: Family) -> int:
    """Count the block RAMs of a memory with one read port."""
    return min(_tiles(memory, shape) for shape in _BLOCKS[family.name])


def _tiles(memory: Memory, shape: tuple[int, int]) -> int:
    """Count the memories of so many words and bits that make up a larger one."""
    words, width = shape
    return -(-memory.width // width) * -(-memory.words // words)


@cache
def coefficients() -> dict[str, Any]:
    """Read the coefficients: by family, resource, part and feature."""
    return json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
