"""A board's whole top, UART included, against the host's code and the model, in both simulators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hdl.board.board_top import TOP
from sim.cocotb_bench import runner
from tests.sim.boards import BOARD, NAMES, case

pytestmark = pytest.mark.simulator

CORE = {"sequences": 1, "like_model": 1, "overrun": 1, "troubles": 1}
LINE = {"noise": 1, "dead_line": 2, "impatience": 1, "other_baud": 2}
COROUTINES = {**CORE, **LINE}
"""cocotb tests, and how many cases each has: of what depends on the core, and of the line."""

SEED = 7


def runs() -> Iterator[tuple[str, str, list[str]]]:
    """Simulator, board and coroutines: one board has all, under Icarus the short ones."""
    first, *others = NAMES
    yield "verilator", first, list(COROUTINES)
    for name in others:
        yield "verilator", name, list(CORE)
    yield "icarus", first, ["sequences", "overrun"]


@pytest.mark.parametrize(("simulator", "name", "coroutines"), list(runs()))
def test_board(simulator: str, name: str, coroutines: list[str], tmp_path: Path) -> None:
    build = runner.build(case(name).verilog, top=TOP, simulator=simulator, optimize=False)
    runner.run(
        build,
        test_module="tests.sim.board_tests",
        testcase=coroutines,
        expect=sum(COROUTINES[coroutine] for coroutine in coroutines),
        seed=SEED,
        env={BOARD: name},
        results=tmp_path / "results.xml",
        log=tmp_path / "log",
        timeout_s=120,
    )
