"""Buffer of a request's x: until the check sequence is right, the core must not get it."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import ReadPort
from amaranth.lib.wiring import In, Out

from golden.link.messages import Identity
from hdl.layout.ports import input_layout
from hdl.parts.component import port
from hdl.parts.memory import block_memory
from hdl.parts.numeric import span
from hdl.plan import Plan


class StepBuffer(wiring.Component):
    """Keeps the bytes of x, then gives them to the core as words.

    Throughput: a word takes two cycles per byte and one more. Cost: one block memory of
    ``identity.capacity`` bytes.

    Args:
        plan: of the core.
        identity: of the board.

    Attributes:
        clear: forget all bytes.
        write, data: keep one more byte of x.
        overflowed: more bytes came than fit.
        whole: the bytes kept are one or more whole steps.
        start: give all words.
        last: the last word ends its sequence.
        done: the last word leaves in this cycle.
        o: the words, for the core's ``i``.
    """

    clear = write = data = overflowed = whole = start = last = done = port(Signal)
    o = port(stream.Interface)

    def __init__(self, *, plan: Plan, identity: Identity) -> None:
        self._identity = identity
        inputs = ("clear", "write", "start", "last")
        super().__init__(
            {
                **{name: In(1) for name in inputs},
                "data": In(8),
                **{name: Out(1) for name in ("overflowed", "whole", "done")},
                "o": Out(stream.Signature(input_layout(plan))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        identity = self._identity
        depth = max(2, identity.capacity)
        m.submodules.memory = memory = block_memory(shape=8, depth=depth)
        fill, read = memory.write_port(), memory.read_port()
        level = Signal(range(identity.capacity + 1))
        in_step = Signal(span(identity.step_bytes))  # bytes of the incomplete step
        full = level == identity.capacity
        m.d.comb += [
            fill.addr.eq(level),
            fill.data.eq(self.data),
            fill.en.eq(self.write & ~full),
            self.whole.eq((level != 0) & (in_step == 0)),
        ]
        with m.If(self.clear):
            m.d.sync += [level.eq(0), in_step.eq(0), self.overflowed.eq(0)]
        with m.Elif(self.write):
            last = in_step == identity.step_bytes - 1
            m.d.sync += [
                level.eq(level + ~full),
                in_step.eq(Mux(last, 0, in_step + 1)),
                self.overflowed.eq(self.overflowed | full),
            ]
        self._give(m, read, level)
        return m

    def _give(self, m: Module, read: ReadPort, level: Signal) -> None:
        """Make words of the bytes, the lowest byte first; surplus high bits repeat the sign."""
        per_word = self._identity.input_bytes
        address = Signal.like(level)
        index = Signal(span(per_word))
        word = Signal(8 * per_word, reset_less=True)
        m.d.comb += [
            read.addr.eq(address),
            self.o.payload.data.eq(word[: len(self.o.payload.data)]),
            self.o.payload.last.eq(self.last & (address == level)),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += address.eq(0)
                with m.If(self.start):
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.sync += address.eq(address + 1)
                m.next = "TAKE"
            with m.State("TAKE"):
                last = index == per_word - 1
                m.d.sync += [
                    word.eq(Cat(word[8:], read.data)),
                    index.eq(Mux(last, 0, index + 1)),
                ]
                with m.If(last):
                    m.next = "GIVE"
                with m.Else():
                    m.next = "FETCH"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "FETCH"
                    with m.If(address == level):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
