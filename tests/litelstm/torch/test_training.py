"""Training: it learns, stops, and goes on from a checkpoint as if it had never been interrupted."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golden.errors import InputError
from litelstm.architectures import Architecture
from litelstm.data.dataset import Array, hold_out
from litelstm.torch import Classifier
from litelstm.torch.augment import AUGMENTATIONS
from litelstm.torch.training import Recipe, Trainer, predict, seed

pytestmark = pytest.mark.frameworks

SHAPE = Architecture(cell="litelstm", inputs=4, units=6, head=3)


def easy(samples: int = 120) -> tuple[Array, Array]:
    """Three classes, each with a larger input of its own."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=samples)
    x = rng.normal(scale=0.3, size=(samples, 5, 4))
    x[np.arange(samples), :, y] += 1
    return x.astype(np.float32), y


def trainer(**changes: Any) -> Trainer:
    recipe = Recipe(**{"epochs": 6, "batch": 20, "lr": 2e-2, "patience": 6} | changes)
    seed(recipe.seed)
    model = Classifier.of(SHAPE, dropout=0.2)
    return Trainer(model, *easy(), recipe, {"network": "tiny"})


def weights(run: Trainer) -> list[Array]:
    return [p.detach().numpy().copy() for p in run.model.parameters()]


def same(one: Trainer, other: Trainer) -> bool:
    return all(map(np.array_equal, weights(one), weights(other)))


def test_it_learns() -> None:
    run = trainer()
    epochs = list(run.run())
    assert epochs[-1].number == 6
    assert epochs[-1].loss < epochs[0].loss / 2
    assert run.best > 0.9
    assert run.seconds > 0


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other, another = trainer(), trainer(), trainer(seed=2)
    for run in (one, other, another):
        list(run.run())
    assert same(one, other)
    assert not same(one, another)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_an_interrupt_changes_nothing(augment: str, tmp_path: Path) -> None:
    checkpoint = tmp_path / "net.npz.checkpoint"
    whole = trainer(augment=augment)
    list(whole.run())
    first = trainer(augment=augment)
    for epoch in first.run(checkpoint):
        if epoch.number == 3:
            break
    torch.rand(17)  # whatever happens in between
    second = trainer(augment=augment)
    second.load(checkpoint)
    assert second.epoch == 3
    list(second.run(checkpoint))
    assert second.epoch == 6
    assert same(whole, second)


def test_it_stops_early_and_keeps_the_best_epoch() -> None:
    run = trainer(epochs=50, patience=2, lr=3.0)  # far too high: it gets worse
    epochs = list(run.run())
    assert len(epochs) < 50
    assert run.best == max(epoch.score for epoch in epochs)
    x, y = easy()
    _, held = hold_out(y, run.recipe.validation, run.recipe.seed)
    hits = predict(run.model, torch.from_numpy(x[held])).argmax(1).numpy() == y[held]
    assert hits.mean() == pytest.approx(run.best)


def test_weights_stay_within_their_limit() -> None:
    run = trainer(epochs=3, lr=0.5, weight_limit=0.25)
    list(run.run())
    assert max(np.abs(w).max() for w in weights(run)) == 0.25


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "c"
    next(iter(trainer().run(checkpoint)))
    with pytest.raises(InputError, match=r"c: lr is 0.02, expected 0.01; --restart"):
        trainer(lr=0.01).load(checkpoint)
    model = Classifier.of(Architecture(cell="lstm", inputs=4, units=6, head=3))
    other = Trainer(model, *easy(), trainer().recipe, {"network": "other"})
    with pytest.raises(InputError, match="network is tiny, expected other"):
        other.load(checkpoint)
    x, y = easy()
    other = Trainer(Classifier.of(SHAPE), x + 1, y, trainer().recipe, {"network": "tiny"})
    with pytest.raises(InputError, match="samples is"):
        other.load(checkpoint)
    whole = checkpoint.read_bytes()
    for content in (b"", b"text", whole[:100], whole[: len(whole) // 2], pickle.dumps(print, 2)):
        checkpoint.write_bytes(content)
        with pytest.raises(InputError, match="is no checkpoint of this network") as caught:
            trainer().load(checkpoint)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0, expected more than 0"),
        ({"lr": -1.0}, "lr is -1.0, expected more than 0"),
        ({"batch": 0}, "batch is 0, expected more than 0"),
        ({"batch": 500}, "batch is 500, expected at most 108"),
        ({"validation": 1.0}, "validation is 1.0, expected more than 0, less than 1"),
        ({"augment": "x"}, "augment is 'x', expected one of none, images, spectra, features"),
    ],
)
def test_wrong_recipes(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trainer(**changes)


def test_every_class_is_held_out_in_proportion() -> None:
    y = np.repeat([0, 1, 2, 3], [100, 50, 2, 1])
    train, validation = hold_out(y, 0.1, seed=0)
    assert np.bincount(y[validation], minlength=4).tolist() == [10, 5, 1, 0]
    assert sorted([*train, *validation]) == list(range(len(y)))
    assert not np.array_equal(validation, hold_out(y, 0.1, seed=1)[1])


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_augmentations_keep_the_shape(augment: str) -> None:
    x = torch.rand(5, 12, 12)
    torch.manual_seed(1)
    changed = AUGMENTATIONS[augment](x)
    assert changed.shape == x.shape
    assert torch.isfinite(changed).all()
    assert torch.equal(changed, x) == (augment == "none")
