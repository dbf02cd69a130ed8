"""Attributes of memories, and constants in logic."""

from __future__ import annotations

import pytest
from amaranth.hdl import Module, Signal

from hdl.parts.memory import BLOCK_BITS, LogicRom, block_attributes
from tests.hdl.simulate import count_up, watch


@pytest.mark.parametrize("depth", [1, 2, 3, 15, 16, 17, 24, 32, 33, 70])
def test_logic_rom_gives_every_word(depth: int) -> None:
    words = [(37 * n + 11) % 64 - 32 for n in range(depth)]
    m = Module()
    m.submodules.rom = rom = LogicRom(width=6, words=words)
    address = Signal(7)
    count_up(m, address)
    m.d.comb += rom.address.eq(address)
    got = [row[0] for row in watch(m, [rom.data], cycles=depth + 2)]
    assert got[2:] == words


@pytest.mark.usefixtures("made_in_vain")
def test_logic_rom_tells_its_words() -> None:
    rom = LogicRom(width=4, words=[3, -8, 7])
    assert (rom.width, rom.words) == (4, (3, -8, 7))


def test_only_large_memories_ask_for_block_ram() -> None:
    unchecked = {"no_rw_check": 1, "ramstyle": "no_rw_check"}
    assert block_attributes(BLOCK_BITS) == {"ram_style": "block", **unchecked}
    assert block_attributes(BLOCK_BITS - 1) == unchecked
