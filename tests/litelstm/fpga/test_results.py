"""Results from a tool's figures: fits, parts, reports."""

from __future__ import annotations

import pytest

from litelstm.fpga import report, targets
from litelstm.fpga.families import FF, LUT, MULTIPLIER, RAM
from litelstm.fpga.measure import shortages
from litelstm.fpga.netlist import part_of
from litelstm.fpga.targets import TARGETS

pytestmark = pytest.mark.fpga


def test_targets_from_small_to_large() -> None:
    assert TARGETS["ecp5-45f"].available[MULTIPLIER] == 72
    assert [t.name for t in targets.larger(TARGETS["ecp5-25f"])] == ["ecp5-45f", "ecp5-85f"]
    assert [t.name for t in TARGETS.values() if not t.routes] == [
        "xilinx-a35t",
        "xilinx-a100t",
    ]


def test_shortages() -> None:
    part = TARGETS["ecp5-25f"]
    assert shortages({LUT: 24288, MULTIPLIER: 28}, part) == {}
    assert shortages({LUT: 24289, RAM: 57, FF: 1}, part) == {LUT: (24289, 24288), RAM: (57, 56)}
    assert shortages({MULTIPLIER: 9}, TARGETS["ice40-up5k"]) == {MULTIPLIER: (9, 8)}
    assert shortages({MULTIPLIER: 9}, TARGETS["ice40-hx8k"]) == {MULTIPLIER: (9, 0)}


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("core.array.lanes.lane0.n1_MULT18X18D_P0", "array"),
        ("core.weights.0.0", "weights"),
        ("core.update.tanh1.rom.0.0", "activations"),
        ("core.update.f_hard_TRELLIS_FF_Q", "activations"),
        ("core.update.product0_q_TRELLIS_FF_Q", "state update"),
        ("core.sequencer.walk_TRELLIS_FF_Q", "control"),
        ("o_data_TRELLIS_FF_Q", "control"),
    ],
)
def test_parts(cell: str, part: str) -> None:
    assert part_of(cell) == part


def test_a_markdown_row_has_the_headers_columns() -> None:
    described = {
        "network": "net.q.npz",
        "lanes": 2,
        "target": "ice40-hx8k",
        "resources": {LUT: {"used": 1234, "available": 7680}, FF: {"used": 5, "available": 7680}},
        "clock": None,
        "cycles_per_step": 1100,
    }
    row = report.markdown(described)
    assert row == (
        "| net.q.npz | 2 | ice40-hx8k | 1,234 / 7,680 | 5 / 7,680 | - | - | - | 1,100 | - | - |"
    )
    header, rule = report.MARKDOWN_HEADER.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
