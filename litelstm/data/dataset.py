"""The data set that every loader returns, and the split of its samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError

Array = NDArray[Any]

CALIBRATION = 500
"""Most samples for choosing the formats of a quantized network."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled sequences.

    Attributes:
        x_train, x_test: inputs before ``input_scale``, (samples, steps, inputs), real numbers.
        y_train, y_test: class numbers, (samples,), int64.
        classes: names of the classes.
        input_scale: factor from inputs to the numbers that a network is trained on.
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    classes: tuple[str, ...]
    input_scale: float = 1.0

    @property
    def inputs(self) -> int:
        """Length of one step's input vector."""
        return self.x_train.shape[2]

    @property
    def steps(self) -> int:
        """Steps of every sequence."""
        return self.x_train.shape[1]

    @property
    def calibration(self) -> Array:
        """Training samples for choosing a quantizer's formats, spread over the whole set."""
        total = len(self.x_train)
        return self.x_train[spread(total, min(CALIBRATION, total))]


def spread(total: int, count: int) -> NDArray[np.int64]:
    """Choose ``count`` indices spread over ``total`` samples, which may be sorted by class."""
    return np.linspace(0, total - 1, count).astype(np.int64)


def hold_out(y: Array, share: float, seed: int) -> tuple[Array, Array]:
    """Split into indices of training and validation samples, with the same share of each class.

    Args:
        y: class numbers.
        share: share of the samples to hold out; at least one of each class that has two.
        seed: decides the split.
    """
    rng = np.random.default_rng(seed)
    held: list[Array] = []
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))
        count = max(1, round(share * len(members))) if len(members) > 1 else 0
        held.append(members[:count])
    validation = np.sort(np.concatenate(held))
    training = np.setdiff1d(np.arange(len(y)), validation)
    return rng.permutation(training), validation


def split_test(x: Array, y: Array, share: float = 0.2) -> dict[str, Array]:
    """Split samples without an own split into training and test arrays, always alike."""
    train, test = hold_out(y, share, seed=0)
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


def as_steps(features: Array, inputs: int) -> Array:
    """Reshape features (samples, n) to (samples, steps, inputs), with zeros at the end."""
    samples, count = features.shape
    steps = -(-count // inputs)
    padded = np.zeros((samples, steps * inputs), dtype=np.float32)
    padded[:, :count] = features
    return padded.reshape(samples, steps, inputs)


def in_unit_range(train: Array, test: Array) -> tuple[Array, Array]:
    """Scale columns so that the training samples fill [0, 1]; clip test samples to it."""
    low, high = train.min(axis=0), train.max(axis=0)
    span = np.where(high > low, high - low, 1)
    return (train - low) / span, np.clip((test - low) / span, 0, 1)


def require_file(path: Path) -> Path:
    """Refuse a path that is no file.

    Raises:
        InputError: the path does not exist, or is a folder.
    """
    if not path.is_file():
        what = "is a folder, expected a file" if path.is_dir() else "does not exist"
        raise InputError(f"{path}: {what}")
    return path
