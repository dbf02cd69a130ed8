"""The sequencer of a delta core: the array runs the columns whose elements have changed."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.changes import asked_layout, list_signature, reads
from hdl.layout.pass_table import sums_place
from hdl.layout.vectors import operand_codes
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.column_source import Available, ColumnSource
from hdl.sequencer.column_walk import ColumnWalk
from hdl.sequencer.ports import sum_ports, vector_ports


class ListReads(wiring.PureInterface):
    """Ports of :func:`hdl.layout.changes.list_signature`."""

    count: data.View
    complete: Signal
    entry: data.View


class DeltaSequencer(wiring.Component):
    """Takes columns from lists, ahead of the array, and walks through their rows and gates.

        lists ─► column source ─► queue ─► column walk ─► operation

    Latency: ``TAKEN`` cycles from taking a column until its first operation is decided on, if the
    array waits for it; one more until it is presented.

    Attributes:
        x_ready, x_whole, x_step, x_releasing, x_release, ready, restart, head_free: see
            :class:`hdl.sequencer.sequencer.Sequencer`; vectors that only lists are read of count,
            too.
        x, h, c, rh: the lists, see :func:`hdl.layout.changes.list_signature`.
        ask_x, ask_h, ask_c, ask_rh: the entry that is read.
        restart_x: for each bank, its list begins anew.
        valid, weight_address, place, first, final, done, row: see there.
        changes, difference: the operand is that difference.
        operand, address: what to read from the operand store otherwise.
        waits: where ``watched``: a column of x is next, and its element is not there.
    """

    x_ready = x_whole = x_releasing = x_release = restart = head_free = restart_x = port(Signal)
    valid = weight_address = operand = address = changes = difference = port(Signal)
    first = final = done = waits = port(Signal)
    x_step = ready = place = row = ask_x = ask_h = ask_c = ask_rh = port(data.View)
    x = h = c = rh = port(ListReads)

    TAKEN = ColumnSource.TAKEN + ColumnWalk.QUEUED
    """Cycles from taking a column until its first operation is decided on."""

    LISTED = 1
    """Cycles from an entry's counting until its column is taken; and from sums being drained."""

    def __init__(self, *, plan: Plan, place: data.StructLayout, watched: bool = False) -> None:
        self.plan = plan
        self._watched = watched
        lists: dict[str, Any] = {}
        for name in plan.lists.names:
            lists[name] = In(list_signature(plan, name))
            lists[f"ask_{name}"] = Out(asked_layout(plan, name))
        if "x" in plan.lists.names:
            lists["restart_x"] = Out(len(plan.lists.layers("x")))
        super().__init__(
            {
                **vector_ports(plan),
                "valid": Out(1),
                "weight_address": Out(span(plan.sizes.weight_words)),
                "changes": Out(1),
                "difference": Out(signed(plan.sizes.operand_width)),
                "operand": Out(operand_codes(plan)),
                "address": Out(span(max(plan.sizes.inputs, plan.sizes.state_units))),
                **sum_ports(plan, place),
                **lists,
                **({"waits": Out(1)} if watched else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, plan = Module(), self.plan
        room, blocked, self._bank = Signal(), Signal(), Signal(name="list_bank")
        source = ColumnSource(
            m,
            plan,
            x_step=self.x_step,
            available=[self._available(*vector) for vector in reads(plan)],
            drained=[
                reduce(and_, (self._drained(number) for number in plan.work.waits(job)))
                for job in range(len(plan.work.jobs))
            ],
            entries={name: getattr(self, name).entry for name in plan.lists.names},
            room=room,
            blocked=blocked,
            bank=self._bank,
        )
        walk = ColumnWalk(m, plan, taken=source.take, valid=source.valid, column=source.column)
        m.d.comb += [room.eq(walk.room), self.restart.eq(Cat(source.restarted))]
        for name in plan.lists.names:
            ask = getattr(self, f"ask_{name}")
            m.d.comb += [ask.place.eq(source.place), ask.list.eq(source.lists[name])]
        if "x" in plan.lists.names:
            m.d.comb += self.restart_x.eq(source.releases << self._bank)
        self._release(m, source, walk, blocked)
        self._present(m, walk)
        if self._watched:
            m.d.comb += self.waits.eq(source.waits)
        return m

    def _available(self, name: str, layer: int, counted: bool) -> Available:
        """The columns of a vector that can be taken."""
        if not counted:
            lists = getattr(self, name)
            index = self._bank if layer < 0 else self.plan.lists.layers(name).index(layer)
            complete = lists.complete.bit_select(index, 1)
            return Available(count=lists.count[index], complete=complete)
        if layer < 0:
            count = Mux(self.x_whole, self.plan.network.inputs, self.x_ready)
            return Available(count=count, complete=self.x_whole)
        count, units = self.ready[f"{name}{layer}"], self.plan.network.layers[layer].units
        return Available(count=count, complete=count == units)

    def _release(self, m: Module, source: ColumnSource, walk: ColumnWalk, blocked: Signal) -> None:
        """Free the bank of x: once its list is read, or its elements where dense layers read x."""
        if not self.plan.lists.counts_x:
            m.d.comb += self.x_releasing.eq(source.releases)
        else:
            m.d.comb += self.x_releasing.eq(walk.ends & walk.column.releases)
            with m.If(source.releases):
                m.d.sync += blocked.eq(1)
            with m.Elif(self.x_releasing):
                m.d.sync += blocked.eq(0)
        m.d.sync += self.x_release.eq(self.x_releasing)

    def _drained(self, number: int) -> Value:
        """High when a job's sums of the step before are no longer needed."""
        job, unread = self.plan.work.jobs[number], self.plan.work.unread
        if not job.makes:
            return self.head_free[unread.index(number)]
        name = job.makes[-1]
        if (name, job.layer) in self.plan.lists.made:
            lists = self.plan.lists.layers(name)
            return getattr(self, name).complete[lists.index(job.layer)]
        return self.ready[f"{name}{job.layer}"] == job.units

    def _present(self, m: Module, walk: ColumnWalk) -> None:
        """The operation and the row that it may complete, registered."""
        plan, now, column = self.plan, walk.now, walk.column
        final = now.final.bit_select(walk.gate, 1) & column.last
        begins = column.first & (column.fresh | now.counted)
        gate, row, slot = sums_place(plan, now, gate=walk.gate, row=walk.row)
        emits = [index for index, job in enumerate(plan.work.jobs) if job.emits]
        due = Const(1) if plan.options.interface.every_step else column.ends
        m.d.sync += [
            self.valid.eq(walk.go),
            self.weight_address.eq(walk.weights),
            self.changes.eq(~now.counted),
            self.difference.eq(column.operand),
            self.operand.eq(now.operand),
            self.address.eq(column.operand),
            self.place.gate.eq(gate),
            self.place.row.eq(row),
            self.first.eq(now.first.bit_select(walk.gate, 1) & begins),
            self.final.eq(final),
            self.done.eq(final & walk.last_gate & now.ends_job),
            self.row.job.eq(now.job),
            self.row.row.eq(row),
            self.row.units.eq(Mux(walk.last_row, now.units_in_last_row, plan.options.lanes - 1)),
            self.row.begin.eq(walk.row == 0),
            self.row.zero.eq(column.fresh),
            self.row.emit.eq(now.emits & due),
            self.row.last.eq(walk.last_row),
            self.row.final.eq(column.ends & (len(emits) == 1 or now.job == emits[-1])),
        ]
        if plan.work.packed:
            m.d.sync += self.row.slot.eq(slot)
