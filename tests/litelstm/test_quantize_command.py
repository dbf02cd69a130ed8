"""``litelstm quantize``: the report, and widths that a search found, on digits it never saw."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from golden.cost import cost
from golden.emulation import Emulation
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize, quantize_within
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
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


def test_auto(call: Call, files: Files, tmp_path: Path) -> None:
    output, report = tmp_path / "net.q.npz", tmp_path / "report.json"
    calibrate = f"--calibrate {files.samples} --auto --max-drop 20"
    line = f"quantize {files.floats} {calibrate} --logits 13 -o {output} --json {report}"
    done = call(*line.split())
    assert done.status == 0
    with np.load(files.samples) as samples, threadpool_limits(1):
        floats = Network.load(files.floats)
        outcome, losses = quantize_within(
            floats,
            samples["x"],
            labels=samples["y"],
            max_drop=20,
            settings=Settings(out_width=13),
        )
        expected, _ = quantize(floats, samples["x"], outcome.best.settings)
    expected.save(tmp_path / "expected.npz")
    assert output.read_bytes() == (tmp_path / "expected.npz").read_bytes()
    document = json.loads(report.read_text(), parse_constant=pytest.fail)
    assert document["search"]["measure"] == "accuracy"
    assert document["search"]["tried"] == outcome.tried
    assert document["search"]["found"]["settings"] == asdict(outcome.best.settings)
    assert document["search"]["found"]["drop"] == outcome.best.drop <= 20
    assert [row["name"] for row in document["tensors"]] == [row.name for row in losses.tensors]
    assert f"{outcome.tried} settings tried" in done.out


def test_what_a_search_finds_holds_for_digits_that_it_did_not_see() -> None:
    """300 digits decide, 2,000 others judge; none of them was trained on."""
    samples, floats = digits.load(), Network.load(FLOAT)
    assert samples.y is not None
    x, y = samples.x[:CALIBRATION], samples.y[:CALIBRATION]
    others = slice(CALIBRATION, CALIBRATION + 2000)
    with threadpool_limits(1):
        outcome, _ = quantize_within(floats, x, labels=y, max_drop=BOUND)
        network = outcome.best.network
        words = IntegerModel(network).forward(network.quantize_input(samples.x[others]))
        before = floats.forward(samples.x[others]).argmax(axis=1) == samples.y[others]
    after = words.argmax(axis=1) == samples.y[others]
    drop = 100 * float(before.mean() - after.mean())
    error = 100 * math.sqrt(float(np.mean(before != after)) / len(before))
    assert outcome.best.relative < 0.6  # of W8 A8 C12
    assert outcome.best.settings.weight_width <= 6
    assert drop + error <= BOUND
    assert 0 < error < 0.3


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
