"""bench.networks: small published networks from import to RTL, and files that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.networks import main
from bench.published import PUBLISHED

pytestmark = pytest.mark.frameworks


def test_two_small_ones(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run = CliRunner().invoke(main, ["top-lstm", "rnnoise", "--json", str(report), "--markdown"])
    assert run.exit_code == 0, run.output
    assert "| hls4ml top tagging, LSTM (`top-lstm`)" in run.output
    tagger, denoiser = json.loads(report.read_text())["networks"]
    assert (tagger["words_compared"], tagger["words_different"], tagger["wrong"]) == (8, 0, "")
    assert (tagger["cycles"], tagger["ideal"]) == (416, 416)
    steps, words = PUBLISHED["rnnoise"].samples, 22 + 1
    assert (denoiser["words_compared"], denoiser["wrong"]) == (8 * steps * words, "")
    assert denoiser["interface"]["every_step"]
    assert max(one["difference"] for one in (tagger, denoiser)) < 1e-5


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["dtln", "--dir", str(tmp_path)])
    assert run.exit_code == 1
    assert "dtln_1.onnx: not in --dir" in run.output
