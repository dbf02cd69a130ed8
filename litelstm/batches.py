"""Results of many samples, computed batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.model import IntegerModel
from golden.network import Network
from golden.quantized import QuantizedNetwork

BATCH = 1000
"""Samples that a network takes at once."""


def results(
    network: Network | QuantizedNetwork,
    x: NDArray[Any],
    tell: Callable[[int], Any] = lambda done: None,
) -> NDArray[Any]:
    """Compute the results of sequences: real numbers, or of an integer network raw words.

    Args:
        network: float or quantized.
        x: real samples, shape (samples, steps, inputs).
        tell: called with the number of samples that are done.

    Returns:
        Shape (samples, words).
    """
    run: Callable[[NDArray[Any]], NDArray[Any]]
    if isinstance(network, QuantizedNetwork):
        model, words = IntegerModel(network), network.quantize_input
        run = lambda some: model.forward(words(some))  # noqa: E731
    else:
        run = network.forward
    parts: list[NDArray[Any]] = []
    for start in range(0, len(x), BATCH):
        parts.append(run(x[start : start + BATCH]))
        tell(start + len(parts[-1]))
    return np.concatenate(parts)
