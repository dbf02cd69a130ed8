"""Seeds of the router as jobs: what a worker makes is kept in the caller's cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from litelstm.fpga import seeds, tools
from litelstm.fpga.flow import NETLIST, Flow, Synthesized
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import TARGETS

pytestmark = pytest.mark.fpga

TARGET = TARGETS["ice40-up5k"]


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the router: the clock that it reaches is 10 MHz times the seed."""
    routed: list[str] = []

    def run(tool: str, arguments: list[str], folder: Path, *, log: str) -> None:
        seed = arguments[arguments.index("--seed") + 1]
        routed.append(seed)
        report = {"fmax": {"clk": {"achieved": 10.0 * int(seed), "constraint": 12.0}}}
        (folder / "report.json").write_text(json.dumps(report))
        (folder / "routed.asc").write_text(f"seed {seed} of {(folder / NETLIST).read_text()}")

    monkeypatch.setattr(tools, "run", run)
    return routed


def test_results_of_workers_are_kept_here(
    router: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    counts = Netlist(cells={}, used={}, parts={}, registers={}, memories={})
    netlist = Synthesized(folder=tmp_path, top="core", netlist=counts)
    empty = '{"modules": {"core": {"cells": {}}}}'
    (tmp_path / NETLIST).write_text(empty)

    def elsewhere(work: Any, tasks: Any, **where: Any) -> Iterator[tuple[Any, Any]]:
        assert where == {"jobs": 2}
        for task in reversed(tasks):
            monkeypatch.setenv("LITELSTM_CACHE", str(there))
            made = work(task)
            monkeypatch.setenv("LITELSTM_CACHE", str(here))
            yield task, made

    monkeypatch.setattr(seeds, "work_through", elsewhere)
    told: list[int] = []
    found = seeds.route_all(Flow(target=TARGET), netlist, 3, {"jobs": 2}, told.append)
    assert router == ["3", "2", "1"]
    assert told == [1, 2, 3]
    assert [routed.mhz for routed in found] == [10, 20, 30]
    assert all(here in routed.folder.parents for routed in found)
    text = (found[1].folder / "routed.asc").read_text()
    assert text == f"seed 2 of {empty}"

    alone = seeds.route_all(Flow(target=TARGET), netlist, 3, {}, told.append)
    assert router == ["3", "2", "1"]  # cached: the workers' results are those of this machine
    assert [routed.folder for routed in alone] == [routed.folder for routed in found]
