"""Parity bits beside the words of all memories of a component, and who checks them.

Amaranth asks a platform how to build a memory. `ParityGuard` answers with a `GuardedMemory`, so
that no component knows of parity, and none can forget it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Const, Elaboratable, Fragment, Module, Shape, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory, ReadPort, WritePort
from amaranth.lib.wiring import Out

from hdl.parts.component import delayed, port

GROUP = 16
"""Bits whose parity is known in a cycle: two LUTs one after the other."""


class GuardedMemory(wiring.Component):
    """A memory with a bit beside each word that makes the number of its ones even.

        write ─┬─► words ─► read ─┬─► (as without the guard)
               └─► parity ────────┴─► word_q ─► groups_q ─► odd? ─► wrong_q

    It has the ports of the memory in whose place it stands: same words, same cycles. A word that
    nobody has written is 0, so its parity is right. These words are not checked: beyond the last
    one; that are read in the cycle in which they are written, where nobody may use them (see
    :func:`hdl.parts.memory.block_memory`); and those that `used` leaves out.

    Latency: `wrong` tells of a word four cycles after it was asked for; of a memory that is read
    at once, two cycles after.
    Cost: a bit per word; per port that writes or reads, the exclusive or of a word. The check
    stands behind a register of its own, which synthesis merges with that of the reader: so a block
    RAM may still take it as its output register.

    A memory whose words are written in parts has a second one for a bit of each part: block RAM
    and SPRAM have no room beside a part of 32 bits everywhere.

    Args:
        memory: what is guarded; all its ports are there.
        used: for each port that reads whether somebody uses the word that it asks for.

    Attributes:
        memory: what is guarded.
        stores: the memories that hold words and parity bits, in one or in two.
        wrong: a word that was read had a wrong parity, for one cycle.
    """

    wrong = port(Signal)

    def __init__(self, *, memory: Memory, used: Value) -> None:
        self.memory, self._used = memory, used
        self._width = Shape.cast(memory.shape).width
        self._parts = max((len(write.en) for write in memory.write_ports), default=1)
        self.stores = self._stores()
        super().__init__({"wrong": Out(1)})

    def _stores(self) -> list[Memory]:
        """Make the memories, with the contents that they start from."""
        memory, width = self.memory, self._width
        words = [_raw(word) & ((1 << width) - 1) for word in memory.init]
        common: dict[str, Any] = {"depth": memory.depth, "attrs": memory.attrs}
        if self._parts == 1:
            coded = [word | (word.bit_count() & 1) << width for word in words]
            return [Memory(shape=unsigned(width + 1), init=coded, **common)]
        if any(words):
            raise ValueError("a memory that is written in parts must start from 0")
        return [Memory(shape=unsigned(bits), init=[], **common) for bits in (width, self._parts)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        writes = {write: self._write(m, write) for write in self.memory.write_ports}
        wrong = [
            self._read(m, read, writes, name=f"{number or ''}")
            for number, read in enumerate(self.memory.read_ports)
        ]
        for name, store in zip(("words", "parity"), self.stores, strict=False):
            m.submodules[name] = Fragment.get(store, None)  # as it is: it is guarded already
        m.d.comb += self.wrong.eq(reduce(or_, wrong))
        return m

    def _write(self, m: Module, write: WritePort) -> list[WritePort]:
        """Build a port that writes; return those of the memories."""
        word, part = Value.cast(write.data), self._width // self._parts
        bits = Cat(word[low : low + part].xor() for low in range(0, self._width, part))
        data = [word, bits] if self._parts > 1 else [Cat(word, bits)]
        made: list[WritePort] = []
        for store, value in zip(self.stores, data, strict=True):
            granularity = len(value) // self._parts if self._parts > 1 else None
            inner = store.write_port(domain=write.domain, granularity=granularity)
            m.d.comb += [inner.addr.eq(write.addr), inner.en.eq(write.en), inner.data.eq(value)]
            made.append(inner)
        return made

    def _read(
        self, m: Module, read: ReadPort, writes: Mapping[WritePort, list[WritePort]], *, name: str
    ) -> Signal:
        """Build a port that reads; tell whether the word that it gave was wrong."""
        at_once = read.domain == "comb"
        inner = [
            store.read_port(
                domain=read.domain,
                transparent_for=[writes[write][number] for write in read.transparent_for],
            )
            for number, store in enumerate(self.stores)
        ]
        m.d.comb += [one.addr.eq(read.addr) for one in inner]
        if not at_once:
            m.d.comb += [one.en.eq(read.en) for one in inner]
        coded = Cat(one.data for one in inner)
        m.d.comb += Value.cast(read.data).eq(coded[: self._width])
        checked = Signal(name=f"checked{name}")
        m.d.comb += checked.eq(self._checked(read))
        if not at_once:
            coded = delayed(m, coded, 1, name=f"word{name}")[-1]
        cycles = 1 if at_once else 3
        checked = delayed(m, checked, cycles, name=f"checked{name}", resets=True)[-1]
        wrong = Signal(name=f"wrong{name}_q")
        m.d.sync += wrong.eq(checked & self._odd(m, coded, name=name))
        return wrong

    def _checked(self, read: ReadPort) -> Value:
        """Tell whether the word that is asked for must be right."""
        memory = self.memory
        checked = self._used
        if memory.depth & (memory.depth - 1):
            checked &= read.addr < memory.depth
        if read.domain != "comb":
            checked &= read.en
            for write in memory.write_ports if "no_rw_check" in memory.attrs else ():
                checked &= ~(write.en.any() & (write.addr == read.addr))
        return checked

    def _odd(self, m: Module, coded: Value, *, name: str) -> Value:
        """Tell whether a word, or a part of it, does not match its bit, a cycle later."""
        part, bits = self._width // self._parts, coded[self._width :]
        odd: list[Value] = []
        for number, bit in enumerate(bits):
            one = Cat(coded[number * part :][:part], bit)
            groups = Cat(one[low : low + GROUP].xor() for low in range(0, len(one), GROUP))
            odd.append(delayed(m, groups, 1, name=f"groups{name}_{number}")[-1].xor())
        return Cat(odd).any()


class ParityGuard:
    """Amaranth platform that guards every memory of what is elaborated with it.

    Attributes:
        memories: the guarded memories that were made.
    """

    def __init__(self) -> None:
        self.memories: list[GuardedMemory] = []
        self._used: dict[int, Value] = {}

    def over(self, inside: Elaboratable) -> Fragment:
        """Elaborate something with all its memories guarded."""
        return Fragment.get(inside, self)

    @property
    def fault(self) -> Value:
        """A word of a memory was wrong, for one cycle; ask after the last `over`."""
        return Cat(memory.wrong for memory in self.memories).any()

    def check_only(self, memory: Memory, used: Value) -> None:
        """Check a memory's words in those cycles only in which a word is asked for and used.

        For a memory that need not start from its initial contents.
        """
        self._used[id(memory)] = used

    def get_memory(self, memory: Memory) -> Elaboratable:
        """Answer Amaranth, which elaborates a memory."""
        guarded = GuardedMemory(memory=memory, used=self._used.get(id(memory), Const(1)))
        self.memories.append(guarded)
        return guarded


def guarded(m: Module, inside: Mapping[str, Elaboratable], *, parity: bool) -> Value:
    """Add submodules, with all their memories guarded if there is to be parity.

    Returns:
        A memory gave a word that is wrong, for one cycle; 0 without parity.
    """
    guard = ParityGuard()
    for name, one in inside.items():
        submodule: Any = guard.over(one) if parity else one
        m.submodules[name] = submodule
    return guard.fault if parity else Const(0)


def _raw(word: Any) -> int:
    """A word of a memory's initial contents as a number; one that is not given is 0."""
    return word if isinstance(word, int) else Const.cast(word or 0).value
