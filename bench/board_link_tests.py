"""Cocotb side of bench.board_link: runs the host's code on the board's serial line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import Timer
from cocotb.utils import get_sim_time

from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from hdl.board.board_top import POWER_ON_SECONDS
from litelstm.driver.host import Link
from sim.bus.serial_line import SerialLine


@cocotb.test()
async def samples(dut: Any) -> None:
    """Send all samples in order."""
    work = Path(os.environ["BENCH_WORK"])
    report = json.loads(Path(os.environ["BENCH_BOARD"]).read_text())
    network = QuantizedNetwork.load(os.environ["BENCH_NETWORK"])
    line = SerialLine(dut, bit=1e9 / report["baud"])
    Clock(dut.clk, round(5e11 / report["clock_hz"]) * 2, "ps").start()
    await Timer(2 * POWER_ON_SECONDS, "sec")
    link = Link(line, network, interface=Interface(**report["interface"]), timeout=0.1, retries=1)

    def talk() -> None:
        link.check()
        words, seconds = [], []
        with np.load(work / "x.npz") as file:
            for x in file["x"]:
                start = get_sim_time("sec")
                words.append(link.run(x))
                seconds.append(get_sim_time("sec") - start)
        np.savez(work / "result.npz", words=words, seconds=seconds)

    await bridge(talk)()
    assert link.retried == 0
