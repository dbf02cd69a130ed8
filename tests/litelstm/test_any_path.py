"""Every path that a command writes may have any name: spaces, quotes, no ASCII."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from golden.link.board import BoardModel
from golden.quantized import QuantizedNetwork
from litelstm.fpga import comparison
from sim.cocotb_bench.runner import SIMULATORS
from tests.litelstm.boards import terminal
from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.simulator

ODD = "ä 'b' \"c\" $d %s #e [f]"
PROGRAM = """\
import sys
import litelstm
import numpy as np

core = litelstm.open(sys.argv[1])
print(core.run(np.zeros((2, 3))).shape)
"""


def check(call: Call, *arguments: object) -> str:
    done = call(*arguments)
    assert done.status == 0, done.err
    return done.out


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_simulate(simulator: str, files: Files, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    bench = ("--lanes", 4, "--count", 2, "--samples", files.samples, "--sim", simulator)
    written = ("--waves", folder / f"{ODD}.fst", "--json", folder / f"{ODD}.json")
    check(call, "simulate", files.network, *bench, *written, "--logs", folder / "logs")
    assert names(folder) == {f"{ODD}.fst", f"{ODD}.json", "logs"}
    assert names(folder / "logs") == {f"{simulator}0.log", f"{simulator}0.xml"}


def test_run(files: Files, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / ODD
    core = folder / ODD / "litelstm_core.json"
    options = ("--lanes", 4, "--axi", "--memory-files")
    check(call, "generate", files.network, *options, "-o", core.parent)
    program = folder / f"{ODD}.py"
    program.write_text(PROGRAM)
    how = ("--core", core, "--sim", "icarus", "--logs", folder / "run")
    assert check(call, "run", program, *how, core) == "(2,)\n"
    assert names(folder / "run") == {"log.txt", "output.txt", "results.xml"}


def test_quantize_generate_and_pack(files: Files, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    network, report, image = (folder / f"{ODD}{end}" for end in (".q.npz", ".json", ".bin"))
    options = ("--calibrate", files.samples, "-o", network, "--json", report)
    check(call, "quantize", files.floats, *options)
    core = folder / ODD
    check(call, "generate", network, "--lanes", 4, "--storage", "ram", "-o", core)
    check(call, "pack", network, "--for", core / "litelstm_core.json", "-o", image)
    assert names(folder) == {network.name, report.name, image.name, ODD}


def test_host(files: Files, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    network, samples, report = (folder / f"{ODD}{end}" for end in (".q.npz", ".npz", ".json"))
    shutil.copy(files.network, network)
    shutil.copy(files.samples, samples)
    with terminal(BoardModel(QuantizedNetwork.load(network))) as port:
        (device := folder / "tty").symlink_to(port)
        check(call, "host", network, "--port", device, "--samples", samples, "--json", report)
    assert names(folder) == {network.name, samples.name, report.name, device.name}


def test_chart(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    ones = dict.fromkeys(comparison.QUANTITIES, 1.0)
    cells = [comparison.Gates(cell=cell, values=ones, ratios=ones) for cell in comparison.PAPER]
    monkeypatch.setattr(comparison, "compare", lambda *_, **__: cells)
    folder = tmp_path / ODD
    folder.mkdir()
    chart, report = (folder / f"{ODD}{end}" for end in (".png", ".json"))
    written = ("--chart", chart, "--json", report)
    assert str(chart) in check(call, "compare", "--target", "ecp5-25f", *written)
    assert names(folder) == {chart.name, report.name}
