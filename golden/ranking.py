"""Ranking of tensors by their contribution to a quantized network's error."""

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
"""Most samples that the ranking uses."""

LONGEST = 128
"""Most steps of a sequence, beside those that fill a network's window. Longer ones are cut into
pieces of this length, from zero state."""

PIECES = 64
"""Most pieces that the ranking uses, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One tensor's share in the output's error.

    Attributes:
        name: e.g. ``layer0.W_fx``, ``layer1.h``, ``layer1.gates`` (gate and tanh values).
        alone_db: SQNR of the output if only this tensor is rounded.
        gain_db: improvement of the output's SQNR if only this tensor is exact.
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
    """Compute every tensor's contribution, the worst one first.

    Args:
        network: the float network.
        quantized: the same network in integers.
        samples: shape (batch, steps, inputs), before ``input_scale``.
        progress: called with the number of finished tensors.
    """
    steps = LONGEST + max(network.first, network.reach)
    samples = _pieces(samples, steps * network.fold)
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


def _pieces(samples: Floats, longest: int) -> Floats:
    """Select the samples that the ranking uses, of at most ``longest`` samples in time."""
    count, steps, inputs = samples.shape
    if steps <= longest:
        return samples[:MOST]
    whole = steps // longest
    pieces = samples[:, : whole * longest].reshape(count * whole, longest, inputs)
    return pieces[np.linspace(0, len(pieces) - 1, min(PIECES, len(pieces))).astype(int)]
