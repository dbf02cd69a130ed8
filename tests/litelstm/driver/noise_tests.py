"""cocotb test: the program over a serial line that loses, changes and adds bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge
from cocotb.triggers import Timer

from litelstm.driver import Description, SerialBackend
from litelstm.driver.simulation import CLOCK_NS, SimulatedTime, start_clock
from sim.bus.serial_line import SerialLine
from tests.litelstm.driver import program
from tests.sim.board_tests import Noise

CORE = "LITELSTM_NOISY_CORE"
"""Environment variable: the core's JSON."""

SILENCE = 60e-6


@cocotb.test()
async def noise(dut: Any) -> None:
    """Every access is made once, so every word is right all the same."""
    path = Path(os.environ[CORE])
    bit = CLOCK_NS * Description.load(path).cycles_of_a_bit
    damage = [Noise(rate=0.01, seed=cocotb.RANDOM_SEED + n) for n in range(2)]
    line = SerialLine(dut, bit=bit, to_board=damage[0], from_board=damage[1])
    await start_clock(dut.clk, dut.rst, active=1)
    backend = SerialBackend(line, silence=SILENCE, retries=50, world=SimulatedTime())
    await bridge(program.main)("uart", str(path), backend)
    assert damage[0].done > 5
    assert damage[1].done > 5
    assert backend.retried > 5
    await Timer(1, "ns")
