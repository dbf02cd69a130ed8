"""The sequencer: one operation of the MAC array per cycle, in the order of the plan's passes."""

from __future__ import annotations

from typing import Any, ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.pass_table import (
    OF_NEXT,
    constants_layout,
    pass_constants,
    row_layout,
    sources,
    walk_layout,
)
from hdl.layout.ports import step_fields
from hdl.layout.vectors import Operand, ready_layout, restarts
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.readiness import Announced, Place, Readiness
from hdl.sequencer.step import Step
from hdl.spec.passes import Job
from hdl.timing.latency import ANNOUNCED


class Sequencer(wiring.Component):
    """Walks through passes, columns, rows and gates; waits only at the start of a column.

    A column starts when its element is ready. A job's final column overwrites the job's sums in the
    shadow, so it also waits until those of the step before are drained.

    A step that loads its state waits for the load, and the step after one that saves its state
    waits for the save.

    Latency: one cycle from deciding on an operation until it is presented. See also the constants.

    Attributes:
        x_ready, x_whole, x_step, x_releasing, x_release, ready, restart: see
            `OperandStore`; the head's bit of ``restart`` says that its
            sums are about to be overwritten.
        head_free: the head's sums of the result before have been drained.
        load, save, access_stream, access_done: see :class:`hdl.store.state_access.StateAccess`.
        valid: an operation is presented.
        weight_address: word of the weight memory.
        operand, address, stream, zero: what to read from the operand store.
        place, first, final, done: see :class:`hdl.array.mac_array.MacArray`.
        row: the row that ``done`` completes.
        waits: where ``watched``: what is next is a column of x whose element is not there.
    """

    x_ready = x_whole = x_releasing = x_release = restart = head_free = port(Signal)
    load = save = access_stream = access_done = port(Signal)
    valid = weight_address = operand = address = stream = zero = port(Signal)
    first = final = done = waits = port(Signal)
    bank = last_input = port(Signal)
    write = complete = x_step = ready = place = row = port(data.View)

    INPUT = ANNOUNCED
    """Cycles from accepting an input element until the sequencer may read it."""

    RELEASE = 4
    """Least number of cycles from a step's last operation over x to the next step's first one."""

    HEAD_FREE = 4
    """Cycles from a result's last unit entering the state update until the sequencer may complete
    the head's sums again."""

    ISSUE_TO_ARRAY = 2
    """Cycles from deciding on an operation until it enters the MAC array."""

    COMING: ClassVar[int] = 1
    """Position of the pass that follows, after a reset."""

    def __init__(self, *, plan: Plan, place: data.StructLayout, watched: bool = False) -> None:
        self.plan = plan
        self._watched = watched
        streams = span(plan.options.interface.streams)
        super().__init__(
            {
                "x_ready": In(span(plan.sizes.inputs)),
                "x_whole": In(1),
                "x_step": In(data.StructLayout(step_fields(plan))),
                "x_releasing": Out(1),
                "x_release": Out(1),
                "ready": In(ready_layout(plan)),
                "restart": Out(restarts(plan)),
                "head_free": In(1),
                "load": Out(1),
                "save": Out(1),
                "access_stream": Out(streams),
                "access_done": In(1),
                "valid": Out(1),
                "weight_address": Out(span(plan.sizes.weight_words)),
                "operand": Out(Operand),
                "address": Out(span(max(plan.sizes.inputs, plan.sizes.state_units))),
                "stream": Out(streams),
                "zero": Out(1),
                "place": Out(place),
                "first": Out(1),
                "final": Out(1),
                "done": Out(1),
                "row": Out(row_layout(plan)),
                **self._more_ports(),
                **({"waits": Out(1)} if watched else {}),
            }
        )

    def _more_ports(self) -> dict[str, Any]:
        """Ports of a sequencer whose passes are loaded."""
        return {}

    def _first(self) -> dict[str, Any]:
        """Return the constants of the first pass."""
        return pass_constants(self.plan, 0, self.plan.work.passes[0])

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan = self.plan
        first = self._first()
        position = Signal(span(plan.sizes.passes))
        coming = Signal(span(plan.sizes.passes), init=self.COMING)  # the following pass' position
        columns = {"next_column": 1, "later_column": 2}
        walk: Any = Signal(walk_layout(plan), init={**columns, **left(first)})
        at: Any = Signal(AT, init={"column_start": 1, **flags(first)})
        now: Any = Signal(constants_layout(plan), init=first)
        weight_address = Signal(span(plan.sizes.weight_words))
        go = Signal()
        passed = Signal()

        step = Step(m, plan, self.x_step, begins=passed & now.is_input)
        held = self._held_for_state(m, position, walk, at, step, ended=passed & now.ends_step)
        # Only the start of a column can wait.
        m.d.comb += [
            go.eq(at.goes & ~held),
            passed.eq(go & at.ends_pass),
        ]
        restarted = self._restart(m, now, at.restarts & go)
        following = self._following(m, coming)
        ends = following.is_head | (following.ends_step & ~self._answers(now, step))
        place = Place(
            walk=walk,
            at=at,
            now=now,
            following=following,
            **self._of_next(now, following, at),
            step=step,
            go=go,
            advances=go & at.ends_column,
            passed=passed,
        )
        m.d.sync += at.goes.eq(self._goes(m, place, restarted))
        with m.If(go):
            self._advance(m, walk, now, at)
            m.d.sync += weight_address.eq(weight_address + 1)
        with m.If(self._enters(m, passed)):
            m.d.sync += [
                position.eq(coming),
                coming.eq(Mux(ends, 0, coming + 1)),
                *self._begin(following, now=now, walk=walk, at=at),
            ]
            with m.If(coming == 0):
                m.d.sync += weight_address.eq(0)
            with m.If(ends):
                m.d.sync += self._ends(now)

        m.d.comb += self.x_releasing.eq(passed & now.is_input)
        m.d.sync += [
            self.valid.eq(go),
            self.x_release.eq(self.x_releasing),
            self.weight_address.eq(weight_address),
        ]
        self._present(m, walk, now, at, step)
        if self._watched:
            m.d.comb += self.waits.eq(at.column_start & now.is_input & ~at.goes)
        return m

    def _goes(self, m: Module, place: Place, restarted: list[Value]) -> Value:
        """Decide whether the operation that is next may be issued in the next cycle."""
        readiness = Readiness(
            m,
            self.plan,
            place,
            vectors=[self._announced(*source, restarted) for source in sources(self.plan)],
            drained=self._drains(),
            restarted=restarted,
        )
        return readiness.goes

    def _begin(self, following: Any, *, now: Any, walk: Any, at: Any) -> list[Any]:
        """Begin the following pass: its constants, what is left of it, and its first flags."""
        return [
            now.eq(following),
            *(walk[name].eq(count) for name, count in left(following).items()),
            *(at[name].eq(flag) for name, flag in flags(following).items()),
        ]

    @property
    def _has_head(self) -> bool:
        return self.plan.capacity.head

    def _following(self, m: Module, coming: Signal) -> Any:
        """Select the constants of the pass after the current one."""
        plan = self.plan
        following: Any = Signal(constants_layout(plan))
        with m.Switch(coming):
            for index, single in enumerate(plan.work.passes):
                with m.Case(index):
                    for name, value in pass_constants(plan, index, single).items():
                        m.d.comb += following[name].eq(value)
        return following

    def _answers(self, now: Any, step: Step) -> Value:
        """High when the head's pass ends the step that the following pass belongs to."""
        if not self._has_head or self.plan.options.interface.every_step:
            return Const(self._has_head, 1)
        return Mux(now.is_input, step.next_last, step.last)

    def _enters(self, m: Module, passed: Value) -> Value:
        """High when the following pass becomes the current one."""
        return passed

    def _ends(self, now: Any) -> list[Any]:
        """Clear the constants that describe the next pass: after a step's last pass it is x."""
        return [now[name].eq(0) for name in OF_NEXT]

    def _held_for_state(
        self, m: Module, position: Signal, walk: Any, at: Any, step: Step, *, ended: Value
    ) -> Value:
        """High while a step must not start, because a state has to be saved or loaded first."""
        if self.plan.options.interface.state != "load":
            return Value.cast(0)
        starts = Signal()
        saves, loaded = Signal(), Signal()
        arrived = self.x_whole | self.x_ready.any()
        m.d.comb += [
            starts.eq((position == 0) & (walk.column == 0) & at.column_start),
            self.save.eq(starts & saves),
            self.load.eq(starts & ~saves & arrived & self.x_step.load & ~loaded),
            self.access_stream.eq(Mux(saves, step.stream, step.next_stream)),
        ]
        with m.If(self.access_done):
            m.d.sync += [saves.eq(0), loaded.eq(~saves)]
        with m.If(ended):
            m.d.sync += [saves.eq(step.save), loaded.eq(0)]
        return self.save | self.load

    def _restart(self, m: Module, now: Any, starts: Value) -> list[Value]:
        """Tell whose sums are about to be overwritten; returns it for each job."""
        restarted = [starts & (now.job == index) for index in range(len(self.plan.work.jobs))]
        m.d.comb += self.restart.eq(Cat(restarted))
        return restarted

    def _of_next(self, now: Any, following: Any, at: Any) -> dict[str, Value]:
        """Facts about the following pass that readiness depends on."""
        return {name: now[name] for name in OF_NEXT}

    def _announced(self, operand: str, source: int, restarted: list[Value]) -> Announced:
        """Readiness of a vector."""
        maker = self._maker(operand, source)
        if maker is None:
            return Announced(
                name="x", count=self.x_ready, whole=self.x_whole, ends=self.x_releasing
            )
        name = f"{operand}{source}"
        return Announced(name=name, count=self.ready[name], whole=Const(0), ends=restarted[maker])

    def _maker(self, operand: str, source: int) -> int | None:
        """Index in ``restart`` of what makes a vector; ``None`` for the input stream."""
        return self.plan.work.job_making(operand, source) if source >= 0 else None

    def _drains(self) -> list[Value]:
        """For each index of ``drains`` a bit: the sums of the step before are no longer needed."""
        return [self._drained(job) for job in self.plan.work.jobs]

    def _drained(self, job: Job) -> Value:
        """High when the state update has read a job's sums of the step before."""
        if job.head:
            return self.head_free
        return self.ready[f"{job.makes[-1]}{job.layer}"] == job.units

    def _advance(self, m: Module, walk: Any, now: Any, at: Any) -> None:
        """Gates, then rows, then columns; what begins a pass is set elsewhere."""
        gate, row, column = (Signal(name=f"later_{loop}") for loop in ("gate", "row", "column"))
        m.d.comb += [
            gate.eq(Mux(at.last_gate, at.one_gate, walk.gates_left == 1)),
            row.eq(Mux(at.last_gate, walk.rows_left == 1, at.last_row)),
            column.eq(Mux(at.ends_column, at.next_last, at.last_column)),
        ]
        with m.If(at.ends_column):
            m.d.comb += row.eq(at.one_row)
        m.d.sync += [
            walk.gate.eq(Mux(at.last_gate, 0, walk.gate + 1)),
            walk.gates_left.eq(Mux(at.last_gate, now.last_gate, walk.gates_left - 1)),
            at.column_start.eq(at.ends_column),
            at.restarts.eq(at.ends_column & column & now.ends_job),
            *(at[name].eq(flag) for name, flag in _last(gate, row, column).items()),
        ]
        with m.If(at.last_gate):
            m.d.sync += [
                walk.row.eq(Mux(at.ends_column, 0, walk.row + 1)),
                walk.rows_left.eq(Mux(at.ends_column, now.last_row, walk.rows_left - 1)),
            ]
        with m.If(at.ends_column):
            m.d.sync += [
                walk.column.eq(Mux(at.ends_pass, 0, walk.next_column)),
                walk.next_column.eq(Mux(at.ends_pass, 1, walk.later_column)),
                walk.later_column.eq(Mux(at.ends_pass, 2, walk.later_column + 1)),
                at.next_last.eq(walk.later_column == now.last_column),
            ]

    def _present(self, m: Module, walk: Any, now: Any, at: Any, step: Step) -> None:
        """The operation and the row that it may complete, registered."""
        final = now.final.bit_select(walk.gate, 1) & at.last_column
        whole = self.plan.options.lanes - 1
        m.d.sync += [
            self.operand.eq(now.operand),
            self.address.eq(now.base + walk.column),
            self.stream.eq(step.stream),
            self.zero.eq(now.recurrent & step.zero),
            self.place.gate.eq(now.first_gate + walk.gate),
            self.place.row.eq(now.first_row + walk.row),
            self.first.eq(now.first.bit_select(walk.gate, 1) & (walk.column == 0)),
            self.final.eq(final),
            self.done.eq(final & at.last_gate & now.ends_job),
            self.row.job.eq(now.job),
            self.row.row.eq(now.first_row + walk.row),
            self.row.units.eq(Mux(at.last_row, now.units_in_last_row, whole)),
            self.row.begin.eq(walk.row == 0),
            self.row.stream.eq(step.stream),
            self.row.zero.eq(step.zero),
            self.row.emit.eq(now.emits & step.answers),
            self.row.last.eq(at.last_row),
            self.row.final.eq(step.last),
        ]
        if self.plan.options.storage.loadable:
            m.d.sync += [self.row.layer.eq(now.layer), self.row.start.eq(now.start)]


AT = data.StructLayout(
    {
        "column_start": 1,
        "one_gate": 1,
        "one_row": 1,
        "last_gate": 1,
        "last_row": 1,
        "last_column": 1,
        "next_last": 1,
        "ends_column": 1,
        "ends_pass": 1,
        "restarts": 1,
        "goes": 1,
    }
)
"""Flags of the operation that is next, so that little is left to decide in a cycle.

It is a column's first; the pass has one gate, one row; it is of the row's last gate, of the
column's last row, of the pass' last column, or the next column is that; it is the column's last,
the pass' last; it is the first of a column that completes a job; it may be issued, see
:class:`hdl.sequencer.readiness.Readiness`."""


def left(constants: Any) -> dict[str, Any]:
    """Rows and gates that are left after the first operation of a pass."""
    return {f"{loop}s_left": constants[f"last_{loop}"] for loop in ("gate", "row")}


def flags(constants: Any) -> dict[str, Any]:
    """The flags of a pass' first operation that its constants tell."""
    gate, row, column = (constants[f"last_{loop}"] == 0 for loop in ("gate", "row", "column"))
    return {
        **_last(gate, row, column),
        "one_gate": gate,
        "one_row": row,
        "next_last": constants["last_column"] == 1,
        "restarts": column & constants["ends_job"],
    }


def _last(gate: Any, row: Any, column: Any) -> dict[str, Any]:
    """Flags that tell of the loops' ends."""
    return {
        "last_gate": gate,
        "last_row": row,
        "last_column": column,
        "ends_column": gate & row,
        "ends_pass": gate & row & column,
    }
