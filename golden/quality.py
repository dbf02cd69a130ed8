"""How much worse a quantized network does its task than the float network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import Floats
from golden.errors import InputError

ACCURACY = "accuracy"
AGREEMENT = "agreement"
NOISE = "noise"

CONFIDENCE = 0.95
"""How sure a bound is that is told, one-sided."""

_SIGMAS = 1.645
"""The same in standard deviations of a normal distribution."""

_NEAR = 10
"""One in so many samples counts as near a decision's border; and no fewer than so many."""


class Judge:
    """Judges the outputs of quantized networks by those of the float one.

    A network with labels, or with a dense head of two logits or more, is a classifier: it is judged
    by how many of the float network's decisions are kept. That needs no labels, bounds what
    accuracy can fall by, and varies less than accuracy. Otherwise it is judged by the power of the
    error in percent of the output's: noise, of which 0.1 is an SQNR of 30 dB.

    Args:
        output: the float network's output of the samples, (batch, outputs).
        labels: the right classes (batch,), if they are known.
        head: whether the output comes from a dense head.

    Attributes:
        measure: ``accuracy`` with labels, else ``agreement`` or ``noise``.
        level: what the float network reaches, in percent.

    Raises:
        InputError: a label is not one of the network's classes.
    """

    def __init__(self, output: Floats, labels: NDArray[Any] | None, *, head: bool) -> None:
        self._output = output
        classes = output.shape[1]
        self._right: NDArray[Any] | None = None
        self.measure = NOISE
        if labels is not None:
            if labels.min() < 0 or labels.max() >= classes:
                raise InputError(
                    f"labels are {labels.min()} to {labels.max()}, expected 0 to {classes - 1} "
                    "(the network's outputs)"
                )
            self.measure, self._right = ACCURACY, labels
        elif head and classes > 1:
            self.measure, self._right = AGREEMENT, output.argmax(axis=1)
        self.level = 100.0 if self._right is None else 100 * float(np.mean(self._hits(output)))

    def drop(self, output: Floats) -> float:
        """What is lost against the float network, in percentage points (of noise: its percent)."""
        if self._right is None:
            return float(np.mean(self._noise(output)))
        return self.level - 100 * float(np.mean(self._hits(output)))

    def differing(self, output: Floats) -> int:
        """Samples that are decided otherwise than by the float network; of noise 0."""
        if self._right is None:
            return 0
        return int((output.argmax(axis=1) != self._output.argmax(axis=1)).sum())

    def lost(self, output: Floats) -> float:
        """Decisions other than the float network's, in percent: the drop is never more."""
        if self._right is None:
            return self.drop(output)
        return 100 * self.differing(output) / len(output)

    def doubt(self, output: Floats) -> float:
        """What :meth:`lost` is expected to be on other samples, in percent, at worst.

        A sample is decided otherwise if the error of its margin, the largest logit less the next
        one, exceeds the margin. Where margins near 0 are evenly spread, that happens with a
        probability of their density times the mean of the errors that make margins smaller. The
        samples nearest to a border give the density, and all of the nearer half the errors, so that
        some hundred samples tell of shares that are too small to count. The density is the float
        network's alone: no search can pick a setting for which it happens to be low. At worst means
        the end of its interval of ``CONFIDENCE``; of noise, that of its mean.
        """
        count = len(output)
        if self._right is None:
            noise = self._noise(output)
            return float(np.mean(noise) + _SIGMAS * np.std(noise) / np.sqrt(count))
        if output.shape[1] == 1:
            return 0.0
        order = np.argsort(self._output, axis=1, kind="stable")[:, -2:]
        (next_, first), rows = order.T, np.arange(count)
        margins = self._output[rows, first] - self._output[rows, next_]
        errors = output[rows, first] - output[rows, next_] - margins
        nearest = np.argsort(margins, kind="stable")
        near = min(max(_NEAR, count // _NEAR), count)
        farthest = float(margins[nearest[near - 1]])
        smaller = float(np.mean(np.maximum(0, -errors[nearest[: -(-count // 2)]])))
        if farthest == 0:
            return 100.0 if smaller else 0.0
        return min(100.0, 100 * _poisson_at_most(near) / (count * farthest) * smaller)

    def _hits(self, output: Floats) -> NDArray[np.bool_]:
        """Which samples are decided rightly."""
        return output.argmax(axis=1) == self._right

    def _noise(self, output: Floats) -> Floats:
        """Power of each sample's error in percent of the mean power of the output."""
        power = float(np.mean(self._output**2))
        errors = np.mean((output - self._output) ** 2, axis=1)
        return 100 * errors / power if power else np.where(errors == 0, 0.0, np.inf)


def _poisson_at_most(seen: int) -> float:
    """The largest mean of which no fewer than ``seen`` events are still probable enough."""
    # Quantile of a gamma distribution, by Wilson and Hilferty.
    return seen * (1 - 1 / (9 * seen) + _SIGMAS / (3 * seen**0.5)) ** 3
