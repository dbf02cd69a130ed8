"""Sample files: ``.npz`` with inputs and, if known, labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.model import IntegerModel
from golden.network import Network
from golden.quantized import Integers, QuantizedNetwork
from golden.store import load_arrays
from hdl.plan import Plan
from litelstm.data.arrays import checked
from litelstm.data.dataset import spread
from litelstm.importers.reading import of_file


@dataclass(frozen=True)
class Samples:
    """Sequences with optional labels.

    Attributes:
        x: inputs before ``input_scale``, (samples, steps, inputs), float64.
        y: labels (samples,), or ``None``.
    """

    x: NDArray[np.float64]
    y: NDArray[Any] | None


def load(
    path: Path,
    *,
    network: Network | QuantizedNetwork,
    count: int | None,
    split: str = "test",
    from_all_over: bool = False,
) -> Samples:
    """Read samples for a network.

    Args:
        path: a file with ``x`` and perhaps ``y``, or with ``x_train`` and ``x_test``, ...
        network: the network; its ``feed`` makes steps of the samples.
        count: number of samples; ``None`` for all.
        split: the part to read, if the file has two.
        from_all_over: whether to spread them evenly over the file, which may be sorted by class;
            otherwise take the first ones.

    Raises:
        InputError: the file is not as expected, or has fewer samples than ``count``.
    """
    arrays = load_arrays(path)
    suffix = "" if "x" in arrays else f"_{split}"
    if f"x{suffix}" not in arrays:
        raise InputError(f"{path}: has {', '.join(arrays) or 'no arrays'}, expected x or x_{split}")
    y = arrays.get(f"y{suffix}")
    x = checked(path, suffix, arrays[f"x{suffix}"], y, inputs=network.inputs // network.fold)
    if count is not None:
        if not 1 <= count <= len(x):
            raise InputError(f"count is {count}, expected 1 to {len(x)} (the samples of {path})")
        chosen = spread(len(x), count) if from_all_over else slice(count)
        x, y = x[chosen], None if y is None else y[chosen]
    with of_file(path):
        x = network.feed(x)
        network.check_steps(x.shape[1])
    return Samples(x, y)


def accuracies(
    results: Mapping[str, NDArray[Any]], labels: NDArray[Any] | None, *, classes: bool
) -> dict[str, float] | None:
    """Compute the share of the samples with the right class, for each source of results.

    Args:
        results: words (samples, words of a result) by name of their source.
        labels: labels of the samples.
        classes: whether a result is a class instead of logits.

    Returns:
        Shares by name; ``None`` without labels, or if results contain no class.
    """
    if labels is None:
        return None
    if not classes and any(words.shape[1] == 1 for words in results.values()):
        return None
    return {
        name: float(np.mean((words[:, 0] if classes else words.argmax(axis=1)) == labels))
        for name, words in results.items()
    }


def expected(plan: Plan, x: Integers) -> Integers:
    """Compute the golden model's words for a core, of its last or every step."""
    model, interface = IntegerModel(plan.network), plan.options.interface
    forward = model.forward_steps if interface.every_step else model.forward
    return interface.answer(forward(x))
