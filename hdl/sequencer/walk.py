"""The walk of the array through a pass: gates, then rows, then columns."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data

from hdl.layout.pass_table import first_constants, walk_layout
from hdl.plan import Plan

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


class Walk:
    """Place of the operation that is next in its pass.

    Attributes:
        place: see :func:`hdl.layout.pass_table.walk_layout`.
        at: see `AT`; ``goes`` is driven by whoever decides on the operation.
    """

    def __init__(self, plan: Plan) -> None:
        first = first_constants(plan)
        columns = {"next_column": 1, "later_column": 2}
        self.place = Signal(walk_layout(plan), name="walk", init={**columns, **_left(first)})
        self.at = Signal(AT, init={"column_start": 1, **_flags(first)})

    def begin(self, following: Any) -> list[Any]:
        """Go to the first operation of a pass with these constants; the walk ended the last one."""
        return [
            *(self.place[name].eq(count) for name, count in _left(following).items()),
            *(self.at[name].eq(flag) for name, flag in _flags(following).items()),
        ]

    def advance(self, m: Module, now: data.View) -> None:
        """Go to the next operation of the pass at hand; behind its last one :meth:`begin` wins."""
        walk, at = self.place, self.at
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


def _left(constants: Any) -> dict[str, Any]:
    """Rows and gates that are left after the first operation of a pass."""
    return {f"{loop}s_left": constants[f"last_{loop}"] for loop in ("gate", "row")}


def _flags(constants: Any) -> dict[str, Any]:
    """Flags of a pass' first operation, computed from the pass' constants."""
    gate, row, column = (constants[f"last_{loop}"] == 0 for loop in ("gate", "row", "column"))
    return {
        **_last(gate, row, column),
        "one_gate": gate,
        "one_row": row,
        "next_last": constants["last_column"] == 1,
        "restarts": column & constants["ends_job"],
    }


def _last(gate: Any, row: Any, column: Any) -> dict[str, Any]:
    """Flags of the loops' ends."""
    return {
        "last_gate": gate,
        "last_row": row,
        "last_column": column,
        "ends_column": gate & row,
        "ends_pass": gate & row & column,
    }
