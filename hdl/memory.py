"""Where a core's memories go: one rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib.memory import Memory

BLOCK_BITS = 512
"""From so many bits on a memory that is read a cycle later is put into block RAM."""


def block_memory(*, shape: Any, depth: int, init: Sequence[Any] = ()) -> Memory:
    """A memory for weights, tables, constants, vectors and results.

    From ``BLOCK_BITS`` bits on it asks for block RAM, by an attribute that synthesizers know; what
    reads it has a register right behind, which a block RAM may take as its output register. Smaller
    ones, accumulators and shadows go where the synthesizer finds best.

    Nothing may use a word that is read in the cycle in which it is written: ``no_rw_check`` tells
    Yosys, which else builds what makes it the old one.
    """
    attributes = block_attributes(depth * Shape.cast(shape).width)
    return Memory(shape=shape, depth=depth, init=init, attrs=attributes)


def block_attributes(bits: int) -> dict[str, Any]:
    """Attributes of such a memory of so many bits."""
    return {"ram_style": "block", "no_rw_check": 1} if bits >= BLOCK_BITS else {}
