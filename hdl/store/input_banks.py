"""The banks of x: one step's input is in use while the next one's arrives."""

from __future__ import annotations

from typing import Protocol

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream

from golden.interface import LAST_BEAT
from hdl.layout.changes import AHEAD
from hdl.layout.ports import step_fields
from hdl.parts.component import delayed
from hdl.parts.memory import block_memory
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.store.change_lists import ChangeLists


def pause(plan: Plan) -> int:
    """Cycles for which a delta core takes nothing behind a step of few elements."""
    return max(0, AHEAD + ChangeLists.COUNTED - plan.network.inputs) if "x" in plan.listed else 0


class InputPorts(Protocol):
    """Ports of :class:`hdl.store.operand_store.OperandStore` that are about x."""

    i: stream.Interface
    element_x: data.View
    x_word: Signal
    begins: Signal
    ends: Signal
    last_input: Signal
    x_ready: Signal
    x_whole: Signal
    x_step: data.View
    x_releasing: Signal
    x_release: Signal
    x_index: Signal
    read_address: Signal
    read_turn: Signal


class InputBanks:
    """Takes the input stream, step by step, and keeps each step's elements until its release.

    There are two banks. Where the network reads x at a lag there are more, one of which is in use
    until as many steps later; ``read_turn`` tells which one is read. Where x is an index, it is
    kept in registers.

    Latency: an element can be read in the cycle after it was taken.
    Throughput: one element taken and one read per cycle.

    Args:
        m: module to build into.
        plan: the core's plan.
        ports: what it drives and listens to.

    Attributes:
        word: the element, a cycle after its address.
    """

    def __init__(self, m: Module, plan: Plan, ports: InputPorts) -> None:
        i, loaded = ports.i, plan.options.storage.loadable
        slots = plan.work.windows.x_slots
        fill_bank, read_bank = Signal(), Signal()
        fill_slot, read_slot = fill_bank, read_bank
        if slots > 2:
            fill_slot = Signal(range(slots))
            read_slot = ports.read_turn[: slots.bit_length() - 1]
        index = Signal(span(plan.sizes.inputs))
        steps = Signal(data.ArrayLayout(ports.x_step.shape(), 2))
        accept, complete = Signal(), Signal()
        room = Signal(init=1)  # not both banks hold a whole step
        whole = Signal()  # the current step is whole; a bank that is being released does not count
        last = ports.last_input if loaded else Const(plan.network.inputs - 1)
        at_first = Signal(init=1)  # index is 0
        at_last = Signal(init=plan.network.inputs == 1)  # index is the last
        m.d.comb += [
            i.ready.eq(self._spaced(m, plan, room, complete)),
            accept.eq(i.valid & i.ready),
            complete.eq(accept & (i.payload.ends if plan.work.swept else at_last)),
        ]
        word: Value = i.payload.data
        if plan.network.indexed:
            word = self._keep_index(m, plan, ports, accept, fill_bank, read_bank)
        self.word = word
        if not isinstance(word, Const):
            self.word = self._keep_words(m, plan, ports, word, accept, index, fill_slot, read_slot)
        m.d.comb += [
            ports.x_ready.eq(index),
            ports.x_whole.eq(whole),
            ports.x_step.eq(steps[read_bank]),
        ]
        if loaded:
            m.d.comb += [ports.begins.eq(at_first), ports.ends.eq(at_last)]
        self._count_steps(m, ports, complete, room, whole)
        if loaded:
            m.d.comb += at_last.eq(index == last)
        else:
            with m.If(accept):
                m.d.sync += at_last.eq(Mux(complete, last == 0, index + 1 == last))
        with m.If(accept):
            m.d.sync += [index.eq(Mux(complete, 0, index + 1)), at_first.eq(complete)]
        for beat, told in ((accept & at_first, False), (complete, True)):
            with m.If(beat):
                m.d.sync += [
                    steps[fill_bank][name].eq(i.payload[name])
                    for name in step_fields(plan)
                    if (name in LAST_BEAT) == told
                ]
        with m.If(complete):
            m.d.sync += fill_bank.eq(~fill_bank)
            if slots > 2:
                m.d.sync += fill_slot.eq(fill_slot + 1)
        with m.If(ports.x_release):
            m.d.sync += read_bank.eq(~read_bank)
        if "x" in plan.listed:
            self._tell(m, plan, ports, accept, bank=fill_bank, begin=at_first, last=at_last)

    @staticmethod
    def _keep_words(
        m: Module,
        plan: Plan,
        ports: InputPorts,
        word: Value,
        accept: Value,
        index: Value,
        fill_slot: Value,
        read_slot: Value,
    ) -> Value:
        """Keep elements in a memory, with the slot in the address' upper bits; return the word."""
        bits = (plan.sizes.inputs - 1).bit_length()
        m.submodules.x_memory = memory = block_memory(
            shape=word.shape(), depth=plan.work.windows.x_slots << bits
        )
        fill, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            fill.addr.eq(Cat(index[:bits], fill_slot)),
            fill.data.eq(word),
            fill.en.eq(accept),
            read.addr.eq(Cat(ports.read_address[:bits], read_slot)),
        ]
        return read.data

    @staticmethod
    def _keep_index(
        m: Module,
        plan: Plan,
        ports: InputPorts,
        accept: Value,
        fill_bank: Value,
        read_bank: Value,
    ) -> Value:
        """Keep the indices of both steps in registers; returns the element of x, which is 1.

        In a core for sweeps it returns what is to be kept in the memory: that, or another word.
        """
        indices = Signal(data.ArrayLayout(ports.x_index.shape(), 2))
        with m.If(accept):
            m.d.sync += indices[fill_bank].eq(ports.i.payload.data)
        m.d.comb += ports.x_index.eq(indices[read_bank])
        element = plan.network.formats[0]
        one = Const(1 << element.frac, signed(element.width))
        if not plan.work.swept:
            return one
        return Mux(ports.i.payload.index, one, ports.i.payload.data)

    def _spaced(self, m: Module, plan: Plan, room: Value, complete: Value) -> Value:
        """Pause behind a step of few elements: each is sent before it comes again."""
        gap = pause(plan)
        if not gap:
            return room
        pauses = Signal(gap)
        m.d.sync += pauses.eq(Mux(complete, (1 << gap) - 1, pauses[1:]))
        return room & ~pauses[0]

    def _tell(
        self,
        m: Module,
        plan: Plan,
        ports: InputPorts,
        accept: Value,
        *,
        bank: Value,
        begin: Value,
        last: Value,
    ) -> None:
        """Tell the lists of changes of an element of x, and whether its sequence is fresh."""
        begins, fresh, payload = Signal(init=1), Signal(), ports.i.payload
        held = Signal(name="fresh_q")
        element = ports.element_x
        m.d.comb += [
            element.valid.eq(accept),
            element.unit.eq(ports.x_ready),
            element.list.eq(bank),
            element.begin.eq(begin),
            element.last.eq(last),
            element.fresh.eq(fresh),
        ]
        first: Value = begins
        if plan.options.interface.state != "clear":
            unused = Signal(init=1)
            first = begins & (~payload.keep | unused)
            with m.If(accept):
                m.d.sync += unused.eq(0)
        m.d.comb += fresh.eq(Mux(begin, first, held))
        with m.If(accept):
            m.d.sync += held.eq(fresh)
            with m.If(last):
                m.d.sync += begins.eq(payload.last)
        m.d.comb += ports.x_word.eq(delayed(m, payload.data, AHEAD, name="x_word")[-1])

    def _count_steps(
        self, m: Module, ports: InputPorts, complete: Value, room: Signal, whole: Signal
    ) -> None:
        """Count the banks that hold a whole step; nothing comes while both do."""
        one = Signal()  # bank at least holds a whole step
        both = Signal()  # banks do
        still_one, still_both = Signal(), Signal()
        m.d.comb += [
            still_one.eq(complete | (one & (both | ~ports.x_release))),
            still_both.eq((both | (one & complete)) & ~ports.x_release),
        ]
        m.d.sync += [
            one.eq(still_one),
            both.eq(still_both),
            room.eq(~still_both),
            whole.eq(Mux(ports.x_releasing, still_both, still_one)),
        ]
