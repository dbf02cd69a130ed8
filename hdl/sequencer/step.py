"""The step that the sequencer is at: its stream, where its state comes from, what it answers."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data

from golden.cells import Pool
from hdl.layout.pass_table import begins as begins_step
from hdl.layout.vectors import turn_shape
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.sequencer.pass_source import PassSource


class Step:
    """The sequencer's record of its step; valid after the pass over x.

    Args:
        m: module to build into.
        plan: the core's plan.
        x_step: fields of the step whose input is being read.
        begins: the last operation of the pass over x is issued.

    Attributes:
        stream: of the step; ``next_stream`` that of the step whose input is being read.
        zero: h and c of the step before are the first state, mostly zero: a sequence starts, and
            its state is not kept.
        independent: h and c of the step before are the first state or have long been ready, because
            the array was at another stream's step since.
        next_zero: ``zero`` of the step whose input is being read.
        next_independent: of the step whose input is being read; known from its first operation on.
        last: the step is its sequence's last; ``next_last`` the step whose input is being read.
        turn: number of the step since reset, see :func:`hdl.layout.vectors.turn_shape`; valid from
            the step's first operation on, as it is there where the network reads at a lag.
        save: the state is to be saved after this step.
    """

    def __init__(self, m: Module, plan: Plan, x_step: data.View, *, begins: Value) -> None:
        self._plan, interface, windows = plan, plan.options.interface, plan.work.windows
        self._x_step = x_step
        cells = [layer.cell for layer in plan.network.layers]
        self._pools = plan.work.swept and any(isinstance(cell, Pool) for cell in cells)
        streams = interface.streams
        self.stream = Signal(span(streams))
        self.zero = Signal(init=1)
        self.last = Signal()
        self.save = Signal()
        self.next_stream = x_step.stream if streams > 1 else Const(0)
        self.next_last = x_step.last
        starts = Signal(streams, init=-1)  # streams whose next step starts a sequence
        unused = Signal(streams, init=-1)  # streams that have no state yet
        self.independent = Signal(init=1)
        self.next_independent = Signal()

        zero = starts.bit_select(self.next_stream, 1)
        if plan.work.swept:
            zero = x_step.first
        if interface.state != "clear":
            zero &= ~x_step.keep | unused.bit_select(self.next_stream, 1)
        if interface.state == "load":
            zero &= ~x_step.load
        if windows.used:
            self.turn = Signal(turn_shape(plan), name="step_turn")
            self._count = Signal(range(windows.count + 1), name="step_count")
            self._next_count = Signal.like(self._count, name="next_step_count")
            more = self._count != windows.count
            m.d.comb += self._next_count.eq(Mux(zero, 0, self._count + more))
            with m.If(begins):
                m.d.sync += self._count.eq(self._next_count)
        self.next_zero = zero
        m.d.sync += self.next_independent.eq(zero | (self.stream != self.next_stream))
        with m.If(begins):
            m.d.sync += [
                self.stream.eq(self.next_stream),
                self.zero.eq(zero),
                self.independent.eq(self.next_independent),
                self.last.eq(self.next_last),
                starts.bit_select(self.next_stream, 1).eq(x_step.last),
                unused.bit_select(self.next_stream, 1).eq(0),
            ]
            if interface.state == "load":
                m.d.sync += self.save.eq(x_step.save)
            if plan.work.swept:
                self._next = Signal.like(x_step.next, name="next_pass")
                m.d.sync += self._next.eq(x_step.next)

    def first_pass(self, m: Module, passes: PassSource) -> Value | int:
        """Position of the first pass of the step behind the one that the following pass ends.

        In a core for sweeps the input tells it. A pass that is a step's only one may enter before
        its input is there, but goes on only behind it.
        """
        if not self._plan.work.swept:
            return 0
        now, following = passes.now, passes.following
        with m.If(now.is_input & now.ends_step):
            m.d.sync += passes.coming.eq(self._x_step.next)
        return Mux(now.is_input | following.is_input, self._x_step.next, self._next)

    def stream_of(self, now: data.View) -> Value:
        """Stream of a row that a pass completes."""
        return self._here(now, self.next_stream, self.stream)

    def due(self, now: data.View) -> Value:
        """Tell whether the step has a result; a sequence's last one always has."""
        last = self._here(now, self.next_last, self.last)
        if not self._plan.options.interface.every_step:
            return last
        silent = self._plan.work.windows.silent
        return (self.count(now) >= silent) | last if silent else Const(1)

    def final(self, now: data.View) -> Value:
        """Tell whether a row's words end the last result of a sequence, if it emits any."""
        last = self._here(now, self.next_last, self.last)
        emits = [index for index, job in enumerate(self._plan.work.jobs) if job.emits]
        return last if len(emits) == 1 else last & (now.job == emits[-1])

    def answers(self, now: data.View) -> Value:
        """High when late passes end the step that the following pass belongs to."""
        late = bool(self._plan.work.late_passes)
        if not late or self._plan.options.interface.every_step:
            return Const(late, 1)
        return Mux(begins_step(self._plan, now), self.next_last, self.last)

    def releases(self, single: data.View, answers: Value) -> Value:
        """Tell whether a pass is the last one over x of its step, which has a result or none."""
        if not self._plan.work.rereads:
            return single.is_input
        return Mux(answers, single.releases_late, single.releases)

    def reads_zero(self, now: data.View) -> Value:
        """Tell whether what a pass reads is zero."""
        if self._plan.work.windows.used:
            return self.count(now) < now.zero_before
        return now.recurrent & self.zero

    def fresh(self, now: data.View) -> Value:
        """Tell whether a row that a pass completes is of a unit whose state is zero."""
        if self._plan.work.windows.used:
            return self.count(now) < now.fresh_before
        if self._plan.network.layers[0].cell.state or self._pools:
            return self._here(now, self.next_zero, self.zero)
        return self.zero

    def count(self, now: data.View) -> Value:
        """Number of the step in its sequence, or the largest one that matters if that is less."""
        return self._here(now, self._next_count, self._count)

    def _here(self, now: data.View, early: Value, value: Value) -> Value:
        """A value of the step, which is recorded behind its first pass; ``early`` until then."""
        first = self._plan.work.step_passes[0]
        if first.completes is None and not first.zero_before and not self._pools:
            return value
        return Mux(begins_step(self._plan, now), early, value)
