"""Shared parts of a core's state updates: pipeline, sums, states, tables and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from amaranth.hdl import Module, Mux, Value, signed
from amaranth.lib import data

from golden.activations import ExponentialTable
from golden.formats import Format
from hdl.layout.contents import bias_words, first_words
from hdl.parts.numeric import distinct, exceeds, select
from hdl.plan import Plan
from hdl.timing.update_cost import UpdateCost
from hdl.update.activations import Tanh
from hdl.update.arithmetic import Arithmetic, Limits
from hdl.update.pipeline import Operation, Pipeline, Staged
from hdl.update.unit_constants import UnitConstants


class UpdateBuilder:
    """Builds on one pipeline what all updates share; `CellUpdate` builds a cell's equations.

    Stage 0 is the cycle in which a unit is addressed in the shadow.

    Args:
        m: module to build into.
        plan: the core's plan.
        entering: the unit in stage 0: ``job``, ``index`` in the memories, ``stream``, and
            ``zero``, the state of step t-1 is the first one.
        phase, enable: see :class:`hdl.update.pipeline.Pipeline`.
        sums: what each bank of the shadow gives; the entering unit's ``n``-th sum is there in stage
            ``delays.first_sum - delays.bias + n`` of ``plan.update_cost``.
        state: h and c of step t-1, valid two stages before ``plan.update_cost.state``.
        loads: where weights are loaded, writes of the loader and the active bank.
        watched: whether to tell of elements of c that are cut.

    Attributes:
        pipe, arithmetic: the pipeline, and what is computed on it.
        constants: of each unit.
        index: index of the unit.
        stream: stream of the unit.
        turn: where h is read at a lag, turn of the unit's step.
        layer, last: where weights are loaded, its layer, and whether it is its job's last.
    """

    def __init__(
        self,
        m: Module,
        *,
        plan: Plan,
        entering: data.View,
        phase: Value,
        enable: Value,
        sums: data.View,
        state: dict[str, Value],
        loads: tuple[data.View, Value] | None = None,
        watched: bool = False,
    ) -> None:
        self._m = m
        self.plan = plan
        self._sums = sums
        self._state = state
        self._cost: UpdateCost = plan.update_cost
        self.pipe = Pipeline(
            m,
            job=entering.job,
            phase=phase,
            interval=self._cost.interval,
            enable=enable,
        )
        delays = self._cost.delays
        self._tables = {
            name: self.pipe.share(
                number, cycles=delays.tanh, build=partial(self._table, function=name)
            )
            for name, number in {"tanh": self._cost.tables, **self._cost.exponentials}.items()
        }
        self.arithmetic = Arithmetic(self.pipe, multipliers=self._cost.multipliers, delays=delays)
        self._all_jobs = tuple(range(len(plan.kinds)))
        self.zero = Staged(entering.zero, 0)
        self._biased: dict[tuple[int, int], Staged] = {}
        self._states: dict[str, Staged] = {}
        self._bank = Staged(entering.bank, 0)
        self.index = Staged(entering.index, 0)
        self.stream = Staged(entering.stream, 0)
        if plan.work.windows.past_layers:
            self.turn = Staged(entering.turn, 0)
        if plan.options.delta:
            self.begin = Staged(entering.begin, 0)
        if plan.options.delta or loads:
            self.last = Staged(entering.last, 0)
        if loads:
            self.layer = Staged(entering.layer, 0)
        self.constants = UnitConstants(self.pipe, plan, index=self.index, loads=loads)
        self._made: dict[str, list[Staged]] = {}
        self._watched = watched
        self._cuts: list[Staged] = []

    def formats(self, name: str) -> list[Format]:
        """For each kind a format of its layer."""
        return [kind.format(name) for kind in self.plan.kinds]

    def fracs(self, slot: int) -> tuple[int, ...]:
        """For each kind the fraction bits of the sums in an accumulator slot."""
        return tuple(kind.frac(slot) for kind in self.plan.kinds)

    def biased(self, slot: int, read: int, jobs: Sequence[int]) -> Staged:
        """Sum of the gate in an accumulator slot, with its bias.

        Args:
            slot: the accumulator slot.
            read: which of a unit's sums it is in the order of reading; the stage is
                ``plan.update_cost.delays.first_sum + read``.
            jobs: whose sum it is.
        """
        if (slot, read) not in self._biased:
            self._biased[slot, read] = self._with_bias(slot, read)
        return replace(self._biased[slot, read], jobs=tuple(jobs))

    def _with_bias(self, slot: int, read: int) -> Staged:
        pipe, delays = self.pipe, self._cost.delays
        stage = delays.first_sum - delays.bias + read
        words = [self._sums[bank].as_signed() for bank in range(self._cost.banks)]
        exact = select(self._m, pipe.at(self._bank, stage), words, name=pipe.name(f"sum{slot}"))
        bias = self.constants.word(f"bias{slot}", bias_words(self.plan, slot), stage=stage)
        fracs = self.fracs(slot)
        biased = self.arithmetic.add_within(
            Staged(exact, stage, fracs),
            Staged(bias, stage, fracs),
            width=self.plan.sizes.sum_width,
            cycles=delays.bias,
            name=f"biased{slot}",
        )
        assert biased.stage == delays.first_sum + read
        return biased

    def state(self, name: str, jobs: Sequence[int]) -> Staged:
        """h or c of step t-1 for some jobs; the first state, mostly 0, where a sequence starts."""
        if name not in self._states:
            fracs, stage = tuple(to.frac for to in self.formats(name)), self._cost.state
            raw = Staged(self._state[name], stage - 2, fracs)
            word = self.pipe.register(raw.value, raw, name=f"word_{name}", of_memory=True)
            words, first = first_words(self.plan, name), 0
            if words:
                first = self.constants.word(f"first_{name}", words, stage=stage - 1)
            masked = Mux(self.pipe.at(self.zero, stage - 1), first, word.value)
            self._states[name] = self.pipe.register(masked, word, name=f"old_{name}")
        return replace(self._states[name], jobs=tuple(jobs))

    def tanh(self, a: Staged, *, name: str) -> Staged:
        """tanh on a shared table."""
        return self.exponential("tanh", a, name=name)

    def exponential(self, activation: str, a: Staged, *, name: str) -> Staged:
        """alpha (exp(a) - 1) of an activation, on a shared table."""
        out = self.plan.network.tanh.out
        fracs = (out.frac,) * len(a.fracs)
        tables, shape = self._tables[activation], signed(out.width)
        return self.pipe.use(tables, a, shape=shape, fracs=fracs, name=name)

    def _table(self, unit: int, lookups: Sequence[Operation], *, function: str) -> Value:
        contents = self.plan.network.tanh
        if function != "tanh":
            contents = ExponentialTable.like(contents, function)
        arguments = [lookup.operands[0] for lookup in lookups]
        fracs, _ = distinct([a.fracs[job] for a in arguments for job in a.jobs])
        argument = self.pipe.by_phase(arguments, name=f"{function}{unit}_i")
        table = Tanh(
            table=contents,
            fracs=fracs,
            width=len(argument),
            deep=self.plan.options.storage.deep,
        )
        assert table.latency == self._cost.delays.tanh
        self._m.submodules[f"{function}{unit}"] = table
        selects = []
        for a in arguments:
            index = [fracs.index(f) if f in fracs else 0 for f in a.fracs]
            selects.append(replace(a, value=self.pipe.index_by_job(a, index)))
        chosen = self.pipe.by_phase(selects, name=f"{function}{unit}_select")
        self._m.d.comb += [table.i.eq(argument), table.select.eq(chosen)]
        return table.o

    def make(self, vector: str, a: Staged, *, low: float | None, high: float | None) -> Staged:
        """Narrow to a vector's format; it is written in the stage in which all programs do.

        ``out`` is that of an h that nobody reads; ``low`` and ``high`` limit what is narrowed.
        """
        name = "logit" if vector == "out" else f"new_{vector}"
        limits = Limits(low=low, high=high)
        result = self.arithmetic.narrow(a, self.formats(vector), name=name, limits=limits)
        self._made.setdefault(vector, []).append(result)
        if self._watched and vector == "c":
            self._cuts.append(self.arithmetic.apply(exceeds, a, self.formats("c"), name="c_cut"))
        return result

    def _is_one_of(self, jobs: Sequence[int], job: Value) -> Value:
        return Value.cast(1) if len(jobs) == len(self._all_jobs) else job.matches(*jobs)

    def cut(self) -> tuple[int, Value]:
        """Tell whether the new element of c was cut, and in which stage it is told."""
        stage = self._cost.written["c"]
        cut = Value.cast(0)
        for single in self._cuts:
            ours = self._is_one_of(single.jobs, self.pipe.job_at(stage))
            cut |= ours & self.pipe.at(single, stage).any()
        return stage, cut

    def written(self, vector: str) -> tuple[int, Value, Callable[[Value], Value]]:
        """A vector's write: its stage, the value, and whether a job writes the vector."""
        made, stage = self._made[vector], self._cost.written[vector]
        choices = [self.pipe.at(result, stage) for result in made]
        index = [0] * len(self._all_jobs)
        for number, result in enumerate(made):
            for job in result.jobs:
                index[job] = number
        writers = tuple(job for result in made for job in result.jobs)
        of = Staged(choices[0], stage, jobs=writers)
        value = self.pipe.by_job(of, index, lambda job: choices[index[job]], name=vector)
        return stage, value, lambda job: self._is_one_of(writers, job)
