"""What samples that a search has not seen promise of all others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from golden.cells import Floats
from golden.model import IntegerModel
from golden.quality import CONFIDENCE, NOISE, Judge
from golden.quantized import QuantizedNetwork

LOOKS = (0.8, 0.1, 0.1)
"""Shares of the probability of being wrong that a search may spend on each look at the samples."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """How a network does on samples that neither its formats nor its widths were chosen with.

    Attributes:
        samples: number of the samples.
        differing: those that are decided otherwise than by the float network.
        level, drop: see :class:`golden.quality.Judge`.
        lost: decisions that differ in percent; or the noise.
        promised: what ``lost`` is at most on all samples of this kind, with ``CONFIDENCE``. Of
            decisions that holds whatever the samples; of noise, the mean of many.
    """

    samples: int
    differing: int
    level: float
    drop: float
    lost: float
    promised: float

    @classmethod
    def of(cls, judge: Judge, network: QuantizedNetwork, x: Floats, *, look: int) -> Promise:
        """What a network is found to do.

        Args:
            judge: knows what the float network makes of the samples.
            network: the network.
            x: the samples, (batch, steps, inputs), before ``input_scale``.
            look: how many networks had been tried on these samples before.
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
    """Upper end of the exact (Clopper-Pearson) interval of a share.

    Args:
        seen: samples that have a property.
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
        """Probability of no more than ``seen`` of them."""
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
    """Samples none of which may differ, to promise a share at the first look.

    Raises:
        ValueError: ``percent`` is not more than 0.
    """
    if not percent > 0:
        raise ValueError(f"percent must be more than 0, not {percent!r}")
    wrong = (1 - CONFIDENCE) * LOOKS[0]
    return 1 if percent >= 100 else math.ceil(math.log(wrong) / math.log1p(-percent / 100))
