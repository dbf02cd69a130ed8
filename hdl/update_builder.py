"""Building blocks of a state update: what a cell's equations are made into."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib.memory import Memory

from golden.formats import Format
from hdl import activations, latency
from hdl.numeric import distinct, requantize
from hdl.pipeline import Pipeline, Staged
from hdl.plan import Plan


class UpdateBuilder:
    """Builds a cell's update on a pipeline; what :class:`hdl.cells.Update` promises.

    Stage 0 is the cycle in which a unit is addressed in the shadow and its biases in their
    memory. Jobs are the recurrent layers and the head, which only uses the first pre-activation.

    Args:
        m: module to build into.
        plan: the core's plan.
        shadow: the entering unit's sum in every gate, valid in stage 1.
        c_data: c of step t-1, one cycle after ``c_address``.
        entering: the unit in stage 0: ``job``, ``index`` in the memories, and
            ``first_step`` of a sequence, in which c(t-1) is 0.

    Attributes:
        c_address: unit whose c is read.
        index: index of the unit.
        c, h: the new c and h, once built.
    """

    def __init__(self, m: Module, *, plan: Plan, shadow: Any, c_data: Value, entering: Any) -> None:
        self._m = m
        self._plan = plan
        self._layers = plan.network.layers
        self._shadow = shadow
        self._c_data = c_data
        self._first_step = Staged(entering.first_step, 0, ())
        self._pre: dict[int, Staged] = {}
        self.pipe = Pipeline(m, job=entering.job, jobs=len(plan.jobs))
        self.index = Staged(entering.index, 0, ())
        self.c_address = Signal.like(entering.index, name="c_address")
        self.c: Staged | None = None
        self.h: Staged | None = None

    def _per_job(self, name: str) -> list[Format]:
        """The formats of some tensor, for each job; the head has none and takes the last one's."""
        formats = [getattr(layer.formats, name) for layer in self._layers]
        return formats + formats[-1:] * (len(self._plan.jobs) - len(formats))

    def pre(self, gate: int) -> Staged:
        """Sum of a gate plus bias, narrowed: stage 4."""
        if gate in self._pre:
            return self._pre[gate]
        m, plan, pipe = self._m, self._plan, self.pipe
        chosen = self._shadow[gate]
        accumulated = pipe.register(chosen, 1, plan.product_fracs, name=f"sum{gate}")
        words = plan.bias_words(gate)
        memory = Memory(shape=signed(plan.bias_width(gate)), depth=len(words), init=words)
        m.submodules[f"bias{gate}"] = memory
        port = memory.read_port()
        m.d.comb += port.addr.eq(pipe.at(self.index, 1))
        total = (accumulated.value + port.data)[: plan.sum_width].as_signed()
        biased = pipe.register(total, 2, plan.product_fracs, name=f"biased{gate}")
        self._pre[gate] = pipe.apply(
            lambda value, frac, to: requantize(value, frac=frac, to=to),
            biased,
            plan.pre_formats,
            name=f"pre{gate}",
        )
        assert self._pre[gate].stage == latency.PRE
        return self._pre[gate]

    def state_c(self, *, beside: Staged) -> Staged:
        """c of step t-1 in the stage of ``beside``; 0 in a first step."""
        stage = beside.stage
        self._m.d.comb += self.c_address.eq(self.pipe.at(self.index, stage - 1))
        masked = Mux(self.pipe.at(self._first_step, stage), 0, self._c_data)
        return Staged(masked, stage, tuple(to.frac for to in self._per_job("c")))

    def sigmoid(self, a: Staged, *, name: str) -> Staged:
        """Gate activation: each kind that the layers use, and a selection if there are two."""
        kinds = [layer.sigmoid for layer in self._layers]
        kinds += kinds[-1:] * (len(self._plan.jobs) - len(kinds))
        gates = self._per_job("gate")
        results = []
        if "hard" in kinds:
            results.append(
                self.pipe.apply(
                    lambda value, frac, to: activations.hard_sigmoid(value, frac=frac, to=to),
                    a,
                    gates,
                    name=f"{name}_hard" if "logistic" in kinds else name,
                )
            )
        if "logistic" in kinds:
            half = Staged(a.value, a.stage, tuple(frac + 1 for frac in a.fracs))
            results.append(
                self.pipe.apply(
                    lambda value, frac, to: activations.logistic_from_tanh(value, frac=frac, to=to),
                    self.tanh(half, name=f"{name}_half"),
                    gates,
                    name=name,
                )
            )
        if len(results) == 1:
            return results[0]
        stage, (hard, logistic) = self.pipe.meet(*results)
        is_hard = self.pipe.index_by_job(stage, [int(kind == "hard") for kind in kinds])
        value = Mux(is_hard, hard, logistic)
        return Staged(value, stage, tuple(to.frac for to in gates))

    def tanh(self, a: Staged, *, name: str) -> Staged:
        """A table of its own for each use."""
        table = self._plan.network.tanh
        fracs, index = distinct(a.fracs)
        unit = activations.Tanh(table=table, fracs=fracs, width=len(a.value))
        self._m.submodules[f"tanh_{name}"] = unit
        self._m.d.comb += [
            unit.i.eq(a.value),
            unit.select.eq(self.pipe.index_by_job(a.stage, index)),
        ]
        return Staged(unit.o, a.stage + unit.latency, (table.out.frac,) * len(a.fracs))

    def add(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact sum."""
        return self.pipe.add(a, b, name=name)

    def multiply(self, a: Staged, b: Staged, *, name: str) -> Staged:
        """Exact product."""
        return self.pipe.multiply(a, b, name=name)

    def to_c(self, a: Staged) -> Staged:
        """Narrow to c."""
        self.c = self._narrow(a, "c")
        return self.c

    def to_h(self, a: Staged) -> Staged:
        """Narrow to h."""
        self.h = self._narrow(a, "h")
        return self.h

    def _narrow(self, a: Staged, name: str) -> Staged:
        return self.pipe.apply(
            lambda value, frac, to: requantize(value, frac=frac, to=to),
            a,
            self._per_job(name),
            name=f"new_{name}",
        )
