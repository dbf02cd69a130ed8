"""`litelstm demo`, with as few digits as show that all of it works."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from golden.quantized import QuantizedNetwork
from hdl import cycles, verilog
from litelstm.commands.demo import LANES, QUANTIZED
from litelstm.digits import COUNT, load
from tests.litelstm.conftest import Call

pytestmark = [
    pytest.mark.simulator,
    pytest.mark.skipif(not QUANTIZED.exists(), reason="the shipped network is missing"),
]

COUNTS = {"icarus": 1, "verilator": 2, "compiled": 12}


def test_demo(call: Call, tmp_path: Path) -> None:
    from matplotlib import image  # slow to import, and only needed here

    options = [text for name, count in COUNTS.items() for text in (f"--{name}", count)]
    done = call("demo", "-o", tmp_path / "run", *options)
    assert done.status == 0, done
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    outputs = 10
    assert report["compared"] == {name: count * outputs for name, count in COUNTS.items()}
    assert report["mismatched"] == dict.fromkeys(COUNTS, 0)
    assert report["digits"] == COUNTS["compiled"]
    accuracy = report["accuracy"]
    assert accuracy.keys() == {"float", "golden", "rtl"}
    assert accuracy["rtl"] == accuracy["golden"] >= 0.9
    step = report["cycles_per_step"]
    assert step["ideal"] < step["measured"] <= 1.01 * step["ideal"]

    network = QuantizedNetwork.load(QUANTIZED)
    core = verilog.generate(network, lanes=LANES)
    ends = cycles.count(core.plan, [28] * COUNTS["compiled"]).outputs[outputs - 1 :: outputs]
    assert step["measured"] == (ends[-1] - ends[0]) / (28 * (COUNTS["compiled"] - 1))

    files = {path.name: path for path in (tmp_path / "run").iterdir()}
    assert files.keys() >= {"litelstm_core.v", "litelstm_core.json", "hidden_state.png"}
    assert files["litelstm_core.v"].read_text() == core.verilog
    assert json.loads(files["litelstm_core.json"].read_text()) == core.description
    picture = files["hidden_state.png"].read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    pixels = image.imread(io.BytesIO(picture), format="png")
    assert pixels.shape[0] > 400
    assert pixels.shape[1] > 800
    assert pixels.std() > 0.05
    html = files["report.html"].read_text()
    assert "120 words compared, 0 different; every word in the counted cycle" in html
    made = (
        "litelstm_core.v",
        "litelstm_core.json",
        "hidden_state.png",
        "report.json",
        "report.html",
    )
    for name in made:
        assert str(files[name]) in done.out


def test_digits_are_as_many_as_the_command_says() -> None:
    digits = load()
    assert digits.x.shape == (COUNT, 28, 28)
    assert digits.y is not None
    assert set(digits.y.tolist()) == set(range(10))
    # In mixed order: a few of them are a fair sample.
    assert len(set(digits.y[:50].tolist())) == 10
