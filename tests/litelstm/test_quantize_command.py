"""``litelstm quantize``: the report, and widths that a search found, on digits it never saw."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from golden.calibration import Calibration
from golden.changes import changes
from golden.cost import cost
from golden.emulation import Emulation
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize, quantize_within
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from golden.thresholds import Thresholds
from litelstm import digits
from litelstm.commands.demo import FLOAT
from tests.litelstm.conftest import Call, Files

CALIBRATION = 300
BOUND = 1.0


def test_the_report_is_complete(call: Call, files: Files, tmp_path: Path) -> None:
    output, report = tmp_path / "net.q.npz", tmp_path / "report.json"
    line = f"quantize {files.floats} --calibrate {files.samples} -o {output} --json {report}"
    done = call(*line.split())
    assert done.status == 0
    document = json.loads(report.read_text(), parse_constant=pytest.fail)
    network = QuantizedNetwork.load(output)
    found = cost(network)
    assert document["cost"] == asdict(found) | {
        "memory": found.memory,
        "lane": found.lane,
        "arithmetic": found.arithmetic,
    }
    names = [row["name"] for row in document["ranking"]]
    assert sorted(names) == sorted(Emulation(Network.load(files.floats), network).tensors)
    alone = [row["alone_db"] for row in document["ranking"]]
    known = [db for db in alone if db is not None]  # what loses nothing has no number
    assert known == sorted(known)
    assert alone[: len(known)] == known
    assert names[0] in done.out
    assert f"{found.memory} bits of memory" in done.out


def test_delta_reports_what_is_skipped(call: Call, files: Files, tmp_path: Path) -> None:
    output, report = tmp_path / "net.q.npz", tmp_path / "report.json"
    line = f"quantize {files.floats} --calibrate {files.samples} -o {output} --json {report}"
    done = call(*line.split(), "--delta", "x=3,h=9,layer0.h=40")
    assert done.status == 0
    network = QuantizedNetwork.load(output)
    assert network.thresholds == Thresholds(x=3, layers=({"h": 40, "c": 0}, {}))
    with np.load(files.samples) as data:
        x, y = data["x"], data["y"]
    found = changes(network, network.quantize_input(x))
    told = json.loads(report.read_text())["delta"]
    shares = {"x": found.x.mean(), "layer0.c": found.layers[0]["c"][:, :-1].sum() / (6 * 3 * 4)}
    skipped = {one["vector"]: one["skipped"] for one in told["vectors"]}
    assert {name: 1 - share for name, share in shares.items()} == pytest.approx(
        {name: skipped[name] for name in shares}
    )
    words = IntegerModel(network).forward(network.quantize_input(x))
    right = 100 * float(np.mean(words.argmax(axis=1) == y))
    assert told["percent"]["thresholds"] == pytest.approx(right)
    assert told["ideal_speedup"] == told["dense"] / told["kept"] > 1
    assert f"ideal speed-up {told['ideal_speedup']:.2f}" in done.out
    assert "layer0.h" in done.out


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ((), (0, 0, 0)),
        (("5",), (5, 5, 5)),
        (("h=2",), (0, 2, 0)),
        (("layer0.c=7,c=1,x=3",), (3, 0, 7)),
    ],
)
def test_thresholds_as_they_are_typed(
    call: Call, files: Files, tmp_path: Path, typed: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    output = tmp_path / "net.q.npz"
    line = f"quantize {files.floats} --calibrate {files.samples}"
    assert call(*line.split(), "--delta", *typed, "-o", output).status == 0
    x, h, c = expected
    want = Thresholds(x=x, layers=({"h": h, "c": c}, {}))
    assert QuantizedNetwork.load(output).thresholds == want


def test_auto(call: Call, files: Files, tmp_path: Path) -> None:
    output, report = tmp_path / "net.q.npz", tmp_path / "report.json"
    calibrate = f"--calibrate {files.samples} --auto --max-drop 100"
    line = f"quantize {files.floats} {calibrate} --logit-bits 13 -o {output} --json {report}"
    done = call(*line.split())
    assert done.status == 0
    with np.load(files.samples) as samples, threadpool_limits(1):
        floats = Network.load(files.floats)
        outcome, losses, promise = quantize_within(
            floats,
            samples["x"],
            labels=samples["y"],
            max_drop=100,
            settings=Settings(out_width=13),
        )
        # A search does not fit the biases.
        expected = Calibration(floats, samples["x"][::2]).quantize(outcome.best.settings)
    expected.save(tmp_path / "expected.npz")
    assert output.read_bytes() == (tmp_path / "expected.npz").read_bytes()
    document = json.loads(report.read_text(), parse_constant=pytest.fail)
    assert document["search"]["measure"] == "accuracy"
    assert document["search"]["tried"] == outcome.tried
    assert document["search"]["found"]["settings"] == asdict(outcome.best.settings)
    assert document["search"]["found"]["drop"] == outcome.best.drop
    assert [row["name"] for row in document["tensors"]] == [row.name for row in losses.tensors]
    held_out = document["search"]["held_out"]
    assert held_out == asdict(promise) | {"confidence": 0.95}
    assert (document["search"]["samples"], held_out["samples"]) == (3, 3)
    assert f"{outcome.tried} settings tried" in done.out
    assert f"3 others held out: {promise.differing} decided otherwise" in done.out


@pytest.mark.slow
def test_what_a_search_finds_holds_for_digits_that_it_did_not_see() -> None:
    """300 digits decide, half of them held out; 4,000 others judge. None was trained on."""
    samples, floats = digits.load(), Network.load(FLOAT)
    assert samples.y is not None
    x, y = samples.x[:CALIBRATION], samples.y[:CALIBRATION]
    others = slice(CALIBRATION, CALIBRATION + 4000)
    with threadpool_limits(1):
        outcome, _, promise = quantize_within(floats, x, labels=y, max_drop=BOUND)
        network = outcome.best.network
        words = IntegerModel(network).forward(network.quantize_input(samples.x[others]))
        before = floats.forward(samples.x[others]).argmax(axis=1)
    after = words.argmax(axis=1)
    y = samples.y[others]
    assert 100 * float(np.mean(before == y) - np.mean(after == y)) <= BOUND
    assert 100 * float(np.mean(before != after)) <= BOUND
    assert BOUND < promise.promised < 5  # 150 samples promise no more
    assert outcome.bound == BOUND  # the held-out digits confirm the first search
    assert outcome.best.relative < 1  # of W8 A8 C12


@pytest.mark.slow
def test_the_output_says_what_how_many_samples_promise(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = digits.load()
    assert samples.y is not None
    np.savez(tmp_path / "digits.npz", x=samples.x[:200], y=samples.y[:200])
    line = f"quantize {FLOAT} --calibrate {tmp_path / 'digits.npz'} --auto --max-drop 1"
    done = call(*line.split(), "-o", tmp_path / "net.q.npz")
    assert done.status == 0
    assert "100 samples decided: " in done.out
    assert re.search(r"100 others held out: [01] decided otherwise; accuracy ", done.out)
    assert "promise: of all such samples no more than " in done.out
    assert "1 % can be promised from 642 samples on" in done.out


def test_count_takes_samples_from_all_over_a_sorted_file(
    call: Call, files: Files, tmp_path: Path
) -> None:
    """Inputs of the last class are eight times as large: their format must reach that far."""
    with np.load(files.samples) as samples:
        x = samples["x"][np.arange(60) % 6]
    x[40:] *= 8
    np.savez(tmp_path / "sorted.npz", x=x)
    output = tmp_path / "net.q.npz"
    line = f"quantize {files.floats} --calibrate {tmp_path / 'sorted.npz'} --count 4 -o {output}"
    assert call(*line.split()).status == 0
    floats = Network.load(files.floats)
    expected, _ = quantize(floats, x[[0, 19, 39, 59]])
    expected.save(tmp_path / "expected.npz")
    assert output.read_bytes() == (tmp_path / "expected.npz").read_bytes()
    first, _ = quantize(floats, x[:4])
    assert QuantizedNetwork.load(output).x.frac < first.x.frac
