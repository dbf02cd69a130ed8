"""Cores with AXI buses under cocotb, in both simulators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.cocotb_bench import runner
from tests.sim.buses import CASE, TOP, case

pytestmark = pytest.mark.simulator

STREAMED = (
    "registers",
    "sequences",
    "throughput",
    "stalls_are_counted",
    "early_last",
    "late_last",
    "enable",
    "soft_resets",
    "soft_reset_without_enable",
    "resets",
    "interrupts",
)

STATES = (
    "streams_and_states",
    "state_rate",
    "unknown_stream",
    "wrong_states",
    "marks_go_on_with_the_state",
    "by_register",
)

COROUTINES: dict[str, dict[str, tuple[str, ...]]] = {
    "plain": {"bus_tests": STREAMED},
    "tight": {"bus_tests": STREAMED},
    "narrow": {"bus_tests": STREAMED},
    "narrow tight": {"bus_tests": STREAMED},
    "states": {
        "bus_tests": ("registers", "sequences", "throughput", "late_last", "soft_resets"),
        "bus_state_tests": (*STATES, "resets_among_states"),
    },
    "both ways": {"bus_tests": (*STREAMED, "too_many_steps")},
    "saturating": {"bus_state_tests": ("saturated",)},
    "ram": {"bus_weight_tests": ("weights", "load_rate", "wrong_weights", "resets_among_weights")},
    "two sizes": {"bus_weight_tests": ("two_sizes",)},
    "double": {"bus_weight_tests": ("weights", "wrong_weights", "resets_among_weights")},
    "window": {"bus_tests": ("registers",), "bus_state_tests": ("window",)},
}
"""Tests per core, by module."""

IN_ICARUS = ("plain", "states", "double", "window")
"""Cores that the slower simulator runs, too; together they have all parts."""

SEED = 11


def runs() -> Iterator[tuple[str, str, str]]:
    for simulator in runner.SIMULATORS:
        for name in COROUTINES if simulator == "verilator" else IN_ICARUS:
            for module in COROUTINES[name]:
                yield simulator, name, module


@pytest.mark.parametrize(("simulator", "name", "module"), list(runs()))
def test_bus(simulator: str, name: str, module: str, tmp_path: Path) -> None:
    build = runner.build(case(name).verilog, top=TOP, simulator=simulator, optimize=False)
    coroutines = COROUTINES[name][module]
    runner.run(
        build,
        test_module=f"tests.sim.{module}",
        testcase=list(coroutines),
        expect=len(coroutines),
        seed=SEED,
        env={CASE: name},
        results=tmp_path / "results.xml",
        log=tmp_path / "log",
        timeout_s=300,
    )
