"""Loss of a quantized network against the float network at its task."""

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
"""One-sided confidence of the bounds."""

_SIGMAS = 1.645
"""``CONFIDENCE`` in standard deviations of a normal distribution."""

_NEAR = 10
"""Samples near a decision's border: one in ``_NEAR``, and at least ``_NEAR``."""


def check_max_drop(max_drop: float) -> None:
    """Check a bound of a loss.

    Raises:
        InputError: it is no number of percentage points.
    """
    if not 0 <= max_drop <= 100:
        raise InputError(f"max_drop is {max_drop}, expected 0 to 100 percentage points")


class Judge:
    """Judges the outputs of quantized networks by those of the float network.

    A network with labels, or with two or more logits at the end, is a classifier. Its measure
    is the share of the float network's decisions that it keeps: this needs no labels, bounds the
    drop in accuracy, and varies less than accuracy. For other networks the measure is noise: the
    power of the error in percent of the output's power (0.1 is an SQNR of 30 dB).

    Args:
        output: the float network's output for the samples, (batch, outputs).
        labels: the right classes (batch,), if they are known.
        classes: whether the output's words are logits (``Network.classes``).

    Attributes:
        measure: ``accuracy`` with labels, else ``agreement`` or ``noise``.
        level: the float network's score, in percent.

    Raises:
        InputError: a label is not one of the network's classes.
    """

    def __init__(self, output: Floats, labels: NDArray[Any] | None, *, classes: bool) -> None:
        self._output = output
        words = output.shape[1]
        self._right: NDArray[Any] | None = None
        self.measure = NOISE
        if labels is not None:
            if labels.min() < 0 or labels.max() >= words:
                raise InputError(
                    f"labels are {labels.min()} to {labels.max()}, expected 0 to {words - 1} "
                    "(the network's outputs)"
                )
            self.measure, self._right = ACCURACY, labels
        elif classes and words > 1:
            self.measure, self._right = AGREEMENT, output.argmax(axis=1)
        self.level = 100.0 if self._right is None else 100 * float(np.mean(self._hits(output)))

    def drop(self, output: Floats) -> float:
        """Compute the drop from the float network in percentage points; for noise, its percent."""
        if self._right is None:
            return float(np.mean(self._noise(output)))
        return self.level - 100 * float(np.mean(self._hits(output)))

    def differing(self, output: Floats) -> int:
        """Number of samples whose decision differs from the float network's; for noise, 0."""
        if self._right is None:
            return 0
        return int((output.argmax(axis=1) != self._output.argmax(axis=1)).sum())

    def lost(self, output: Floats) -> float:
        """Percentage of decisions that differ from the float network's, which bounds the drop."""
        if self._right is None:
            return self.drop(output)
        return 100 * self.differing(output) / len(output)

    def doubt(self, output: Floats) -> float:
        """Upper bound of the expected :meth:`lost` on other samples, in percent.

        A decision changes if the error of its margin (largest logit minus the next one) exceeds the
        margin. Near 0, where margins are evenly spread and an error has either sign as often, the
        probability of a change is the margins' density times half the mean size of the errors. Both
        come from the samples nearest to a border: farther from it errors are two or three times
        smaller. So a few hundred samples suffice to estimate shares that are too small to count.
        The bound takes the upper end of the interval of a compound Poisson sum, the errors of these
        samples, with ``CONFIDENCE``; for noise, the upper end of the mean's.
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
        sizes = np.abs(errors[nearest[:near]])
        if not sizes.any():
            return 0.0
        if farthest == 0:
            return 100.0
        events = float(sizes.sum() ** 2 / (sizes**2).sum())  # Poisson, with the sum's deviation
        share = float(sizes.sum()) / 2 / (count * farthest)
        return min(100.0, 100 * share * _poisson_at_most(events) / events)

    def _hits(self, output: Floats) -> NDArray[np.bool_]:
        """Mask of the samples with the right decision."""
        return output.argmax(axis=1) == self._right

    def _noise(self, output: Floats) -> Floats:
        """Power of each sample's error in percent of the mean power of the output."""
        power = float(np.mean(self._output**2))
        errors = np.mean((output - self._output) ** 2, axis=1)
        return 100 * errors / power if power else np.where(errors == 0, 0.0, np.inf)


def _poisson_at_most(seen: float) -> float:
    """Upper end of the interval of a Poisson mean, given the number of events seen."""
    # Quantile of a gamma distribution, by Wilson and Hilferty.
    return seen * (1 - 1 / (9 * seen) + _SIGMAS / (3 * seen**0.5)) ** 3
