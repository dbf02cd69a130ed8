"""Building blocks of a state update: what a cell's equations are made into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed

from golden.formats import Format
from golden.quantized import signed_width
from hdl.layout.contents import bias_words, diagonal_words
from hdl.loading.loaded_memory import LoadedMemory
from hdl.parts.memory import BLOCK_BITS, LogicRom, block_rom
from hdl.parts.numeric import distinct, exceeds, select
from hdl.plan import Plan
from hdl.timing.reservations import ReservationTable
from hdl.timing.update_cost import Program, UpdateCost
from hdl.update.activations import Tanh, hard_sigmoid, logistic_from_tanh
from hdl.update.pipeline import Pipeline, Staged


@dataclass(frozen=True)
class _Lookup:
    """An operation of a shared tanh table."""

    stage: int
    argument: Value
    fracs: tuple[int, ...]
    active: list[int]
    result: Signal


class UpdateBuilder:
    """Builds the updates of a core's cells on one pipeline; see :class:`hdl.cells.Update`.

    Stage 0 is the cycle in which a unit is addressed in the shadow.

    Args:
        m: module to build into.
        plan: the core's plan.
        entering: the unit in stage 0: ``job``, ``index`` in the memories, ``stream``, and
            ``zero``, the state of step t-1 is 0.
        phase, enable: see :class:`hdl.update.pipeline.Pipeline`.
        sums: what each bank of the shadow gives; the entering unit's ``n``-th sum is there in stage
            ``delays.first_sum - delays.bias + n`` of ``plan.update_cost``.
        state: h and c of step t-1, valid two stages before ``plan.update_cost.state``.
        loads: where weights are loaded, writes of the loader and the active bank.
        watched: whether to tell of elements of c that are cut.

    Attributes:
        index: index of the unit.
        stream: stream of the unit.
        layer, last: where weights are loaded, its layer, and whether it is its job's last.
        made: for each vector, each program's jobs and what they write.
    """

    def __init__(
        self,
        m: Module,
        *,
        plan: Plan,
        entering: Any,
        phase: Signal,
        enable: Value,
        sums: Any,
        state: dict[str, Value],
        loads: tuple[Any, Value] | None = None,
        watched: bool = False,
    ) -> None:
        self._m = m
        self._plan = plan
        self._sums = sums
        self._state = state
        self._loads = loads
        self._cost: UpdateCost = plan.update_cost
        self.pipe = Pipeline(
            m,
            job=entering.job,
            jobs=len(plan.kinds),
            phase=phase,
            interval=self._cost.interval,
            multipliers=self._cost.multipliers,
            delays=self._cost.delays,
            enable=enable,
        )
        self._tables = ReservationTable(units=self._cost.tables, interval=self._cost.interval)
        self._lookups: dict[int, list[_Lookup]] = {}
        self._zero = Staged(entering.zero, 0, ())
        self._biased: dict[tuple[int, int], Staged] = {}
        self._states: dict[str, Staged] = {}
        self._words: dict[tuple[str, int], Value] = {}
        self._program: Program
        self._order: tuple[str, ...] = ()
        self._bank = Staged(entering.bank, 0, ())
        self.index = Staged(entering.index, 0, ())
        self.stream = Staged(entering.stream, 0, ())
        if loads:
            self.layer = Staged(entering.layer, 0, ())
            self.last = Staged(entering.last, 0, ())
        self.made: dict[str, list[tuple[list[int], Staged]]] = {}
        self._watched = watched
        self._cuts: list[tuple[list[int], Staged]] = []

    def run(self, program: Program, jobs: list[int], order: tuple[str, ...]) -> None:
        """Build the update of some jobs, whose sums are read in an order of gates."""
        self._program, self._order = program, order
        self.pipe.active = jobs
        program.drain.update(self)

    def finish(self) -> None:
        """Build what is shared, once all that it is for is known."""
        for unit, lookups in self._lookups.items():
            self._build_table(unit, lookups)
        self.pipe.finish()

    def _formats(self, name: str) -> list[Format]:
        """For each kind a format of its layer."""
        return [kind.format(name) for kind in self._plan.kinds]

    def _fracs(self, slot: int) -> tuple[int, ...]:
        """For each kind the fraction bits of the sums in an accumulator slot."""
        return tuple(kind.frac(slot) for kind in self._plan.kinds)

    def biased(self, slot: int, read: int) -> Staged:
        """Sum of the gate in an accumulator slot, with its bias, whatever the job.

        Args:
            slot: the accumulator slot.
            read: which of a unit's sums it is in the order of reading; the stage is
                ``plan.update_cost.delays.first_sum + read``.
        """
        if (slot, read) in self._biased:
            return self._biased[slot, read]
        pipe, delays = self.pipe, self._cost.delays
        stage = delays.first_sum - delays.bias + read
        words = [self._sums[bank].as_signed() for bank in range(self._cost.banks)]
        exact = select(self._m, pipe.at(self._bank, stage), words, name=pipe.name(f"sum{slot}"))
        bias = self._constants(f"bias{slot}", bias_words(self._plan, slot), stage=stage)
        fracs = self._fracs(slot)
        self._biased[slot, read] = pipe.add_within(
            Staged(exact, stage, fracs),
            Staged(bias, stage, fracs),
            width=self._plan.sizes.sum_width,
            cycles=delays.bias,
            name=f"biased{slot}",
        )
        assert self._biased[slot, read].stage == delays.first_sum + read
        return self._biased[slot, read]

    def _constants(self, name: str, words: Sequence[int], *, stage: int) -> Value:
        """Build a memory of one word per unit, read two cycles before the stage that needs it."""
        if (name, stage) not in self._words:
            index = self.pipe.at(self.index, stage - 2)
            single = f"{name}_{stage}"
            if self._loads:
                self._words[name, stage] = self._loaded(single, name, index)
            else:
                self._words[name, stage] = self._built_in(single, words, index)
        return self._words[name, stage]

    def _loaded(self, name: str, section: str, index: Value) -> Value:
        """The word of a section of the image, two cycles after its index."""
        assert self._loads
        write, bank = self._loads
        memory = LoadedMemory(plan=self._plan, section=section)
        self._m.submodules[name] = memory
        self._m.d.comb += [
            memory.write.eq(write),
            memory.bank.eq(bank),
            memory.address.eq(index),
        ]
        return self._registered(memory.data.as_signed(), name)

    def _built_in(self, name: str, words: Sequence[int], index: Value) -> Value:
        """The word of some constants, two cycles after its index."""
        width, depth = signed_width(min(words), max(words)), max(2, len(words))
        if self._plan.options.storage.deep and width * depth < BLOCK_BITS:
            self._m.submodules[name] = logic = LogicRom(width=width, words=words)
            self._m.d.comb += logic.address.eq(index)
            return logic.data
        rom = block_rom(shape=signed(width), depth=depth, init=words)
        self._m.submodules[name] = rom
        port = rom.read_port()
        self._m.d.comb += port.addr.eq(index)
        return self._registered(port.data, name)

    def _registered(self, word: Value, name: str) -> Value:
        """A memory's word, a cycle later."""
        word_q = Signal(signed(len(word)), name=f"{name}_q", reset_less=True)
        self._m.d.sync += word_q.eq(word)
        return word_q

    def sum(self, gate: str, *, c: Staged | None = None) -> Staged:
        """Sum of a gate with its bias, and w * c for a diagonal."""
        slot = list(self._program.gates).index(gate)
        biased = self.biased(slot, self._order.index(gate))
        if not self._program.gates[gate].diagonal:
            return biased
        c = c or self.state("c")
        words = diagonal_words(self._plan, slot)
        fracs = zip(self._fracs(slot), self._formats("c"), strict=True)
        weight = Staged(
            self._constants(f"diagonal{slot}", words, stage=c.stage),
            c.stage,
            tuple(frac - to.frac for frac, to in fracs),
        )
        return self.add(biased, self.multiply(c, weight, name=f"w_c{slot}"), name=f"sum_{gate}")

    def state(self, name: str) -> Staged:
        """h or c of step t-1; 0 where a sequence starts from zero."""
        if name not in self._states:
            fracs, stage = tuple(to.frac for to in self._formats(name)), self._cost.state
            word = self.pipe.register(
                self._state[name], stage - 2, fracs, name=f"word_{name}", of_memory=True
            )
            masked = Mux(self.pipe.at(self._zero, stage - 1), 0, word.value)
            self._states[name] = self.pipe.register(masked, stage - 1, fracs, name=f"old_{name}")
        return self._states[name]

    def narrow(self, a: Staged, to: str, *, name: str) -> Staged:
        """``requantize`` to a format of the layer."""
        return self.pipe.narrow(a, self._formats(to), name=name)

    def sigmoid(self, a: Staged, *, name: str) -> Staged:
        """Gate activation: each kind that the program's layers use; the job selects."""
        gates = self._formats("gate")
        results: dict[str, Staged] = {}
        if self._program.hard:
            hard = partial(hard_sigmoid, early=self._plan.options.storage.deep)
            results["hard"] = self.pipe.apply(hard, a, gates, name=f"{name}_hard")
        if self._program.logistic:
            half = Staged(a.value, a.stage, tuple(frac + 1 for frac in a.fracs))
            t = self.tanh(half, name=f"{name}_half")
            results["logistic"] = self.pipe.apply(
                logistic_from_tanh, t, gates, name=f"{name}_logistic"
            )
        if len(results) == 1:
            return next(iter(results.values()))
        stage, chosen_from = self.pipe.meet(*results.values())
        is_hard = [int(kind.sigmoid == "hard") for kind in self._plan.kinds]
        chosen = Mux(self.pipe.index_by_job(stage, is_hard), *chosen_from)
        return Staged(chosen, stage, tuple(to.frac for to in gates))

    def tanh(self, a: Staged, *, name: str) -> Staged:
        """tanh on a shared table."""
        table = self._plan.network.tanh
        slot = self._tables.reserve(a.stage)
        result = Signal(signed(table.out.width), name=self.pipe.name(name))
        self._lookups.setdefault(slot.unit, []).append(
            _Lookup(slot.stage, self.pipe.at(a, slot.stage), a.fracs, self.pipe.active, result)
        )
        done = slot.stage + self._cost.delays.tanh
        return Staged(result, done, (table.out.frac,) * len(a.fracs))

    def _build_table(self, unit: int, lookups: list[_Lookup]) -> None:
        fracs, _ = distinct([lookup.fracs[job] for lookup in lookups for job in lookup.active])
        stages = [lookup.stage for lookup in lookups]
        argument = self.pipe.by_phase(
            stages, [lookup.argument for lookup in lookups], name=f"tanh{unit}_i"
        )
        table = Tanh(
            table=self._plan.network.tanh,
            fracs=fracs,
            width=len(argument),
            deep=self._plan.options.storage.deep,
        )
        assert table.latency == self._cost.delays.tanh
        self._m.submodules[f"tanh{unit}"] = table
        selects = []
        for lookup in lookups:
            self.pipe.active = lookup.active
            index = [fracs.index(f) if f in fracs else 0 for f in lookup.fracs]
            selects.append(self.pipe.index_by_job(lookup.stage, index))
        chosen = self.pipe.by_phase(stages, selects, name=f"tanh{unit}_select")
        self._m.d.comb += [table.i.eq(argument), table.select.eq(chosen)]
        self._m.d.comb += [lookup.result.eq(table.o) for lookup in lookups]

    def add(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact sum."""
        return self.pipe.add(a, b, name=name)

    def subtract(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact difference."""
        return self.pipe.subtract(a, b, name=name)

    def multiply(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact product on a shared multiplier."""
        return self.pipe.multiply(a, b, name=name)

    def make(self, vector: str, a: Staged) -> Staged:
        """Narrow to a vector's format; it is written in the stage in which all programs do."""
        result = self.narrow(a, vector, name=f"new_{vector}")
        self.made.setdefault(vector, []).append((self.pipe.active, result))
        if self._watched and vector == "c":
            cut = self.pipe.apply(exceeds, a, self._formats("c"), name="c_cut")
            self._cuts.append((self.pipe.active, cut))
        return result

    def cut(self) -> tuple[int, Value]:
        """Tell whether the new element of c was cut, and in which stage it is told."""
        stage = self._cost.written["c"]
        cut = Value.cast(0)
        for jobs, single in self._cuts:
            whole = len(jobs) == len(self._plan.kinds)
            ours = Value.cast(1) if whole else self.pipe.job_at(stage).matches(*jobs)
            cut |= ours & self.pipe.at(single, stage).any()
        return stage, cut

    def written(self, vector: str) -> tuple[int, Value, Callable[[Value], Value]]:
        """A vector's write: its stage, the value, and whether a job writes the vector."""
        stage = self._cost.written[vector]
        choices = [self.pipe.at(result, stage) for _, result in self.made[vector]]
        index = [0] * len(self._plan.kinds)
        for number, (jobs, _) in enumerate(self.made[vector]):
            for job in jobs:
                index[job] = number
        self.pipe.active = [job for jobs, _ in self.made[vector] for job in jobs]
        value = self.pipe.by_job(stage, index, lambda job: choices[index[job]], name=vector)
        writers = self.pipe.active

        def writes(job: Value) -> Value:
            return Value.cast(1) if len(writers) == len(self._plan.kinds) else job.matches(*writers)

        return stage, value, writes
