"""Cores with AXI buses under cocotb, in both simulators."""

from __future__ import annotations

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

IN_ICARUS: dict[str, dict[str, tuple[str, ...]]] = {
    "plain": {"bus_tests": STREAMED},
    "states": {
        "bus_tests": ("sequences",),
        "bus_state_tests": ("state_rate", "wrong_states", "by_register"),
    },
    "double": {"bus_weight_tests": ("weights",)},
    "window": COROUTINES["window"],
}
"""Tests per core in the slower simulator; the cores together have all parts."""

SEED = 11

RUNS = [("verilator", name) for name in COROUTINES] + [("icarus", name) for name in IN_ICARUS]


@pytest.mark.parametrize(("simulator", "name"), RUNS)
def test_bus(simulator: str, name: str, tmp_path: Path) -> None:
    modules = (IN_ICARUS if simulator == "icarus" else COROUTINES)[name]
    coroutines = [coroutine for group in modules.values() for coroutine in group]
    build = runner.build(case(name).verilog, top=TOP, simulator=simulator, optimize=False)
    report = runner.run(
        build,
        test_module=",".join(f"tests.sim.{module}" for module in modules),
        testcase=coroutines,
        seed=SEED,
        env={CASE: name},
        results=tmp_path / "results.xml",
        log=tmp_path / "log",
        timeout_s=300,
    )
    assert set(report.tests) == {
        f"tests.sim.{module}.{coroutine}" for module in modules for coroutine in modules[module]
    }
