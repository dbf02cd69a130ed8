"""Registers with reset, in a netlist of one gate."""

from __future__ import annotations

import pytest

from sim.tools.aiger import Netlist

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(("name", "active"), [("rst", 1), ("aresetn", 0)])
def test_either_reset_tells_registers_apart(name: str, active: int) -> None:
    reset, data, first, gate, second = 2, 4, 6, 8, 10
    netlist = Netlist(
        inputs={name: reset, "data": data},
        outputs={},
        registers=[(first, gate), (second, data)],
        gates=[(gate, data, reset ^ active)],
    )
    assert netlist.has_reset() == [True, False]
