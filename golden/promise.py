"""Bound of a network's loss on all samples, from samples that the search did not see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from golden.cells import Floats
from golden.model import IntegerModel
from golden.quality import CONFIDENCE, NOISE, Judge
from golden.quantized import QuantizedNetwork

LOOKS = (0.8, 0.1, 0.1)
"""Share of the probability of error, 1 - ``CONFIDENCE``, for each look at the samples."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Loss of a network on samples that decided neither its formats nor its widths.

    Attributes:
        samples: number of the samples.
        differing: number of samples on which its decision differs from the float network's.
        level, drop: see :class:`golden.quality.Judge`.
        lost: differing decisions in percent; or the noise.
        promised: upper bound of ``lost`` on all samples of this kind, with ``CONFIDENCE``. For
            decisions it holds for any distribution; for noise it bounds the mean of many samples.
    """

    samples: int
    differing: int
    level: float
    drop: float
    lost: float
    promised: float

    @classmethod
    def of(cls, judge: Judge, network: QuantizedNetwork, x: Floats, *, look: int) -> Promise:
        """Measure a network on held-out samples.

        Args:
            judge: judge with the float network's output for the samples.
            network: the network.
            x: the samples, (batch, steps, inputs), before ``input_scale``.
            look: number of networks tried on these samples before.
        """
        output = network.out.to_float(IntegerModel(network).forward(network.quantize_input(x)))
        differing = judge.differing(output)
        wrong = (1 - CONFIDENCE) * LOOKS[look]
        return cls(
            samples=len(x),
            differing=differing,
            level=judge.level,
            drop=judge.drop(output),
            lost=judge.lost(output),
            promised=judge.doubt(output)
            if judge.measure == NOISE
            else 100 * at_most(differing, len(x), wrong),
        )


def at_most(seen: int, samples: int, wrong: float) -> float:
    """Compute the upper end of the exact (Clopper-Pearson) interval of a share.

    Args:
        seen: number of samples with a property.
        samples: number of the samples.
        wrong: probability that the true share is larger, 0 to 1.
    """
    if seen >= samples:
        return 1.0
    ways = [
        math.lgamma(samples + 1) - math.lgamma(n + 1) - math.lgamma(samples - n + 1)
        for n in range(seen + 1)
    ]

    def as_few(share: float) -> float:
        """Probability of ``seen`` or fewer samples with the property."""
        logs = [
            way + n * math.log(share) + (samples - n) * math.log1p(-share)
            for n, way in enumerate(ways)
        ]
        return float(np.exp(logs).sum())

    low, high = seen / samples, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if as_few(middle) > wrong else (low, middle)
    return high


def needed(percent: float) -> int:
    """Compute how many samples, all without a differing decision, promise ``percent`` or less.

    The number holds for the first look at the samples.

    Raises:
        ValueError: ``percent`` is not more than 0.
    """
    if not percent > 0:
        raise ValueError(f"percent must be more than 0, not {percent!r}")
    wrong = (1 - CONFIDENCE) * LOOKS[0]
    return 1 if percent >= 100 else math.ceil(math.log(wrong) / math.log1p(-percent / 100))
