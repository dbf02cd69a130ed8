"""The networks in models/: each runs on samples that the project makes or that a package ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from litelstm import metrics
from litelstm.tasks import TASKS
from tests.litelstm import commands

pytestmark = pytest.mark.slow

MODELS = Path(__file__).parents[1] / "models"


def shipped(task: str) -> Path:
    return MODELS / f"{task}_litelstm_w8a8.npz"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_small_network(name: str) -> None:
    task, path = TASKS[name], shipped(name)
    network = QuantizedNetwork.load(path)
    assert path.stat().st_size < 60_000
    assert (network.inputs, network.outputs) == (task.inputs, len(task.classes))
    assert network.input_scale == task.input_scale
    assert {layer.formats.weight_width for layer in network.layers} == {8}
    words = IntegerModel(network).forward(network.quantize_input(task.random(20, seed=0)))
    assert len(np.unique(words.argmax(axis=1))) > 1


def test_the_digits_of_scikit_learn() -> None:
    data = TASKS["digits"].load(None)
    network = QuantizedNetwork.load(shipped("digits"))
    assert metrics.of_integers(network, data.x_test, data.y_test).accuracy > 0.96


@pytest.mark.simulator
def test_a_shipped_network_in_rtl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "made.npz"
    commands.run(capsys, "samples", "--task", "iot", "--random", "3", "-o", str(made))
    printed = commands.run(
        capsys, "simulate", str(shipped("iot")), "--samples", str(made), "--sim", "icarus"
    )
    assert "icarus: 3 samples, 6 output words compared, 0 differ" in printed
