"""The walk through passes: gates, rows, columns; flags that tell of the loops' ends beforehand."""

from __future__ import annotations

from itertools import product

import pytest
from amaranth.hdl import Module

from golden.cells import GRU, LSTM, RNN
from hdl.layout.pass_table import pass_constants
from hdl.plan import Plan
from hdl.sequencer.pass_source import ConstantPasses
from hdl.sequencer.walk import AT, Walk
from hdl.spec.options import CoreOptions
from tests.hdl.simulate import watch
from tests.networks import Recipe, quantized_network


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_all_passes_of_a_network(lanes: int) -> None:
    """Passes with one gate, one row or one column among them, without a gap between them."""
    recipe = Recipe(inputs=1, units=(5, 1, 6), outputs=2, cells=(GRU(), RNN(), LSTM()))
    plan = Plan(network=quantized_network(recipe, 1), options=CoreOptions(lanes=min(lanes, 5)))
    m = Module()
    passes, walk = ConstantPasses(plan), Walk(plan)
    passes.read(m)
    walk.advance(m, passes.now)
    with m.If(walk.at.ends_pass):
        m.d.sync += [
            passes.now.eq(passes.following),
            passes.coming.eq(passes.coming + 1),
            *walk.begin(passes.following),
        ]
    wanted = [
        operation(pass_constants(plan, index, single), *place)
        for index, single in enumerate(plan.work.passes)
        for place in places(pass_constants(plan, index, single))
    ]
    names = ["column", "row", "gate"]
    flags = [name for name, _ in AT if name != "goes"]
    signals = [*(walk.place[name] for name in names), *(walk.at[name] for name in flags)]
    got = watch(m, signals, cycles=len(wanted))
    assert [dict(zip([*names, *flags], row, strict=True)) for row in got] == wanted


def places(constants: dict[str, int]) -> product[tuple[int, ...]]:
    """Column, row and gate of a pass' operations, in order."""
    return product(*(range(constants[f"last_{loop}"] + 1) for loop in ("column", "row", "gate")))


def operation(constants: dict[str, int], column: int, row: int, gate: int) -> dict[str, int]:
    """An operation's place and flags, from their definitions."""
    last_column, last_row, last_gate = (
        constants[f"last_{loop}"] for loop in ("column", "row", "gate")
    )
    ends_column = row == last_row and gate == last_gate
    starts = row == gate == 0
    return {
        "column": column,
        "row": row,
        "gate": gate,
        "column_start": starts,
        "one_gate": last_gate == 0,
        "one_row": last_row == 0,
        "last_gate": gate == last_gate,
        "last_row": row == last_row,
        "last_column": column == last_column,
        "next_last": column + 1 == last_column,
        "ends_column": ends_column,
        "ends_pass": ends_column and column == last_column,
        "restarts": starts and column == last_column and constants["ends_job"],
    }
