"""The conductor: keeps a sequence, and leads the core through the sweeps over it."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hdl.layout.ports import input_layout, output_layout
from hdl.layout.sequence_table import feeding, making
from hdl.parts.component import port
from hdl.parts.memory import block_memory
from hdl.parts.numeric import largest, span
from hdl.plan import Plan
from hdl.sequence.intake import Intake
from hdl.sequence.walker import Walker


class Conductor(wiring.Component):
    """Stands before and behind a core that runs one layer in each step.

        i ─► intake ─┐                       ┌─► steps ─► core
                     ├─► sequence memory ────┤
        core ─► h ───┘                       └─► results ─► o

    One walker reads the memory, for the core and then for ``o``; the other writes what the core
    makes. A phase begins when everything of the phase before is written. The intake takes the next
    sequence as soon as no phase reads x any more, in cycles in which nothing else is written.

    Cost: a memory of :attr:`hdl.spec.sweeps.Sweeps.words` words.

    Attributes:
        i, o: as of :class:`hdl.core.Core`, of a core for the network.
        steps, made: ``i`` and ``o`` of the core for the sweeps.
        overlong: a sequence was longer than the memory, for one cycle; its result is that of the
            steps that fit.
        waits: the core can do nothing until an element of x comes.
    """

    i = o = steps = made = port(stream.Interface)
    overlong = waits = port(Signal)

    READ = 1
    """Cycles from reading a word until it is on offer."""

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(input_layout(plan))),
                "o": Out(stream.Signature(output_layout(plan))),
                "steps": Out(stream.Signature(input_layout(plan.swept))),
                "made": In(stream.Signature(output_layout(plan.swept))),
                "overlong": Out(1),
                "waits": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, plan = Module(), self.plan
        m.submodules.memory = memory = block_memory(
            shape=signed(plan.sweeps.width), depth=plan.sweeps.words
        )
        m.submodules.intake = intake = Intake(plan=plan)
        m.submodules.feeder = feeder = Walker(plan=plan, entries=feeding(plan))
        m.submodules.collector = collector = Walker(plan=plan, entries=making(plan))
        fill, read = memory.write_port(), memory.read_port()
        begins, free = Signal(), Signal(init=1)
        top = Signal.like(intake.top)
        connect(m, flipped(self.i), intake.i)
        m.d.comb += [
            begins.eq(intake.loaded & ~feeder.active),
            intake.begins.eq(begins),
            intake.free.eq(free),
            intake.busy.eq(collector.moves),
            self.overlong.eq(intake.overlong),
            self.waits.eq(self.i.ready & ~self.i.valid),
            *(walker.begins.eq(begins) for walker in (feeder, collector)),
            *(walker.top.eq(Mux(begins, intake.top, top)) for walker in (feeder, collector)),
            feeder.hold.eq(feeder.phase != collector.phase),
            self.made.ready.eq(collector.valid),
            collector.moves.eq(self.made.valid & collector.valid),
            fill.en.eq(intake.write | collector.moves),
            fill.addr.eq(Mux(intake.write, intake.address, collector.address)),
            fill.data.eq(Mux(intake.write, self.i.payload.data, self.made.payload.data)),
            read.addr.eq(feeder.address),
            read.en.eq(feeder.moves),
        ]
        with m.If(begins):
            m.d.sync += [free.eq(0), top.eq(intake.top)]
        with m.If(feeder.opens & feeder.entry.frees):
            m.d.sync += free.eq(1)
        self._give(m, feeder, read.data)
        return m

    def _give(self, m: Module, feeder: Walker, word: Value) -> None:
        """Pass on what was read: to the core, or as a result."""
        entry, swept = feeder.entry, self.plan.swept
        beat = Signal(
            data.StructLayout(
                {
                    "gives": 1,
                    "ends": 1,
                    "first": 1,
                    "last": 1,
                    "zero": 1,
                    "next": span(swept.sizes.passes),
                    **({"index": 1} if swept.network.indexed else {}),
                }
            )
        )
        valid, taken = Signal(), Signal()
        steps = self.steps
        results = self._results(m, beat, valid, word)
        m.d.comb += [
            feeder.moves.eq(feeder.valid & (~valid | taken)),
            taken.eq(Mux(beat.gives, results, steps.ready)),
            steps.valid.eq(valid & ~beat.gives),
            steps.payload.data.eq(Mux(beat.zero, 0, word)),
            steps.payload.ends.eq(beat.ends),
            steps.payload.first.eq(beat.first),
            steps.payload.next.eq(beat.next),
        ]
        if swept.network.indexed:
            m.d.comb += steps.payload.index.eq(beat.index)
            with m.If(feeder.moves):
                m.d.sync += beat.index.eq(entry.index)
        with m.If(feeder.moves):
            m.d.sync += [
                valid.eq(1),
                beat.gives.eq(entry.gives),
                beat.ends.eq(entry.ends_step & feeder.ends),
                beat.first.eq(feeder.first),
                beat.zero.eq(feeder.zero),
                beat.last.eq(entry.ends_turn & feeder.ends & feeder.final),
                beat.next.eq(Mux(feeder.final, entry.after, entry.again)),
            ]
        with m.Elif(taken):
            m.d.sync += valid.eq(0)

    def _results(self, m: Module, beat: data.View, valid: Value, word: Value) -> Value:
        """Offer results, or the class of each; tells whether a word of them is taken."""
        o, given = self.o, valid & beat.gives
        if not self.plan.options.interface.classes:
            m.d.comb += [o.valid.eq(given), o.payload.data.eq(word), o.payload.last.eq(beat.last)]
            return o.ready
        begins, takes = Signal(init=1), ~o.valid | o.ready
        with m.If(given & takes):
            m.d.sync += begins.eq(beat.ends)
        with m.If(takes):
            m.d.sync += [o.valid.eq(given & beat.ends), o.payload.last.eq(beat.last)]
        outputs = self.plan.network.outputs
        found = largest(m, word, given & takes, begins, outputs=outputs)
        m.d.comb += o.payload.data.eq(found)
        return takes
