"""Runs columns: row by row and gate by gate, one operation per cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory

from hdl.layout.changes import column_layout
from hdl.layout.pass_table import constants_layout, pass_constants
from hdl.parts.component import holds_any
from hdl.parts.numeric import span
from hdl.plan import Plan


class ColumnWalk:
    """A queue of columns, and the place of the operation in the column that left it.

    A column that has begun never waits, and the next one follows it at once.

    Latency: ``QUEUED`` cycles from ``valid`` until the first operation, if nothing is before it.

    Args:
        m: module to build into.
        plan: the core's plan.
        taken: a column is taken, which comes ``valid`` some cycles later.
        valid, column: see :class:`hdl.sequencer.column_source.ColumnSource`.

    Attributes:
        room: one more column may be taken; it takes part from the next cycle on.
        go: an operation is issued.
        now, column: constants of its pass, and its column.
        gate, row: its place in the column; ``last_gate``, ``last_row``, ``ends``: it is the last
            there.
        weights: address of its word.
    """

    QUEUED = 2

    PLACES = 4
    """Columns that are taken and not begun: as many cycles as the source is ahead."""

    def __init__(
        self, m: Module, plan: Plan, *, taken: Value, valid: Value, column: data.View
    ) -> None:
        self._plan = plan
        load = Signal(name="load")
        level = Signal(range(self.PLACES + 1), name="columns_taken")
        m.d.sync += level.eq(level + taken - load)
        self.room = ~level[-1]
        head, waiting = self._queue(m, valid, column, load)
        self.go, self.ends = Signal(name="go"), Signal(name="ends")
        m.d.comb += load.eq(waiting & (~self.go | self.ends))
        with m.If(load):
            m.d.sync += self.go.eq(1)
        with m.Elif(self.ends):
            m.d.sync += self.go.eq(0)
        self.column = Signal(column_layout(plan), name="current", reset_less=True)
        self.now = Signal(constants_layout(plan), name="of_current", reset_less=True)
        constants = self._constants(m, head.position)
        with m.If(load):
            m.d.sync += [self.column.eq(head), self.now.eq(constants)]
        self._walk(m, load, constants)
        self.weights = Signal(span(plan.sizes.weight_words), name="weights", reset_less=True)
        with m.If(self.go):
            m.d.sync += self.weights.eq(self.weights + 1)
        with m.If(load & head.jumps):
            m.d.sync += self.weights.eq(constants.weights + head.offset)

    def _queue(
        self, m: Module, valid: Value, column: data.View, load: Value
    ) -> tuple[data.View, Value]:
        """The column that is next, in a register, and whether there is one.

        It can be seen in the cycle behind its ``valid``: it goes around the memory if no other is
        before it.
        """
        m.submodules.queue = memory = Memory(
            shape=column_layout(self._plan), depth=self.PLACES, init=[]
        )
        write, read = memory.write_port(), memory.read_port(domain="comb")
        head, waiting = Signal.like(column, name="head", reset_less=True), Signal(name="waiting")
        stores, fetches = Signal(name="stores"), Signal(name="fetches")
        stored = holds_any(m, comes=stores, goes=fetches, most=self.PLACES - 1)
        passes = ~waiting | load
        m.d.comb += [
            write.data.eq(column),
            write.en.eq(valid),  # a word that is not kept is overwritten
            stores.eq(valid & (stored | ~passes)),
            fetches.eq(stored & load),
        ]
        m.d.sync += [write.addr.eq(write.addr + stores), read.addr.eq(read.addr + fetches)]
        with m.If(passes):
            m.d.sync += [head.eq(Mux(stored, read.data, column)), waiting.eq(stored | valid)]
        return head, waiting

    def _constants(self, m: Module, position: Value) -> data.View:
        """Constants of the pass at a position."""
        constants = Signal(constants_layout(self._plan), name="of_head")
        with m.Switch(position):
            for index, single in enumerate(self._plan.work.passes):
                with m.Case(index):
                    for name, value in pass_constants(self._plan, index, single).items():
                        m.d.comb += constants[name].eq(value)
        return constants

    def _walk(self, m: Module, load: Value, constants: data.View) -> None:
        """Gates, then rows of the column."""
        sizes, now = self._plan.sizes, self.now
        self.gate, gates_left = (Signal(span(sizes.gates), name=n) for n in ("gate", "gates_left"))
        self.row, rows_left = (Signal(span(sizes.job_rows), name=n) for n in ("row", "rows_left"))
        self.last_gate, self.last_row = Signal(name="last_gate"), Signal(name="last_row")
        m.d.comb += self.ends.eq(self.go & self.last_gate & self.last_row)
        with m.If(load):
            m.d.sync += [
                Cat(self.gate, self.row).eq(0),
                gates_left.eq(constants.last_gate),
                rows_left.eq(constants.last_row),
                self.last_gate.eq(constants.last_gate == 0),
                self.last_row.eq(constants.last_row == 0),
            ]
        with m.Elif(self.last_gate):
            m.d.sync += [
                self.gate.eq(0),
                self.row.eq(self.row + 1),
                gates_left.eq(now.last_gate),
                rows_left.eq(rows_left - 1),
                self.last_gate.eq(now.last_gate == 0),
                self.last_row.eq(rows_left == 1),
            ]
        with m.Else():
            m.d.sync += [
                self.gate.eq(self.gate + 1),
                gates_left.eq(gates_left - 1),
                self.last_gate.eq(gates_left == 1),
            ]
