"""``litelstm explore`` from a network to a page, with stubs of what is measured elsewhere."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from litelstm.explore import finalists, source
from litelstm.explore.evaluate import Request
from litelstm.explore.finalists import Measured
from tests.litelstm.conftest import Call, Files
from tests.litelstm.test_report import shown

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_rounds")]


def stub(request: Request) -> Measured:
    """Give a core that is the better and larger the more bits its weights have."""
    bits = request.choice.weight_width
    if bits == 10:
        return Measured(values={}, used={}, mhz=None, range_nj=(0, 0), problem="too large")
    values = {"accuracy": bits / 10, "rate": 5e3, "luts": 10 * bits, "multipliers": 2, "rams": 3}
    return Measured(
        values={**values, "nj": 1.5}, used={"LUT": 10 * bits}, mhz=50.0, range_nj=(0.5, 4.5)
    )


def test_the_front_in_all_forms(
    call: Call, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finalists, "measure", stub)
    monkeypatch.chdir(tmp_path)
    quantized = []
    quantize = source.quantize

    def counted(*given: Any) -> Any:
        quantized.append(given)
        return quantize(*given)

    monkeypatch.setattr(source, "quantize", counted)
    line = (
        *("explore", "--net", files.floats, "--samples", files.samples, "--target", "ecp5-25f"),
        *("--max-drop", 100, "--trials", 4, "--finalists", 2, "-o", "study"),
    )
    done = call(*line)
    assert done.status == 0, done
    widths = {str(settings) for _, _, settings in quantized}
    assert len(quantized) == len(widths) == len(list(Path("study/networks").glob("w*.q.npz")))
    report = json.loads(Path("study/front.json").read_text())
    measured = [row for row in report["front"] if row["measured"]]
    assert measured
    assert all(row["mhz"] == 50 for row in measured)
    accuracies = [row["values"]["accuracy"] for row in measured]
    assert accuracies == sorted(accuracies, reverse=True)
    with Path("study/front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == [row["number"] for row in report["front"]]
    assert measured[0]["command"] in done.out

    made = call(*measured[0]["command"].split()[1:])
    assert made.status == 0, made
    assert list(Path(f"study/point{measured[0]['number']}").glob("*.v"))

    for dark in (False, True):
        text, messages = shown(Path("study/front.html").absolute(), dark=dark)
        assert messages == []
        plots = re.findall(r'<div id="plot-([a-z-]+)"[^>]*js-plotly-plot', text)
        assert plots == ["luts-accuracy", "luts-rate", "nj-accuracy"]

    monkeypatch.setattr(finalists, "measure", None)  # nothing is measured twice
    monkeypatch.setattr(source, "quantize", None)  # nor quantized
    again = call(*line)
    assert again.status == 0, again
    assert "goes on after 4 points" in again.err
    assert json.loads(Path("study/front.json").read_text()) == report


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--target ecp5-25f", "one of --train and --net is needed"),
        ("--target ecp5-25f --train digits --net NET", "one of --train and --net is needed"),
        ("--target ecp5-25f --net NET", "--net needs --samples"),
        ("--target ecp5-25f --net NET --epochs 3", "--epochs needs --train"),
        ("--target ecp5-25f --train digits --samples SAMPLES", "--samples needs --net"),
        ("--target xilinx-a35t --train digits", "expected a part of ECP5 or iCE40"),
    ],
)
def test_bad_input_is_one_line(
    call: Call, files: Files, tmp_path: Path, line: str, said: str
) -> None:
    words = {"NET": str(files.floats), "SAMPLES": str(files.samples)}
    done = call("explore", *(words.get(w, w) for w in line.split()), "-o", tmp_path / "study")
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1
