"""Cocotb side of bench.sim_speed: a core computes while Python sleeps."""

from __future__ import annotations

import os
from typing import Any

import cocotb

from sim.cocotb_bench.bench import Bench


@cocotb.test()
async def python_idle(dut: Any) -> None:
    """Hold input valid and output ready, so the array works in every cycle."""
    bench = Bench(dut)
    await bench.reset()
    dut.i_data.value = 1
    dut.i_last.value = 0
    dut.i_valid.value = 1
    dut.o_ready.value = 1
    await bench.clock.edges(int(os.environ["BENCH_CYCLES"]))
