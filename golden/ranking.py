"""What hurts: how much of a quantized network's error each tensor brings in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.cells import Floats
from golden.emulation import Emulation
from golden.losses import sqnr_db
from golden.network import Network
from golden.quantized import QuantizedNetwork

MOST = 256
"""Samples that are enough to rank with; more of them do not count."""

LONGEST = 128
"""Steps of a sequence, at most: of longer ones, pieces of so many steps are taken, each from zero
state."""

PIECES = 64
"""Pieces that are enough, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One tensor's share in the output's error.

    Attributes:
        name: e.g. ``layer0.W_fx``, ``layer1.h``, ``layer1.gates`` (gate and tanh values).
        alone_db: SQNR of the output if nothing but this tensor is rounded.
        gain_db: how much better the output's SQNR would be if only this tensor were exact.
    """

    name: str
    alone_db: float
    gain_db: float


def rank(
    network: Network,
    quantized: QuantizedNetwork,
    samples: Floats,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Contribution, ...]:
    """Every tensor's contribution, the worst one first.

    Args:
        network: the float network.
        quantized: its integers.
        samples: shape (batch, steps, inputs), before ``input_scale``.
        progress: called with the number of tensors that are done.
    """
    samples = _pieces(samples)
    emulation = Emulation(network, quantized)
    every = set(emulation.tensors)
    exact = emulation.output(samples, ())
    whole = sqnr_db(exact, emulation.output(samples, every))
    found: list[Contribution] = []
    for name in emulation.tensors:
        alone = sqnr_db(exact, emulation.output(samples, {name}))
        without = sqnr_db(exact, emulation.output(samples, every - {name}))
        gain = 0.0 if without == whole else without - whole
        found.append(Contribution(name=name, alone_db=alone, gain_db=gain))
        progress(len(found))
    return tuple(sorted(found, key=lambda one: (one.alone_db, one.name)))


def _pieces(samples: Floats) -> Floats:
    """The samples that are ranked with."""
    count, steps, inputs = samples.shape
    if steps <= LONGEST:
        return samples[:MOST]
    whole = steps // LONGEST
    pieces = samples[:, : whole * LONGEST].reshape(count * whole, LONGEST, inputs)
    return pieces[np.linspace(0, len(pieces) - 1, min(PIECES, len(pieces))).astype(int)]
