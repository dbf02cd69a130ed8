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

CAUTION = 3.0
"""Standard errors that :meth:`Judge.doubt` adds."""


class Judge:
    """Judges the outputs of quantized networks by those of the float one.

    With labels the measure is accuracy. Without, a network with a dense head of two logits or more
    is taken for a classifier whose own decisions are the labels: agreement. Otherwise it is the
    power of the error in percent of the output's: noise, of which 0.1 is an SQNR of 30 dB.

    Args:
        output: the float network's output of the samples, (batch, outputs).
        labels: the right classes (batch,), if they are known.
        head: whether the output comes from a dense head.

    Attributes:
        measure: ``accuracy``, ``agreement`` or ``noise``.
        level: what the float network reaches, in percent.

    Raises:
        InputError: a label is not one of the network's classes.
    """

    def __init__(self, output: Floats, labels: NDArray[Any] | None, *, head: bool) -> None:
        self._output = output
        classes = output.shape[1]
        self._right: NDArray[Any] | None
        if labels is not None:
            if labels.min() < 0 or labels.max() >= classes:
                raise InputError(
                    f"labels are {labels.min()} to {labels.max()}, expected 0 to {classes - 1} "
                    "(the network's outputs)"
                )
            self.measure, self._right = ACCURACY, labels
        elif head and classes > 1:
            self.measure, self._right = AGREEMENT, output.argmax(axis=1)
        else:
            self.measure, self._right = NOISE, None
        self.level = 100.0 if self._right is None else 100 * float(np.mean(self._hits(output)))
        if self._right is not None:
            self._likelihoods = self._likelihood(output)

    def drop(self, output: Floats) -> float:
        """What is lost against the float network, in percentage points (of noise: its percent)."""
        if self._right is None:
            return self._noise(output)
        return self.level - 100 * float(np.mean(self._hits(output)))

    def lost(self, output: Floats) -> float:
        """As :meth:`drop`, without what is gained: right decisions of the float network alone.

        Never less than the drop; it does not count a lucky hit against an unlucky miss.
        """
        if self._right is None:
            return self._noise(output)
        return 100 * float(np.mean(self._hits(self._output) & ~self._hits(output)))

    def doubt(self, output: Floats) -> float:
        """The drop of the mean probability (softmax) of the right class, at worst, in points.

        Where a few hundred samples leave accuracy a coarse number that luck decides, this one
        moves with every sample. At worst means that ``CAUTION`` standard errors of the mean are
        added, so that a search cannot pick what these samples happen to like; more samples make
        them smaller. Of noise it is the same as the drop.
        """
        if self._right is None:
            return self._noise(output)
        lost = self._likelihoods - self._likelihood(output)
        return 100 * float(np.mean(lost) + CAUTION * np.std(lost) / np.sqrt(len(lost)))

    def _hits(self, output: Floats) -> NDArray[np.bool_]:
        """Which samples are decided rightly."""
        return output.argmax(axis=1) == self._right

    def _likelihood(self, output: Floats) -> Floats:
        """Probability of the right class of each sample."""
        powers = np.exp(output - output.max(axis=1, keepdims=True))
        return powers[np.arange(len(powers)), self._right] / powers.sum(axis=1)

    def _noise(self, output: Floats) -> float:
        power = float(np.mean(self._output**2))
        error = float(np.mean((output - self._output) ** 2))
        return 100 * error / power if power else (0.0 if error == 0 else float("inf"))
