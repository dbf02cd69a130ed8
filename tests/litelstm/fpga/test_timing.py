"""Paths out of a router's delays, in the names of the design."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from litelstm.fpga.delays import Delays
from litelstm.fpga.timing import TimingPath, longest_paths, readable

# A register, a LUT and two carries lead to a register's enable; a block RAM leads to a register;
# a pin leads to a register, which is no path.
WIRES = {
    "core.array.go_TRELLIS_FF_Q/Q": {"core.n_D_LUT4_Z/A": 1000, "other/M": 10},
    "core.n_D_LUT4_Z/F": {"core.update.n_DI_CCU2C_S1$CCU2_COMB0/A": 500},
    "core.update.n_DI_CCU2C_S1$CCU2_COMB0/FCO": {"core.update.n_DI_CCU2C_S1$CCU2_COMB1/FCI": 0},
    "core.update.n_DI_CCU2C_S1$CCU2_COMB1/F": {"core.update.c_TRELLIS_FF_Q_3/CE": 250},
    "core.weights.0.3/DOA1": {"core.sequencer.walk__row_TRELLIS_FF_Q_2/M": 100},
    "pin/O": {"core.sequencer.walk__row_TRELLIS_FF_Q_2/CE": 90000},
}
ARCS = (
    ("TRELLIS_FF", "core.array.go_TRELLIS_FF_Q", "CLK", "Q", 525),
    ("TRELLIS_COMB", "core.n_D_LUT4_Z", "A", "F", 236),
    ("TRELLIS_COMB", "core.update.n_DI_CCU2C_S1$CCU2_COMB0", "A", "FCO", 447),
    ("TRELLIS_COMB", "core.update.n_DI_CCU2C_S1$CCU2_COMB1", "FCI", "F", 403),
    ("DP16KD", "core.weights.0.3", "CLKA", "DOA1", 5830),
)
SETUPS = (
    ("core.update.c_TRELLIS_FF_Q_3", "CE", 42),
    ("core.sequencer.walk__row_TRELLIS_FF_Q_2", "M", 0),
    ("core.sequencer.walk__row_TRELLIS_FF_Q_2", "CE", 0),
)
NETS = {
    ("core.array.go_TRELLIS_FF_Q", "Q"): "core.array.go[7]",
    ("core.n_D_LUT4_Z", "F"): "core.n_D",
    ("core.update.n_DI_CCU2C_S1$CCU2_COMB1", "F"): "core.update.n_DI_CCU2C_S1_S0",
    ("core.update.c_TRELLIS_FF_Q_3", "Q"): "core.update.c[3]",
}


@pytest.fixture
def routed(tmp_path: Path) -> dict[str, Path]:
    """Files as a router writes them."""
    lines = ["(DELAYFILE", '  (CELL (CELLTYPE "top")', "    (INSTANCE )"]
    for driver, sinks in WIRES.items():
        for sink, delay in sinks.items():
            names = f"{driver} {sink}".replace("$", "\\$")
            lines.append(f"(INTERCONNECT {names} (0:0:{delay}) (0:0:{delay - 1}))")
    for kind, cell, start, end, delay in ARCS:
        lines += [f'(CELLTYPE "{kind}")', "(INSTANCE " + cell.replace("$", "\\$") + ")"]
        lines.append(f"(IOPATH {start} {end} (1:2:{delay - 9}) (1:2:{delay}))")
    for cell, port, delay in SETUPS:
        lines += ['(CELLTYPE "TRELLIS_FF")', f"(INSTANCE {cell})"]
        lines.append(f"(SETUPHOLD (posedge {port}) (posedge CLK) (0:0:{delay}) (0:0:900))")
    sdf, report = tmp_path / "delays.sdf", tmp_path / "report.json"
    sdf.write_text("\n".join(lines))
    nets: list[dict[str, Any]] = [
        {"driver": driver, "port": port, "net": net} for (driver, port), net in NETS.items()
    ]
    report.write_text(json.dumps({"detailed_net_timings": nets}))
    return {"sdf": sdf, "report": report}


def stages(path: TimingPath) -> list[tuple[str, str, str]]:
    return [(stage.words(), stage.name, stage.part) for stage in path.stages]


def test_paths_stage_by_stage(routed: dict[str, Path]) -> None:
    from_ram, from_register = longest_paths(Delays.read(routed["sdf"]), routed["report"], count=9)
    assert stages(from_register) == [
        ("register", "array.go[7]", "array"),
        ("LUT", "n_D", "control"),
        ("2 carries", "update.n_DI", "state update"),
        ("register", "update.c[3] (enable)", "state update"),
    ]
    delays = [(s.wire_ns, s.fanout, s.cell_ns, s.at_ns) for s in from_register.stages]
    assert delays == [
        (0, 0, 0.525, 0.525),
        (1, 2, 0.236, 1.761),
        (0.5, 1, 0.85, 3.111),
        (0.25, 1, 0.042, 3.403),
    ]
    assert str(from_register) == (
        "3.40 ns from register array.go[7] to register update.c[3] (enable): "
        "1.65 ns in cells (1 LUT, 2 carries), 1.75 ns in wires"
    )
    assert str(from_ram) == (
        "5.93 ns from block RAM weights to register sequencer.walk__row: "
        "5.83 ns in cells (no logic between), 0.10 ns in wires"
    )


def test_as_many_as_are_asked_for(routed: dict[str, Path]) -> None:
    (path,) = longest_paths(Delays.read(routed["sdf"]), routed["report"], count=1)
    assert path.ns == 5.93
    routed["sdf"].write_text("(DELAYFILE)")
    with pytest.raises(ValueError, match="no path between registers"):
        longest_paths(Delays.read(routed["sdf"]), routed["report"], count=1)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("core.array.lanes.first_q_SB_DFF_Q_DFFLC", "array.lanes.first_q"),
        ("core.array.i_total__5_SB_MAC16_O_C_5_SB_LUT4_O_LC", "array.i_total__5"),
        ("core.array.lanes.accumulators13.0.5_DO_1", "array.lanes.accumulators13"),
        ("core.array.shadow.lane13.0.5$DPRAM_COMB1", "array.shadow.lane13"),
        ("core.update.tanh0.rom.0.0_RAM", "update.tanh0.rom"),
        ("core.update.y[3]", "update.y[3]"),
        ("$nextpnr_ICESTORM_LC_15", ""),
    ],
)
def test_readable_names(cell: str, name: str) -> None:
    assert readable(cell) == name
