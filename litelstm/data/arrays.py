"""The project's own ``.npz`` files of samples: x_train, y_train, x_test, y_test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from golden import files
from golden.checks import check_samples
from golden.errors import InputError
from golden.store import load_arrays
from litelstm.data.dataset import Array, Dataset


def load(path: Path, classes: tuple[str, ...], *, input_scale: float = 1.0) -> Dataset:
    """Read arrays.

    Args:
        path: the file.
        classes: names of the classes; labels are their numbers.
        input_scale: input scale of the dataset.

    Raises:
        InputError: an array is missing or not as expected.
    """
    data = load_arrays(path)
    arrays = {}
    for part in ("train", "test"):
        x, y = data.get(f"x_{part}"), data.get(f"y_{part}")
        if x is None or y is None:
            raise InputError(
                f"{path}: has {', '.join(sorted(data)) or 'no arrays'}, expected x_{part}, y_{part}"
            )
        checked(path, f"_{part}", x, y, inputs=x.shape[-1] if x.ndim else 0)
        if y.min() < 0 or y.max() >= len(classes):
            raise InputError(
                f"{path}: y_{part} is {y.min()} to {y.max()}, expected 0 to {len(classes) - 1} "
                f"({', '.join(classes)})"
            )
        arrays |= {f"x_{part}": x, f"y_{part}": y.astype(np.int64)}
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise InputError(
            f"{path}: x_train is of shape {arrays['x_train'].shape}, x_test of "
            f"{arrays['x_test'].shape}, expected samples of one shape"
        )
    return Dataset(**arrays, classes=classes, input_scale=input_scale)


def checked(path: Path, suffix: str, x: Array, y: Array | None, *, inputs: int) -> Array:
    """Check samples and their labels, if any; return the samples as float64.

    Args:
        path, suffix: the file and the end of the arrays' names, for messages.
        x, y: samples (samples, steps, inputs), and labels.
        inputs: expected length of the input vector.

    Raises:
        InputError: an array is not as expected.
    """
    try:
        samples = check_samples(x, inputs)
    except InputError as error:
        raise InputError(f"{path}: x{suffix}: {error}") from None
    if y is not None and (y.shape != x.shape[:1] or y.dtype.kind not in "iu"):
        raise InputError(
            f"{path}: y{suffix} is {y.dtype} of shape {y.shape}, expected integers ({len(x)},)"
        )
    return samples


def save(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays to a sample file, complete or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    files.replace(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))
