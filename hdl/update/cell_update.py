"""The verbs of a cell's equations, which build its state update; see :class:`hdl.cells.Update`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from amaranth.hdl import Mux

from hdl.cells import Update
from hdl.layout.contents import diagonal_words
from hdl.timing.update_cost import Program
from hdl.update.activations import hard_sigmoid, logistic_from_tanh
from hdl.update.builder import UpdateBuilder
from hdl.update.pipeline import Staged


class CellUpdate(Update[Staged]):
    """Builds the update of a cell's jobs.

    Args:
        shared: what it shares with the updates of other cells.
        program: the update.
        jobs: its jobs.
        order: gates in the order in which their sums are read.
    """

    def __init__(
        self, shared: UpdateBuilder, program: Program, jobs: list[int], order: tuple[str, ...]
    ) -> None:
        self._shared, self._program, self._jobs, self._order = shared, program, jobs, order
        self.add = shared.arithmetic.add
        self.subtract = shared.arithmetic.subtract
        self.maximum = shared.arithmetic.maximum
        self.multiply = shared.arithmetic.multiply
        self.tanh = shared.tanh
        self.exponential = shared.exponential
        self.relu = shared.arithmetic.relu
        self.leaky = shared.arithmetic.leaky

    def sum(self, gate: str, *, c: Staged | None = None) -> Staged:
        slot = list(self._program.gates).index(gate)
        biased = self._shared.biased(slot, self._order.index(gate), self._jobs)
        if not self._program.gates[gate].diagonal:
            return biased
        c = c or self.state("c")
        words = diagonal_words(self._shared.plan, slot)
        weight = replace(
            c,
            value=self._shared.constants.word(f"diagonal{slot}", words, stage=c.stage),
            fracs=tuple(
                frac - to.frac
                for frac, to in zip(biased.fracs, self._shared.formats("c"), strict=True)
            ),
        )
        return self.add(biased, self.multiply(c, weight, name=f"w_c{slot}"), name=f"sum_{gate}")

    def state(self, name: str) -> Staged:
        return self._shared.state(name, self._jobs)

    def narrow(self, a: Staged, to: str, *, name: str) -> Staged:
        return self._shared.arithmetic.narrow(a, self._shared.formats(to), name=name)

    def make(
        self, vector: str, a: Staged, *, low: float | None = None, high: float | None = None
    ) -> Staged:
        written = vector if vector in self._program.drain.makes else "out"
        return self._shared.make(written, a, low=low, high=high)

    def sigmoid(self, a: Staged, *, name: str) -> Staged:
        """Gate activation: each kind that the program's layers use; the job selects."""
        plan, pipe, gates = self._shared.plan, self._shared.pipe, self._shared.formats("gate")
        apply = self._shared.arithmetic.apply
        results: list[Staged] = []
        if self._program.hard:
            hard = partial(hard_sigmoid, early=plan.options.storage.deep)
            results.append(apply(hard, a, gates, name=f"{name}_hard"))
        if self._program.logistic:
            half = replace(a, fracs=tuple(frac + 1 for frac in a.fracs))
            t = self.tanh(half, name=f"{name}_half")
            results.append(apply(logistic_from_tanh, t, gates, name=f"{name}_logistic"))
        if len(results) == 1:
            return results[0]
        hard, logistic = pipe.meet(*results)
        is_hard = pipe.index_by_job(hard, [int(kind.sigmoid == "hard") for kind in plan.kinds])
        return replace(hard, value=Mux(is_hard, hard.value, logistic.value))
