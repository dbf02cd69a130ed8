"""Mapped netlists, as they are routed, against the golden model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from golden.cells import RNN
from litelstm.fpga.flow import Flow, Synthesized
from sim.draw.sharing import symmetric
from tests.litelstm.conftest import SAMPLES, Call, Files
from tests.networks import Recipe, input_words, quantized_network

pytestmark = pytest.mark.fpga


@pytest.mark.parametrize("target", ["ecp5-25f", "ice40-up5k"])
def test_a_netlist_computes_the_same(files: Files, call: Call, tmp_path: Path, target: str) -> None:
    report = tmp_path / "report.json"
    command = ["simulate", files.network, "--samples", files.samples, "--lanes", 2, "--sim"]
    done = call(*command, "icarus", "--netlist", target, "--json", report)
    assert done.status == 0, done.err
    assert f"icarus, netlist for {target}: {SAMPLES} samples" in done.out
    found = json.loads(report.read_text())
    assert (found["compared"], found["mismatched"]) == (2 * SAMPLES, 0)
    assert found["wrong_cycle"] == ""


@pytest.mark.parametrize(
    ("target", "weight_width"),
    [("ice40-up5k", 8), ("ecp5-25f", 4), ("ecp5-25f", 6), ("ecp5-25f", 8)],
)
def test_a_netlist_with_shared_multipliers_computes_the_same(
    call: Call, tmp_path: Path, target: str, weight_width: int
) -> None:
    """On the iCE40 by the multiplier's own mode, in place of the Verilog's description."""
    recipe = Recipe(inputs=3, units=(3,), outputs=2, cells=(RNN(),), weight_width=weight_width)
    network, data, report = (tmp_path / name for name in ("net.npz", "x.npz", "report.json"))
    quantized = symmetric(quantized_network(recipe, 1))
    quantized.save(network)
    x = quantized.x.to_float(input_words(quantized, batch=4, steps=3, seed=1))
    np.savez(data, x=x / quantized.input_scale)
    command = ["simulate", network, "--samples", data, "--lanes", 3, "--sim", "icarus"]
    done = call(*command, "--netlist", target, "--pack", 2, "--json", report)
    assert done.status == 0, done.err
    found = json.loads(report.read_text())
    assert (found["compared"], found["mismatched"], found["wrong_cycle"]) == (8, 0, "")


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
    command = ["simulate", files.network, "--samples", files.samples, "--lanes", 2]
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
