"""Delays inside blocks: the clock counts them where the router does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from litelstm.fpga.delays import Delays
from litelstm.fpga.hidden_delays import (
    BLOCK_RAM,
    MULTIPLIER,
    OUT,
    PARTIAL,
    SUM,
    THROUGH,
    HiddenDelays,
)

pytestmark = [pytest.mark.fpga, pytest.mark.quick]

FACTOR, ADDEND, RESULT = ("m_DSP", "A_0"), ("m_DSP", "C_0"), ("m_DSP", "O_0")


def module(**parameters: str) -> dict[str, Any]:
    return {"cells": {"m": {"type": "SB_MAC16", "parameters": parameters}}}


def delays() -> Delays:
    """Registers before A and C (1 ns) and behind O (1 ns), with the router's 0.1 ns."""
    made = Delays()
    for pin in (FACTOR, ADDEND):
        made.sources[pin].append(((pin[1], "Q"), 500))
        made.launches[pin[1], "Q"] = 500
        made.setups[pin] = 100
    made.launches[RESULT] = 100
    made.sources["end", "D"].append((RESULT, 500))
    made.setups["end", "D"] = 500
    return made


def clock(**parameters: str) -> dict[str, int]:
    """The longest path to each end, in picoseconds."""
    found = HiddenDelays.of(module(**parameters)).complete(delays()).ends()
    return {pin[1]: time for time, pin in found}


BETWEEN = {"PIPELINE_16x16_MULT_REG1": "1"}
REGISTERED = {"TOPOUTPUT_SELECT": "01", "BOTOUTPUT_SELECT": "01"}
PRODUCT = {"TOPOUTPUT_SELECT": "11", "BOTOUTPUT_SELECT": "11"}
SMALL = {"TOPOUTPUT_SELECT": "10", "BOTOUTPUT_SELECT": "10", "MODE_8x8": "1"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"D": 1000 + THROUGH + 1000}),
        (PRODUCT, {"D": 1000 + THROUGH + 1000, "C_0": 1100}),
        (SMALL, {"D": 1000 + PARTIAL + 1000, "C_0": 1100}),
        (BETWEEN, {"D": THROUGH + 1000, "A_0": 1000 + PARTIAL}),
        ({"A_REG": "1", **BETWEEN}, {"D": THROUGH + 1000, "A_0": 1100}),
        (REGISTERED, {"D": OUT + 1000, "A_0": 1000 + THROUGH, "C_0": 1000 + SUM}),
        (
            {**REGISTERED, "A_REG": "1", "C_REG": "1", **BETWEEN},
            {"D": OUT + 1000, "A_0": 1100, "C_0": 1100},
        ),
    ],
    ids=["none", "product", "8 x 8", "between", "input, between", "output", "all"],
)
def test_a_multiplier_has_the_delays_of_its_registers(
    parameters: dict[str, str], expected: dict[str, int]
) -> None:
    assert clock(**parameters) == expected


def test_a_clock_holds_inside_the_blocks(tmp_path: Path) -> None:
    multiplier = {"type": "MULT18X18D", "parameters": {"REG_OUTPUT_CLK": "CLK0"}}
    ram = {"type": "DP16KD", "parameters": {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG"}}
    plain = HiddenDelays.of({"cells": {"m": multiplier, "r": ram}})
    assert (plain.mhz(500, tmp_path), plain.notes()) == (500, [])
    multiplier["parameters"] = {"REG_OUTPUT_CLK": "CLK0", "REG_INPUTA_CLK": "CLK0"}
    both = HiddenDelays.of({"cells": {"m": multiplier, "r": ram}})
    assert both.mhz(500, tmp_path) == 1000 / MULTIPLIER.ns
    assert both.mhz(150, tmp_path) == 150
    ram["parameters"] = {"REGMODE_A": "OUTREG", "REGMODE_B": "NOREG"}
    all_of_them = HiddenDelays.of({"cells": {"m": multiplier, "r": ram}})
    assert all_of_them.mhz(500, tmp_path) == 1000 / BLOCK_RAM.ns
    assert len(all_of_them.notes()) == 2


def test_the_longest_path_decides(tmp_path: Path) -> None:
    sdf = tmp_path / "delays.sdf"
    sdf.write_text(
        '(CELLTYPE "ICESTORM_DSP")\n(INSTANCE m_DSP)\n(IOPATH CLK O_0 (100:100:100) (100:100:100))'
        "\n(INTERCONNECT m_DSP/O_0 end/D (0:0:900) (0:0:900))\n"
        '(CELLTYPE "ICESTORM_LC")\n(INSTANCE end)\n'
        "(SETUPHOLD (posedge D) (posedge CLK) (0:0:900) (0:0:0))\n"
    )
    hidden = HiddenDelays.of(module(**BETWEEN))
    assert hidden.mhz(500, sdf) == 1e6 / (THROUGH + 1800)
    assert "IceStorm" in hidden.notes()[0]
