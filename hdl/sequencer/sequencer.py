"""The sequencer: one operation of the MAC array per cycle, in the order of the plan's passes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import and_, or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.pass_table import addressed, begins, sources, sums_place
from hdl.layout.vectors import complete_layout, operand_codes, restart_bit, turn_shape
from hdl.loading.loader import write_layout
from hdl.parts.component import port
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.pass_source import ConstantPasses, LoadedPasses, PassSource
from hdl.sequencer.ports import sum_ports, vector_ports
from hdl.sequencer.readiness import Announced, Readiness
from hdl.sequencer.step import Step
from hdl.sequencer.walk import Walk
from hdl.timing.latency import ANNOUNCED


class Sequencer(wiring.Component):
    """Walks through passes, columns, rows and gates; waits only at the start of a column.

    A column starts when its element is ready. A job's final column overwrites the job's sums in the
    shadow, so it also waits until those of the step before are drained.

    A step that loads its state waits for the load, and the step after one that saves its state
    waits for the save.

    A :class:`hdl.sequencer.pass_source.PassSource` gives the passes; a loaded table takes one cycle
    more after a reset.

    Latency: one cycle from deciding on an operation until it is presented. See also the constants.

    Attributes:
        x_ready, x_whole, x_step, x_releasing, x_release, ready, restart: see `OperandStore`; the
            bit of ``restart`` of a job without a vector says that its sums will be overwritten.
        head_free: for each such job, the sums of the result before have been drained.
        load, save, access_stream, access_done: see :class:`hdl.store.state_access.StateAccess`.
        valid: an operation is presented.
        weight_address: word of the weight memory.
        operand, address, stream, zero: what to read from the operand store.
        turn: where the network reads at a lag: the step of what to read, see
            :func:`hdl.layout.vectors.turn_shape`.
        place, first, final, done: see :class:`hdl.array.mac_array.MacArray`.
        row: the row that ``done`` completes.
        x_index: where x is an index: that of the current step, valid once ``x_ready``.
        write, bank: where passes are loaded, see :class:`hdl.loading.loader.Loader`.
        complete, last_input: there, see :class:`hdl.store.operand_store.OperandStore`.
        waits: where ``watched``: what is next is a column of x whose element is not there.
    """

    x_ready = x_whole = x_releasing = x_release = restart = head_free = port(Signal)
    load = save = access_stream = access_done = port(Signal)
    valid = weight_address = operand = address = stream = zero = turn = port(Signal)
    first = final = done = waits = port(Signal)
    bank = last_input = x_index = port(Signal)
    write = complete = x_step = ready = place = row = port(data.View)

    INPUT = ANNOUNCED
    """Cycles from accepting an input element until the sequencer may read it."""

    RELEASE = 4
    """Least number of cycles from a step's last operation over x to the next step's first one."""

    HEAD_FREE = 4
    """Cycles from the last unit of a job without vector entering the state update until the
    sequencer may complete its sums again."""

    ISSUE_TO_ARRAY = 2
    """Cycles from deciding on an operation until it enters the MAC array."""

    def __init__(self, *, plan: Plan, place: data.StructLayout, watched: bool = False) -> None:
        self.plan = plan
        self._watched = watched
        streams = span(plan.options.interface.streams)
        super().__init__(
            {
                **vector_ports(plan),
                "load": Out(1),
                "save": Out(1),
                "access_stream": Out(streams),
                "access_done": In(1),
                "valid": Out(1),
                "weight_address": Out(span(plan.sizes.weight_words)),
                "operand": Out(operand_codes(plan)),
                "address": Out(span(max(plan.sizes.inputs, plan.sizes.state_units))),
                "stream": Out(streams),
                "zero": Out(1),
                **sum_ports(plan, place),
                **(self._load_ports(plan) if plan.options.storage.loadable else {}),
                **({"turn": Out(turn_shape(plan))} if plan.work.windows.used else {}),
                **({"x_index": In(span(plan.network.sizes[0]))} if plan.network.indexed else {}),
                **({"waits": Out(1)} if watched else {}),
            }
        )

    @staticmethod
    def _load_ports(plan: Plan) -> dict[str, wiring.Member]:
        return {
            "write": In(write_layout(plan)),
            "bank": In(1),
            "complete": In(complete_layout(plan)),
            "last_input": Out(span(plan.sizes.inputs)),
        }

    def elaborate(self, platform: object) -> Module:
        m, plan = Module(), self.plan
        position = Signal(span(plan.sizes.passes))
        weight_address = Signal(span(plan.sizes.weight_words))
        go = Signal()
        passed = Signal()
        walk = Walk(plan)
        at = walk.at
        passes = self._passes(at)
        now, coming, following = passes.now, passes.coming, passes.following
        step = Step(m, plan, self.x_step, begins=passed & begins(plan, now))
        enters = passes.enters(m, passed)
        held = self._held_for_state(m, position, step, go, enters, passed & now.ends_step)
        # Only the start of a column can wait.
        m.d.comb += [go.eq(at.goes & ~held), passed.eq(go & at.ends_pass)]
        restarted = [at.restarts & go & completes for completes in passes.restarts]
        m.d.comb += self.restart.eq(Cat(restarted))
        passes.read(m)
        readiness = Readiness(
            m,
            plan,
            passes=passes,
            walk=walk,
            step=step,
            go=go,
            passed=passed,
            vectors=[self._announced(*source, restarted) for source in sources(plan)],
            drained=self._with_shared(self._drained(), and_),
            restarted=self._with_shared(restarted, or_),
        )
        m.d.sync += at.goes.eq(readiness.goes)
        address = (
            self._selected(m, weight_address, now, at) if plan.network.indexed else weight_address
        )
        with m.If(go):
            walk.advance(m, now)
            m.d.sync += weight_address.eq(address + 1)
        answers = step.answers(now)
        ends = following.is_head | (following.ends_step & ~answers)
        first = step.first_pass(m, passes)
        with m.If(enters):
            m.d.sync += [
                position.eq(coming),
                coming.eq(Mux(ends, first, coming + 1)),
                now.eq(following),
                *walk.begin(following),
            ]
            self._begin_weights(m, passes, step, weight_address)
            with m.If(ends):
                m.d.sync += passes.before_step(step.releases(following, answers))
        m.d.comb += self.x_releasing.eq(passed & step.releases(now, answers))
        m.d.sync += [
            self.valid.eq(go),
            self.x_release.eq(self.x_releasing),
            self.weight_address.eq(address),
        ]
        self._present(m, walk, now, step)
        if self._watched:
            m.d.comb += self.waits.eq(at.column_start & now.is_input & ~at.goes)
        return m

    def _begin_weights(self, m: Module, passes: PassSource, step: Step, address: Signal) -> None:
        """Address the following pass's first weights. A walk that begins anew is the next turn."""
        if addressed(self.plan):
            m.d.sync += address.eq(passes.following.weights)
        if self.plan.work.swept:
            return
        with m.If(passes.coming == 0):
            if not addressed(self.plan):
                m.d.sync += address.eq(0)
            if self.plan.work.windows.used:
                m.d.sync += step.turn.eq(step.turn + 1)

    def _selected(self, m: Module, address: Value, now: data.View, at: data.View) -> Value:
        """Address of the weights where x is an index: its pass, the first one, is one column."""
        start = Signal.like(self.weight_address, name="selected")
        m.d.sync += start.eq(self.x_index * self.plan.work.macs(self.plan.work.passes[0]))
        return Mux(now.selects & at.column_start, start, address)

    def _passes(self, at: data.View) -> PassSource:
        if not self.plan.options.storage.loadable:
            return ConstantPasses(self.plan)
        return LoadedPasses(
            self.plan,
            at=at,
            write=self.write,
            bank=self.bank,
            last_input=self.last_input,
        )

    def _announced(self, operand: str, source: int, restarted: list[Value]) -> Announced:
        """Readiness of a vector."""
        if source < 0:
            return Announced(
                name="x", count=self.x_ready, whole=self.x_whole, ends=self.x_releasing
            )
        if operand == "past":
            # The layer has completed this step's job, so that of the step before was drained.
            all_of_it = Const(self.plan.sizes.columns)
            return Announced(name=f"past{source}", count=all_of_it, whole=Const(0), ends=Const(0))
        name = f"{operand}{source}"
        ends = restarted[restart_bit(self.plan, operand, source)]
        return Announced(name=name, count=self.ready[name], whole=Const(0), ends=ends)

    def _drained(self) -> list[Value]:
        """For each index of ``drains`` a bit: the sums of the step before are no longer needed."""
        plan = self.plan
        if plan.options.storage.loadable:
            vectors = [self.complete[f"{name}{layer}"] for name, layer in plan.vectors]
            return [*vectors, self.head_free]
        free = iter(self.head_free)
        return [
            self.ready[f"{job.makes[-1]}{job.layer}"] == job.units if job.makes else next(free)
            for job in plan.work.jobs
        ]

    def _with_shared(
        self, of_jobs: list[Value], joined: Callable[[Value, Value], Value]
    ) -> list[Value]:
        """Join each job's bit and those of jobs that use its rows again."""
        if self.plan.options.storage.loadable:
            return of_jobs
        work = self.plan.work
        waits = (work.waits(number) for number in range(len(of_jobs)))
        return [reduce(joined, (of_jobs[number] for number in numbers)) for numbers in waits]

    def _held_for_state(
        self, m: Module, position: Value, step: Step, go: Value, enters: Value, ended: Value
    ) -> Value:
        """High while a step must not start, because a state has to be saved or loaded first."""
        if self.plan.options.interface.state != "load":
            return Value.cast(0)
        saves, loaded = Signal(), Signal()
        starts = Signal()
        at_pass = Signal(init=1)  # what is next is its pass's first operation
        arrived = self.x_whole | self.x_ready.any()
        if self.plan.work.rereads:
            arrived &= ~self.x_release  # ``x_step`` is still that of the step before
        m.d.comb += [
            starts.eq((position == 0) & at_pass),
            self.save.eq(starts & saves),
            self.load.eq(starts & ~saves & arrived & self.x_step.load & ~loaded),
            self.access_stream.eq(Mux(saves, step.stream, step.next_stream)),
        ]
        with m.If(go):
            m.d.sync += at_pass.eq(enters)
        with m.If(self.access_done):
            m.d.sync += [saves.eq(0), loaded.eq(~saves)]
        with m.If(ended):
            m.d.sync += [saves.eq(step.save), loaded.eq(0)]
        return self.save | self.load

    def _present(self, m: Module, walk: Walk, now: data.View, step: Step) -> None:
        """The operation and the row that it may complete, registered."""
        place, at, windows = walk.place, walk.at, self.plan.work.windows
        final = now.final.bit_select(place.gate, 1) & at.last_column
        whole = self.plan.options.lanes - 1
        gate, row, slot = sums_place(self.plan, now, gate=place.gate, row=place.row)
        m.d.sync += [
            self.operand.eq(now.operand),
            self.address.eq(now.base + place.column),
            self.stream.eq(step.stream),
            self.zero.eq(step.reads_zero(now)),
            self.place.gate.eq(gate),
            self.place.row.eq(row),
            self.first.eq(now.first.bit_select(place.gate, 1) & (place.column == 0)),
            self.final.eq(final),
            self.done.eq(final & at.last_gate & now.ends_job),
            self.row.job.eq(now.job),
            self.row.row.eq(row),
            self.row.units.eq(Mux(at.last_row, now.units_in_last_row, whole)),
            self.row.begin.eq(place.row == 0),
            self.row.stream.eq(step.stream_of(now)),
            self.row.zero.eq(step.fresh(now)),
            self.row.emit.eq(now.emits & step.due(now)),
            self.row.last.eq(at.last_row),
            self.row.final.eq(step.final(now)),
        ]
        if self.plan.work.packed:
            m.d.sync += self.row.slot.eq(slot)
        if windows.used:
            m.d.sync += self.turn.eq(step.turn - now.lag)
        if windows.past_layers:
            m.d.sync += self.row.turn.eq(step.turn)
        if self.plan.options.storage.loadable:
            m.d.sync += [self.row.layer.eq(now.layer), self.row.start.eq(now.start)]
