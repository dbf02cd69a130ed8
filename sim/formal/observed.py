"""The signals of a core that the proofs observe: its ports, and some inside it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from amaranth.hdl import Cat, Const, Shape, Signal, Value
from amaranth.lib import data

from hdl.core import Core
from hdl.layout.pass_table import row_layout
from hdl.timing.latency import CLASS
from hdl.update.unit_dispatch import unit_layout
from sim.formal.claims import Claims
from sim.formal.probes import Probes, bits
from sim.formal.steps import Steps

QUEUE = "update.entry.queue"
"""The queue of rows, in the core."""

BUFFER = "update.buffer"
"""The output buffer, in the core."""

Unit = dict[str, Value]
"""Fields of a unit in one stage of the state update."""


class Observed(Probes):
    """A core under proof.

    Args:
        core: the core, the submodule ``core`` of the claims' module.
        claims: makes the probes.

    Attributes:
        rows_on_the_way: completed rows between sequencer and queue, as (valid, row), the oldest
            first.
        queue: the row that is next to enter the state update and those in the queue behind it, the
            oldest first.
        units: the unit in every stage of the state update, with ``valid``, ``job``, ``row``,
            ``bank``, ``group``, ``stream``, ``emit``, ``last`` and ``final``; ``ends_row``: it is
            its row's last; ``word``: it gives an output word.
        words: words on offer and in the output buffer, as (valid, last, stream), the oldest first.
    """

    def __init__(self, core: Core, claims: Claims) -> None:
        super().__init__(core, claims)
        self.rows_on_the_way = self._rows_on_the_way()
        depth = self.queue_depth
        self.queue_level = self.inside(f"{QUEUE}.level", bits(depth + 1))
        self.queue = [(self.inside("update.entry.queue.held.valid"), self.next_row)]
        self.queue += [
            (self.queue_level > age, data.View(row_layout(self.plan), row))
            for age, row in enumerate(self._queued())
        ]
        self.units = self._units()
        self.words = self._words()

    @cached_property
    def step(self) -> Steps:
        """Steps that were taken."""
        return Steps(self)

    @property
    def queue_depth(self) -> int:
        """Places of the queue of rows."""
        return max(2, sum(job.rows for job in self.plan.work.jobs))

    @cached_property
    def queue_pointers(self) -> tuple[Signal, Signal]:
        """Where the queue is written and read next."""
        bits = len(Signal(range(self.queue_depth)))
        return self.inside(f"{QUEUE}.produce", bits), self.inside(f"{QUEUE}.consume", bits)

    @cached_property
    def enters(self) -> Signal:
        """The next row starts to enter the state update."""
        return self.inside("update.entry.enters")

    @cached_property
    def next_row(self) -> Any:
        """The next row to enter the state update."""
        layout = row_layout(self.plan)
        return data.View(layout, self.inside("update.entry.queue.held.row", layout.size))

    @cached_property
    def lanes_left(self) -> Signal:
        """Units of the row that is entering, less those that have entered."""
        return self.inside("update.entry.lanes_left", bits(self.plan.options.lanes))

    @cached_property
    def active(self) -> Signal:
        """Copy of the core's flag that a row is entering, or entered within the last beat."""
        active = Signal(name="entry_active")
        ends = (self.phase == self.plan.update_cost.interval - 1) & self.inside("update.entry.over")
        with self.m.If(self.enters):
            self.m.d.sync += active.eq(1)
        with self.m.Elif(ends):
            self.m.d.sync += active.eq(0)
        return active

    @cached_property
    def phase(self) -> Signal:
        """Cycles since a unit might have entered."""
        return self.inside("update.entry.phase", bits(self.plan.update_cost.interval))

    @property
    def result_stage(self) -> int:
        """Stage in which a word goes to the output buffer."""
        return self.plan.result_stage + (CLASS if self.plan.options.interface.classes else 0)

    @cached_property
    def buffer_level(self) -> Signal:
        """Words in the output buffer, without the one on offer."""
        return self.inside(f"{BUFFER}.level", bits(self.plan.sizes.output_places + 1))

    @cached_property
    def buffer_pointers(self) -> tuple[Signal, Signal]:
        """Where the output buffer is written and read next, counted from reset."""
        shape = range(max(2, self.plan.sizes.output_places))
        pointers = Signal(shape, name="buffer_produce"), Signal(shape, name="buffer_consume")
        for pointer, moves in zip(pointers, ("write", "takes"), strict=True):
            with self.m.If(self.inside(f"{BUFFER}.{moves}")):
                self.m.d.sync += pointer.eq(pointer + 1)
        return pointers

    @cached_property
    def taken(self) -> Signal:
        """The state update's count of words that may still enter."""
        return self.inside("update.entry.taken", bits(self.plan.sizes.output_places + 1))

    def is_drained(self, number: int) -> Value:
        """Whether a job's sums of the previous step are no longer needed."""
        job = self.plan.work.jobs[number]
        if not job.makes:
            return self.core.sequencer.head_free[self.plan.work.unread.index(number)]
        return self.core.store.ready[f"{job.makes[-1]}{job.layer}"] == job.units

    def unfinished(self, number: int) -> Value:
        """Count a job's units whose final sums the array has begun but not finished."""
        work = self.plan.work
        at = next(i for i, single in enumerate(work.passes) if single.completes == number)
        inside = (self.position == at) & (self.column == work.passes[at].columns - 1)
        inside &= (self.pass_row != 0) | (self.gate != 0)
        left = Signal(range(work.jobs[number].units + 1), name=f"unfinished{number}")
        with self.m.If(inside):
            self.m.d.comb += left.eq(
                work.jobs[number].units - self.pass_row * self.plan.options.lanes
            )
        return left

    def emits(self, number: int) -> bool:
        """Whether a job's results go to the output, after a sequence's last step."""
        return self.plan.work.jobs[number].emits

    @property
    def buffer_depth(self) -> int:
        """Places of the output buffer's memory."""
        return 2 ** len(self.buffer_pointers[0])

    def fifo(
        self, path: str, word: Value, *, write: Value, produce: Signal, consume: Signal, depth: int
    ) -> list[Signal]:
        """Return a copy of a FIFO's memory, the oldest word first; the prover finds both equal.

        Args:
            path: the FIFO, in the core.
            word: the word to write, or some of its bits.
            write: the word is written in this cycle.
            produce, consume: addresses of writing and reading.
            depth: words of the memory.
        """
        name = path.replace(".", "_")
        places = [
            Signal(len(word), name=f"{name}_place{place}", reset_less=True)
            for place in range(depth)
        ]
        for place, copy in enumerate(places):
            with self.m.If(write & (produce == place)):
                self.m.d.sync += copy.eq(word)
        words = [Signal(len(word), name=f"{name}_word{age}") for age in range(depth)]
        with self.m.Switch(consume):
            for start in range(depth):
                with self.m.Case(start):
                    rotated = places[start:] + places[:start]
                    self.m.d.comb += [a.eq(b) for a, b in zip(words, rotated, strict=True)]
        return words

    def _queued(self) -> list[Signal]:
        produce, consume = self.queue_pointers
        write = self.inside(f"{QUEUE}.write")
        return self.fifo(
            QUEUE,
            self.core.update.row.as_value(),
            write=write,
            produce=produce,
            consume=consume,
            depth=self.queue_depth,
        )

    def _rows_on_the_way(self) -> list[tuple[Value, Any]]:
        sequencer, update, layout = self.core.sequencer, self.core.update, row_layout(self.plan)
        delays = self.plan.array.row_delay  # between the operation and the update, beside one
        done = self.inside("row_done_q", 1 + delays)
        between = [
            (done[n], data.View(layout, self.inside(f"row_q{n + 1 if n else ''}", layout.size)))
            for n in reversed(range(delays))
        ]
        return [
            (update.row_done, update.row),
            *between,
            (sequencer.valid & sequencer.done, sequencer.row),
        ]

    def _words(self) -> list[tuple[Value, Value, Value]]:
        o, unit = self.core.o, self.units[self.result_stage]
        several = self.plan.options.interface.streams > 1
        produce, consume = self.buffer_pointers
        marks = self.fifo(
            BUFFER,
            Cat(unit["last"] & unit["final"], unit["stream"]),
            write=self.inside(f"{BUFFER}.write"),
            produce=produce,
            consume=consume,
            depth=self.buffer_depth,
        )
        words: list[tuple[Value, Value, Value]] = [
            (o.valid, o.payload.last, o.payload.stream if several else Const(0))
        ]
        words += [(self.buffer_level > age, m[0], m[1:]) for age, m in enumerate(marks)]
        return words

    def stage(self, number: int) -> Unit:
        """The unit in a stage of the state update, or behind it."""
        while len(self.units) <= number:
            self.units.append(self._later(self.units[-1], len(self.units)))
        return self.units[number]

    def _units(self) -> list[Unit]:
        names = ("valid", "job", "row", "bank", "group", "stream", "emit", "last", "final")
        unit: Unit = {name: self.unit(name) for name in names}
        unit["ends_row"] = self.lanes_left == 0
        units = [unit]
        for _ in range(max(self.plan.update_cost.depth, self.result_stage)):
            units.append(self._later(units[-1], len(units)))
        for unit in units:
            ends = unit["last"] if self.plan.options.interface.classes else 1
            unit["word"] = unit["valid"] & unit["emit"] & ends
        return units

    def _later(self, unit: Unit, stage: int) -> Unit:
        """The unit that was in the stage before in the last cycle."""
        delayed: Unit = {}
        for name, value in unit.items():
            later = Signal(len(value), name=f"unit_{name}_{stage}", reset_less=name == "job")
            self.m.d.sync += later.eq(value)
            delayed[name] = later
        return delayed

    def unit(self, name: str) -> Signal:
        """A field of the unit that enters the state update, see ``unit_layout``."""
        width = Shape.cast(unit_layout(self.plan)[name].shape).width
        return self.inside(f"update.entry.unit.{name}", width)
