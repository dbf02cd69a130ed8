"""What the proofs look at in a core: its ports, and signals inside it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data

from hdl.core import Core
from hdl.latency import CLASS, HEAD
from hdl.numeric import span
from hdl.sequencer import row_layout
from sim.formal.claims import Claims
from sim.formal.steps import Steps


class Observed:
    """A core under proof.

    Args:
        core: the core, the submodule ``core`` of the claims' module.
        claims: what probes are asked of.

    Attributes:
        plan: the core's.
        step: steps that were taken.
        rows_on_the_way: completed rows between sequencer and queue, as (valid, row), the oldest
            first.
        queue: rows in the queue, the oldest first.
        units: ``valid``, ``job``, ``stream``, ``emit``, ``last`` and ``final`` of the unit in every
            stage of the state update; ``word``, it gives an output word.
        words: words on offer and in the output buffer, as (valid, last, stream), the oldest first.
    """

    def __init__(self, core: Core, claims: Claims) -> None:
        self.core = core
        self.claims = claims
        self.m: Module = claims.m
        self.plan = core.plan
        self.step = Steps(self)
        self.rows_on_the_way = self._rows_on_the_way()
        depth = self.queue_depth
        self.queue_level = self.inside("update.queue.level", _bits(depth + 1))
        rows = self.fifo("update.queue", core.array.tag.as_value(), depth)
        self.queue = [
            (self.queue_level > age, data.View(row_layout(self.plan), row))
            for age, row in enumerate(rows)
        ]
        self.units = self._units()
        self.words = self._words()

    def inside(self, path: str, width: int = 1) -> Signal:
        """A signal of the core that is no port."""
        return self.claims.probe(f"core.{path}", width)

    @property
    def queue_depth(self) -> int:
        """Places of the queue of rows."""
        return max(2, sum(job.rows for job in self.plan.jobs))

    @cached_property
    def position(self) -> Signal:
        """Index of the sequencer's pass."""
        return self.inside("sequencer.position", _bits(len(self.plan.passes)))

    @cached_property
    def column(self) -> Signal:
        """Column of the pass."""
        columns = max(single.columns for single in self.plan.passes)
        return self.inside("sequencer.walk.column", _bits(columns))

    @cached_property
    def pass_row(self) -> Signal:
        """Row of the column, from 0 in every layer."""
        return self.inside("sequencer.walk.row", _bits(max(job.rows for job in self.plan.jobs)))

    @cached_property
    def gate(self) -> Signal:
        """Gate of the row, from 0 in every pass."""
        return self.inside("sequencer.walk.gate", _bits(self.plan.gates))

    @property
    def input_bits(self) -> int:
        """Width of the index of an input element."""
        return _bits(self.plan.network.inputs)

    @cached_property
    def pop(self) -> Signal:
        """The queue's oldest row starts to enter the state update."""
        taken = self.inside("update.queue.r_en") & self.inside("update.queue.r_rdy")
        return self.claims.let("pop", taken)

    @cached_property
    def front(self) -> Any:
        """The queue's oldest row."""
        layout = row_layout(self.plan)
        return data.View(layout, self.inside("update.queue.r_data", layout.size))

    @cached_property
    def lanes_left(self) -> Signal:
        """Units of the row that is entering, less those that have entered."""
        return self.inside("update.lanes_left", _bits(self.plan.lanes))

    @property
    def result_stage(self) -> int:
        """Stage in which a word goes to the output buffer."""
        stage = HEAD if self.plan.head_pass else self.plan.update_cost.written["h"]
        return stage + (CLASS if self.plan.interface.classes else 0)

    @property
    def buffer_depth(self) -> int:
        """Places of the output buffer behind its output register."""
        return max(3, self.plan.result_words + 1) - 1

    @cached_property
    def buffer_level(self) -> Signal:
        """Words in those places."""
        return self.inside("update.buffer.inner_level", _bits(self.buffer_depth + 1))

    @cached_property
    def room(self) -> Signal:
        """The state update's count of words that may still enter."""
        return self.inside("update.room", _bits(self.plan.result_words + 1))

    def emits(self, number: int) -> bool:
        """Whether a job's results go to the output, after a sequence's last step."""
        job, plan = self.plan.jobs[number], self.plan
        is_output = job.layer == len(plan.network.layers) - 1 and "h" in job.makes
        return job.head or (is_output and plan.head_pass is None)

    def fifo(self, path: str, word: Value, depth: int) -> list[Signal]:
        """What a FIFO's memory holds, the oldest first: a copy, which the prover finds to be equal.

        Args:
            path: the FIFO, in the core.
            word: what is written, or some of its bits.
            depth: words of the memory.
        """
        name = path.replace(".", "_")
        produce, consume = (
            self.inside(f"{path}.{end}", len(Signal(range(depth))))
            for end in ("produce", "consume")
        )
        push = self.inside(f"{path}.w_en") & self.inside(f"{path}.w_rdy")
        places = [
            Signal(len(word), name=f"{name}_place{place}", reset_less=True)
            for place in range(depth)
        ]
        for place, copy in enumerate(places):
            with self.m.If(push & (produce == place)):
                self.m.d.sync += copy.eq(word)
        words = [Signal(len(word), name=f"{name}_word{age}") for age in range(depth)]
        with self.m.Switch(consume):
            for start in range(depth):
                with self.m.Case(start):
                    rotated = places[start:] + places[:start]
                    self.m.d.comb += [a.eq(b) for a, b in zip(words, rotated, strict=True)]
        return words

    def _rows_on_the_way(self) -> list[tuple[Value, Any]]:
        sequencer, array = self.core.sequencer, self.core.array
        layout = row_layout(self.plan)
        return [
            (array.done, array.tag),
            (
                self.inside("array.done_q"),
                data.View(layout, self.inside("array.tag_q", layout.size)),
            ),
            (array.i_valid & array.i_done, array.i_tag),
            (sequencer.valid & sequencer.done, sequencer.row),
        ]

    def _words(self) -> list[tuple[Value, Value, Value]]:
        o, unit = self.core.o, self.units[self.result_stage]
        several = self.plan.interface.streams > 1
        mark = Cat(unit["last"] & unit["final"], unit["stream"])
        marks = self.fifo("update.buffer", mark, self.buffer_depth)
        words: list[tuple[Value, Value, Value]] = [
            (o.valid, o.payload.last, o.payload.stream if several else Const(0))
        ]
        words += [(self.buffer_level > age, m[0], m[1:]) for age, m in enumerate(marks)]
        return words

    def _units(self) -> list[dict[str, Value]]:
        widths = {
            "valid": 1,
            "job": _bits(len(self.plan.jobs)),
            "stream": _bits(self.plan.interface.streams),
            "emit": 1,
            "last": 1,
            "final": 1,
        }
        unit: dict[str, Value] = {
            name: self.inside(f"update.unit.{name}", width) for name, width in widths.items()
        }
        units = [unit]
        for stage in range(1, max(self.plan.update_cost.depth, self.result_stage) + 1):
            delayed: dict[str, Value] = {}
            for name, value in units[-1].items():
                later = Signal(len(value), name=f"unit_{name}_{stage}", reset_less=name == "job")
                self.m.d.sync += later.eq(value)
                delayed[name] = later
            units.append(delayed)
        for unit in units:
            ends = unit["last"] if self.plan.interface.classes else 1
            unit["word"] = unit["valid"] & unit["emit"] & ends
        return units


def _bits(count: int) -> int:
    """Width of the core's index into ``count`` things."""
    return len(Signal(span(count)))
