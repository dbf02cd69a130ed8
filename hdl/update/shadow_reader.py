"""Reader of the shadow: asks for the sums of each unit in the state update, in order."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.array.shadow import read_layout
from hdl.parts.component import port
from hdl.parts.numeric import constant_by, span
from hdl.plan import Plan
from hdl.timing.latency import READ


class ShadowReader(wiring.Component):
    """Asks for a unit's sums one after the other, and for those of other banks' units beside them.

    Units of one row come lane by lane, so a bank has ``banks * interval`` cycles for the sums of
    one, which is enough for all of them.

    Latency: ``latency.READ`` cycles from a unit entering to the request for its first sum; the
    others follow, one per cycle, in the order of :attr:`hdl.plan.Plan.reads`.

    Attributes:
        valid, job, row, bank, group, slot: a unit that enters, and where its sums are; ``slot`` if
            there are packed jobs.
        read: see :class:`hdl.array.shadow.Shadow`.
    """

    valid = job = row = bank = group = slot = port(Signal)
    read = port(data.View)

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        layout = read_layout(plan.array)
        super().__init__(
            {
                "valid": In(1),
                "job": In(span(len(plan.kinds))),
                "row": In(layout["row"].shape),
                "bank": In(span(plan.array.banks)),
                "group": In(span(plan.array.groups)),
                **({"slot": In(span(plan.work.slots))} if plan.work.packed else {}),
                "read": Out(data.ArrayLayout(layout, plan.array.banks)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        assert READ == 1
        for bank in range(self.plan.array.banks):
            self._bank(m, bank)
        return m

    def _bank(self, m: Module, bank: int) -> None:
        reads = max(map(len, self.plan.reads))
        asked = Signal(read_layout(self.plan.array), name=f"asked{bank}", reset_less=True)
        job = Signal(span(len(self.plan.kinds)), name=f"job{bank}", reset_less=True)
        count = Signal(span(reads + 1), name=f"count{bank}", reset_less=True)
        enters = Signal(name=f"enters{bank}")
        m.d.comb += [
            enters.eq(self.valid & (self.bank == bank)),
            self.read[bank].eq(asked),
        ]
        later: Value = asked.gate
        for number in range(1, reads):
            gate = self._packed(job, asked.gate, self._gate(m, job, number, bank))
            later = Mux(count == number, gate, later)
        m.d.sync += [count.eq(count + 1), asked.gate.eq(later)]
        with m.If(enters):
            m.d.sync += [
                asked.gate.eq(self._first_gate(m, bank)),
                asked.row.eq(self.row),
                asked.groups.eq(1 << self.group),
                job.eq(self.job),
                count.eq(1),
            ]

    def _first_gate(self, m: Module, bank: int) -> Value:
        gate = self._gate(m, self.job, 0, bank)
        return self._packed(self.job, self.slot, gate) if self.plan.work.packed else gate

    def _packed(self, job: Value, slot: Value, gate: Value) -> Value:
        """The slot of a packed job's row, all the time; else the gate."""
        packed = [number for number, one in enumerate(self.plan.work.jobs) if one.packed]
        return Mux(job.matches(*packed), slot, gate) if packed else gate

    def _gate(self, m: Module, job: Value, number: int, bank: int) -> Value:
        """The accumulator slot that a job's units are asked for as their ``number``-th."""
        slots = [reads[min(number, len(reads) - 1)] for reads in self.plan.reads]
        if len(set(slots)) == 1:
            return Value.cast(slots[0])
        return constant_by(m, job, slots, name=f"gate{bank}_{number}")
