"""bench.paper_setup: the network that the paper's parameter counts fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import paper_setup
from bench.paper_figures import CELLS, TABLES
from golden.errors import InputError
from litelstm.data.dataset import Dataset
from litelstm.torch.training import Trainer

pytestmark = pytest.mark.frameworks


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A file like MNIST with few pictures, whose class is how bright their upper half is."""
    rng = np.random.default_rng(0)
    parts = {}
    for part, count in (("train", 400), ("test", 100)):
        y = np.arange(count) % 10
        x = rng.integers(0, 30, (count, 28, 28))
        x[:, :14] += 20 * y[:, None, None]
        parts |= {f"x_{part}": x.astype(np.uint8), f"y_{part}": y}
    np.savez(tmp_path / "mnist.npz", **parts)
    return tmp_path / "mnist.npz"


def parameters(cell: str, steps: int) -> int:
    return sum(value.numel() for value in paper_setup.AllSteps(cell, steps).parameters())


def test_its_parameters_are_the_papers() -> None:
    """With 782 steps; the paper's pLSTM has a full matrix on c, its LiteLSTM 200 numbers more."""
    paper = {cell: figures.parameters for cell, figures in TABLES["mnist"].cells.items()}
    ours = {cell: parameters(cell, 782) for cell in CELLS}
    assert {cell for cell in CELLS if ours[cell] != paper[cell]} == {"plstm", "litelstm"}
    assert ours["plstm"] == 833_010 - 10_200 + 3 * 100
    assert ours["litelstm"] == 812_610 - 200


def test_pictures_become_short_sequences_of_averages(mnist: Path) -> None:
    data = paper_setup.load(mnist, 200)
    assert data.x_train.shape == (200, 49, 1)
    assert data.x_test.shape == (100, 49, 1)
    with np.load(mnist) as arrays:
        image = arrays["x_test"][3]
    assert data.x_test[3, 7 * 2 + 5, 0] == pytest.approx(image[8:12, 20:24].mean() / 255)


def test_the_head_reads_every_step() -> None:
    model = paper_setup.AllSteps("litelstm", 5)
    samples = torch.rand(2, 5, 1)
    logits, (trace,) = model.run(samples)
    h = torch.cat(trace["h"], dim=1)
    assert torch.allclose(logits, h @ model.head.weight.T + model.head.bias, atol=1e-6)


def test_training_goes_on_and_ends(
    mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_setup, "RECIPE", replace(paper_setup.RECIPE, epochs=2))
    data = paper_setup.load(mnist, 400)
    first = paper_setup.train("rnn", data, tmp_path)
    monkeypatch.setattr(Trainer, "_run_epoch", pytest.fail)
    second = paper_setup.train("rnn", data, tmp_path)
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name
    monkeypatch.undo()
    assert len(list(tmp_path.glob("*.checkpoint"))) == 1


def test_what_is_printed(mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_setup, "RECIPE", replace(paper_setup.RECIPE, epochs=1))
    command = ["paper_setup", "--data", str(mnist), "--samples", "300", "--repetitions", "1"]
    monkeypatch.setattr("sys.argv", [*command, "--keep", str(tmp_path / "keep")])
    with paper_setup.out.capture() as capture:
        paper_setup.main()
    printed = capture.get()
    (lstm,) = (line for line in printed.splitlines() if line.startswith("| lstm"))
    cells = [value.strip() for value in lstm.strip("|").split("|")]
    assert cells[:5] == ["lstm", "89,810", "822,810", "1.00", "1.00"]
    assert cells[6] == "95.70%"
    assert "SHORTENED: 49 steps instead of 784, 300 training samples" in printed
    assert "0.71, 0.69, 0.58, 0.58 in the paper's Tables 2 to 5" in printed


def test_bad_input(mnist: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="samples is 401, expected 1 to 400"):
        paper_setup.load(mnist, 401)
    data: Dataset = paper_setup.load(mnist, 100)
    with pytest.raises(InputError, match="batch is 128, expected at most 90"):
        paper_setup.train("rnn", data, tmp_path)
