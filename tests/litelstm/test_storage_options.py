"""``--storage`` and ``--sums`` of the commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from golden.quantized import QuantizedNetwork
from hdl.layout.weight_image import image, length
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.timing.latency import ACTIVATE
from tests.litelstm.conftest import SAMPLES, Call, Files

pytestmark = pytest.mark.simulator

LOADED = ("--lanes", 3, "--storage", "ram", "--sums", "block")


def test_generate_writes_what_the_stream_takes(call: Call, files: Files, tmp_path: Path) -> None:
    done = call("generate", files.network, *LOADED, "-o", tmp_path, "--name", "n")
    assert done.status == 0
    network = QuantizedNetwork.load(files.network)
    words = image(
        Plan(network=network, options=CoreOptions(lanes=3, storage=Storage(weights="ram")))
    )
    written = tmp_path / "n.weights.bin"
    assert np.array_equal(np.frombuffer(written.read_bytes(), "<u4"), words)
    assert f"{written}: {len(words)} words for i_weights" in done.out
    told = json.loads((tmp_path / "n.json").read_text())
    assert told["storage"] == {"weights": "ram", "sums": "block"}
    stream = told["weight_stream"]
    assert (stream["width"], stream["words"]) == (32, len(words))
    assert stream["core_id"] == words[2]
    ports = {port["name"]: (port["direction"], port["width"]) for port in told["ports"]}
    assert ports["i_weights_data"] == ("input", 32)
    assert ports["i_weights_last"] == ("input", 1)
    assert ports["i_weights_valid"] == ("input", 1)
    assert ports["i_weights_ready"] == ("output", 1)


def test_weights_are_in_the_verilog_by_default(call: Call, files: Files, tmp_path: Path) -> None:
    assert call("generate", files.network, "--lanes", 3, "-o", tmp_path).status == 0
    told = json.loads((tmp_path / "litelstm_core.json").read_text())
    assert told["storage"] == {"weights": "rom", "sums": "lanes"}
    assert told["weight_stream"] is None
    assert not [port for port in told["ports"] if "weights" in port["name"]]


def test_cycles_of_the_load(call: Call, files: Files) -> None:
    line = ("cycles", files.network, "--lanes", 3, "--json", "-")
    plain = json.loads(call(*line).out)
    loaded = json.loads(call(*line, "--storage", "ram").out)
    network = QuantizedNetwork.load(files.network)
    words = length(
        Plan(network=network, options=CoreOptions(lanes=3, storage=Storage(weights="ram")))
    )
    assert (plain["load"], loaded["load"]) == (0, words - 1 + ACTIVATE)
    assert {**loaded, "load": 0} == plain
    text = call(*line[:-2], "--storage", "ram").out
    assert f"the weights take {words + 3} cycles to load" in text


@pytest.mark.parametrize("bench", [("--batch",), ("--sim", "icarus")], ids=str)
def test_simulate(bench: tuple[str], call: Call, files: Files) -> None:
    done = call("simulate", files.network, "--samples", files.samples, *bench, *LOADED)
    assert done.status == 0, done.out
    assert f"{SAMPLES} samples, {SAMPLES * 2} output words compared, 0 differ" in done.out


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [("--storage", "flash", "'rom', 'ram', 'double'"), ("--sums", "x", "'lanes', 'block'")],
)
def test_unknown_words(
    option: str, value: str, expected: str, call: Call, files: Files, tmp_path: Path
) -> None:
    for command in (
        ("generate", files.network, "-o", tmp_path / "made"),
        ("simulate", files.network, "--samples", files.samples),
        ("synth", files.network, "--target", "ice40-up5k"),
    ):
        done = call(*command, option, value)
        says = f"litelstm: Invalid value for '{option}': {value!r} is not one of {expected}.\n"
        assert (done.status, done.err) == (2, says)
    assert not (tmp_path / "made").exists()
