"""Memories of a core: one rule decides between block RAM and logic; small constants go to logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.parts.component import delayed, port
from hdl.parts.numeric import select, span

BLOCK_BITS = 512
"""From so many bits on a memory that is read a cycle later is put into block RAM."""

CHUNK_BITS = 4
"""Inputs of the smallest LUTs: a bit of two to the power of it words is one of them."""

LUT_RAM_WORDS = 16
"""Words of the smallest LUT RAM: that of ECP5, Gowin and Nexus; Xilinx' has 32."""


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


def block_rom(*, shape: Any, depth: int, init: Sequence[Any]) -> Memory:
    """A memory of constants, as :func:`block_memory`."""
    rom = block_memory(shape=shape, depth=depth, init=init)
    if "ram_style" in rom.attrs:
        rom.attrs["rom_style"] = rom.attrs["ram_style"]
    return rom


def block_attributes(bits: int) -> dict[str, Any]:
    """Attributes of such a memory of so many bits.

    ``ram_style``, and ``rom_style`` of a ROM, are for Vivado (UG901) and Yosys. ``ramstyle`` is for
    Quartus, which has a name for each family's blocks, but none for any block; so it says only that
    nothing uses what is read while it is written. ``no_rw_check`` tells Yosys the same.
    """
    unchecked = {"no_rw_check": 1, "ramstyle": "no_rw_check"}
    return {"ram_style": "block", **unchecked} if bits >= BLOCK_BITS else unchecked


class LogicRom(wiring.Component):
    """Constants below ``BLOCK_BITS`` in logic, with a register behind every LUT.

    The words are cut into chunks of a LUT a bit. In the first cycle each chunk gives a word, in the
    second one of them is chosen.

    Latency: ``data`` is the word at ``address`` of two cycles before.

    Args:
        width: bits of a word.
        words: the words, signed.
    """

    address = data = port(Signal)

    def __init__(self, *, width: int, words: Sequence[int]) -> None:
        self.width = width
        self.words = tuple(words)
        super().__init__({"address": In(span(len(self.words))), "data": Out(signed(width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        within = self.address[:CHUNK_BITS]
        size = 1 << len(within)
        chunks: list[Value] = []
        for number, first in enumerate(range(0, len(self.words), size)):
            constants = self.words[first : first + size]
            word = Signal(signed(self.width), name=f"word{number}")
            with m.Switch(within):
                for place in range(size):
                    with m.Case(place):  # beyond the last one the words repeat: fewer inputs
                        m.d.comb += word.eq(constants[place % len(constants)])
            chunks.append(delayed(m, word, 1, name=f"word{number}")[-1])
        chosen = chunks[0]
        if len(chunks) > 1:
            chunk = delayed(m, self.address[CHUNK_BITS:], 1, name="chunk")[-1]
            chosen = select(m, chunk, chunks, name="chosen")
        m.d.comb += self.data.eq(delayed(m, chosen, 1, name="chosen")[-1])
        return m
