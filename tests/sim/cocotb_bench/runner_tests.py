"""cocotb tests that test_runner.py runs on runner_design.v; some of them fail by intention."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer


async def start(dut: Any) -> None:
    """Clock running, inputs low, one reset done."""
    for name in ("enable", "bad", "stop"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0


@cocotb.test()
async def counts(dut: Any) -> None:
    await start(dut)
    dut.enable.value = 1
    await ClockCycles(dut.clk, 20)
    await Timer(1, "ns")
    assert dut.count.value == 20


@cocotb.test()
async def counts_more(dut: Any) -> None:
    """A name that starts as another does: a filter for that one must not match this."""
    await start(dut)


@cocotb.test()
@cocotb.parametrize(cycles=[1, 3])
async def counts_some(dut: Any, cycles: int) -> None:
    await start(dut)
    dut.enable.value = 1
    await ClockCycles(dut.clk, cycles)
    await Timer(1, "ns")
    assert dut.count.value == cycles


@cocotb.test()
async def draws(dut: Any) -> None:
    Path(os.environ["DRAWN"]).write_text(str(random.random()))
    await start(dut)


@cocotb.test()
async def fails(dut: Any) -> None:
    await start(dut)
    assert dut.count.value == 77, "never reached"


@cocotb.test()
async def exits(dut: Any) -> None:
    await start(dut)
    os._exit(0)


@cocotb.test()
async def hangs(dut: Any) -> None:
    await start(dut)
    await ClockCycles(dut.clk, 10**9)


@cocotb.test()
async def stops(dut: Any) -> None:
    await start(dut)
    dut.stop.value = 1
    await ClockCycles(dut.clk, 4)


@cocotb.test()
async def breaks_assertion(dut: Any) -> None:
    await start(dut)
    dut.bad.value = 1
    await ClockCycles(dut.clk, 1)
    dut.bad.value = 0
    await ClockCycles(dut.clk, 3)
