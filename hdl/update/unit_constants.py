"""Memories of a word per unit for the state update: biases and diagonal weights."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Signal, Value, signed
from amaranth.lib import data

from golden.quantized import signed_width
from hdl.loading.loaded_memory import LoadedMemory
from hdl.parts.memory import BLOCK_BITS, LogicRom, block_rom
from hdl.plan import Plan
from hdl.update.pipeline import Pipeline, Staged


class UnitConstants:
    """Builds the memories, in the Verilog or where weights are loaded.

    Args:
        pipe: the pipeline that needs the words.
        plan: the core's plan.
        index: of the unit that enters.
        loads: where weights are loaded, writes of the loader and the active bank.
    """

    def __init__(
        self, pipe: Pipeline, plan: Plan, *, index: Staged, loads: tuple[data.View, Value] | None
    ) -> None:
        self._pipe, self._plan, self._index, self._loads = pipe, plan, index, loads
        self._words: dict[tuple[str, int], Value] = {}

    def word(self, name: str, words: Sequence[int], *, stage: int) -> Value:
        """The word of the unit in a stage.

        Args:
            name: of the words; that of their section where they are loaded.
            words: a constant of each unit.
            stage: that needs the word; the memory is read two cycles before.
        """
        if (name, stage) not in self._words:
            index = self._pipe.at(self._index, stage - 2)
            memory = f"{name}_{stage}"
            if self._loads:
                word = self._loaded(memory, name, index, *self._loads)
            else:
                word = self._built_in(memory, words, index)
            self._words[name, stage] = word
        return self._words[name, stage]

    def _loaded(
        self, name: str, section: str, index: Value, write: data.View, bank: Value
    ) -> Value:
        m = self._pipe.m
        m.submodules[name] = memory = LoadedMemory(plan=self._plan, section=section)
        m.d.comb += [
            memory.write.eq(write),
            memory.bank.eq(bank),
            memory.address.eq(index),
        ]
        return self._registered(memory.data.as_signed(), name)

    def _built_in(self, name: str, words: Sequence[int], index: Value) -> Value:
        m = self._pipe.m
        width, depth = signed_width(min(words), max(words)), max(2, len(words))
        if self._plan.options.storage.deep and width * depth < BLOCK_BITS:
            m.submodules[name] = logic = LogicRom(width=width, words=words)
            m.d.comb += logic.address.eq(index)
            return logic.data
        m.submodules[name] = rom = block_rom(shape=signed(width), depth=depth, init=words)
        port = rom.read_port()
        m.d.comb += port.addr.eq(index)
        return self._registered(port.data, name)

    def _registered(self, word: Value, name: str) -> Value:
        """A memory's word, a cycle later."""
        word_q = Signal(signed(len(word)), name=f"{name}_q", reset_less=True)
        self._pipe.m.d.sync += word_q.eq(word)
        return word_q
