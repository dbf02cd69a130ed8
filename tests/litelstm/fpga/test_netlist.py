"""Mapped netlists, as they are routed, against the golden model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from litelstm.fpga.flow import Flow, Synthesized
from tests.litelstm.conftest import SAMPLES, Call, Files

pytestmark = pytest.mark.fpga


@pytest.mark.parametrize("target", ["ecp5-25f", "ice40-up5k"])
def test_a_netlist_computes_the_same(files: Files, call: Call, tmp_path: Path, target: str) -> None:
    report = tmp_path / "report.json"
    command = ["simulate", files.network, "--samples", files.samples, "--lanes", 3, "--sim"]
    done = call(*command, "icarus", "--netlist", target, "--json", report)
    assert done.status == 0, done.err
    assert f"icarus, netlist for {target}: {SAMPLES} samples" in done.out
    found = json.loads(report.read_text())
    assert (found["compared"], found["mismatched"]) == (2 * SAMPLES, 0)
    assert found["wrong_cycle"] == ""


def test_a_wrong_netlist_is_found(
    files: Files, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A multiplier that takes its weights for numbers without sign."""
    right = Flow.verilog

    def wrong(flow: Flow, synthesized: Synthesized) -> str:
        text = right(flow, synthesized)
        assert ".SIGNEDB(1'h1)" in text
        return text.replace(".SIGNEDB(1'h1)", ".SIGNEDB(1'h0)", 1)

    monkeypatch.setattr(Flow, "verilog", wrong)
    command = ["simulate", files.network, "--samples", files.samples, "--lanes", 3]
    done = call(*command, "--sim", "icarus", "--netlist", "ecp5-25f")
    assert done.status == 1
    assert "expected" in done.out


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("ecp4", "'ecp4' is not one of 'ecp5-25f', 'ecp5-45f'"),
        ("xilinx-a35t", "no simulation models of Xilinx 7 cells; there are some of ecp5-25f"),
    ],
)
def test_bad_targets(files: Files, call: Call, target: str, says: str) -> None:
    command = ["simulate", files.network, "--samples", files.samples, "--lanes", 3]
    done = call(*command, "--netlist", target)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert says in done.err
