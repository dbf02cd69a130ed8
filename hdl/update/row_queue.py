"""The queue of rows that the array completed, and the one of them that is next."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.layout.pass_table import row_layout
from hdl.parts.component import holds_any, port
from hdl.parts.numeric import constant_by, span
from hdl.plan import Plan


def next_row_layout(plan: Plan) -> data.StructLayout:
    """The row that is next.

    Fields: ``valid``; ``row``, see `row_layout`; ``start``, index of its job's
    first unit; ``words``, output words that it makes if it emits.
    """
    row = row_layout(plan)
    loads = plan.options.storage.loadable
    start = max(job.unit for job in plan.work.jobs)
    return data.StructLayout(
        {
            "valid": 1,
            "row": row,
            "start": row["start"].shape if loads else span(start + 1),
            "words": span(plan.options.lanes + 1),
        }
    )


class RowQueue(wiring.Component):
    """Takes a row whenever one comes, and shows the one that is next from registers.

    A row that finds nobody waiting is next at once; it passes through the memory all the same, for
    then nothing has to be decided before it is written.

    Latency: one cycle. Its places are as many as there can be rows: no job is drained twice before
    its sums may be overwritten.

    Attributes:
        write, row: a row comes.
        next: see :func:`next_row_layout`.
        taken: it is not needed any more.
    """

    write = taken = port(Signal)
    row = next = port(data.View)

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        self.depth = max(2, plan.sizes.queued_rows)
        super().__init__(
            {
                "write": In(1),
                "row": In(row_layout(plan)),
                "next": Out(next_row_layout(plan)),
                "taken": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        memory = Memory(shape=self.row.shape(), depth=self.depth, init=[])
        m.submodules.memory = memory
        fill, read = memory.write_port(), memory.read_port(domain="comb")
        produce, consume = (Signal(span(self.depth), name=name) for name in ("produce", "consume"))
        free, moves = Signal(), Signal()
        waits = holds_any(m, comes=self.write, goes=moves, most=self.depth)
        held = Signal(next_row_layout(self.plan))
        source = Signal(row_layout(self.plan))
        m.d.comb += [
            free.eq(~held.valid | self.taken),
            moves.eq(free & (waits | self.write)),
            fill.addr.eq(produce),
            fill.en.eq(self.write),
            read.addr.eq(consume),
            fill.data.eq(self.row),
            source.eq(Mux(waits, read.data.as_value(), self.row.as_value())),
            self.next.eq(held),
        ]
        for pointer, steps in ((produce, self.write), (consume, moves)):
            with m.If(steps):
                m.d.sync += pointer.eq(Mux(pointer == self.depth - 1, 0, pointer + 1))
        with m.If(free):
            m.d.sync += [
                held.valid.eq(waits | self.write),
                held.row.eq(source),
                held.start.eq(self._start(m, source)),
                held.words.eq(
                    source.last if self.plan.options.interface.classes else source.units + 1
                ),
            ]
        return m

    def _start(self, m: Module, row: data.View) -> Value:
        if self.plan.options.storage.loadable:
            return row.start
        return constant_by(m, row.job, [job.unit for job in self.plan.work.jobs], name="start")
