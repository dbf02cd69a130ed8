"""Elements that a delta network sends: which columns a core has to run, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.dataclass import dataclass
from golden.interface import Control
from golden.model import IntegerModel, IntegerRun
from golden.quantized import Integers, QuantizedNetwork
from golden.sessions import chains
from golden.thresholds import Thresholds, sent_names, sent_steps

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Elements that were sent, per vector and step.

    Attributes:
        x: of the input, (steps, inputs); of a batch (batch, steps, inputs).
        layers: per layer, by name: h, c and rh where a recurrent layer multiplies them, each
            (steps, units) or (batch, steps, units). h and c of a step are those that it makes: its
            own layer multiplies them in the next step.
    """

    x: Mask
    layers: tuple[Mapping[str, Mask], ...]

    def masks(self) -> Iterator[tuple[str, Mask]]:
        """Yield every vector's name (``x``, ``layer0.h``) and its mask."""
        yield "x", self.x
        for index, own in enumerate(self.layers):
            for name, mask in own.items():
                yield f"layer{index}.{name}", mask


def changes(network: QuantizedNetwork, x: ArrayLike) -> Changes:
    """Compute what is sent in whole sequences, each from zero state.

    Args:
        network: the network; without thresholds they are taken as 0.
        x: raw input words, (batch, steps, inputs).

    Raises:
        InputError: the words do not fit, or delta does not go with the network.
    """
    return watched(network, x)[1]


def watched(network: QuantizedNetwork, x: ArrayLike) -> tuple[IntegerRun, Changes]:
    """Run whole sequences, see :func:`changes`; return the run, and what is sent."""
    thresholds = network.thresholds or Thresholds.of(network)
    run = IntegerModel(replace(network, thresholds=thresholds), walk=True).run(x)

    def changed(values: Integers, threshold: int) -> Mask:
        _, mask = sent_steps(values.transpose(1, 2, 0), threshold)
        return np.ascontiguousarray(mask.transpose(2, 0, 1))

    return run, Changes(
        x=changed(np.asarray(x, dtype=np.int64), thresholds.x),
        layers=tuple(
            {name: changed(trace[name], own[name]) for name in own}
            for trace, own in zip(run.layers, thresholds.layers)
        ),
    )


def changes_in_use(
    network: QuantizedNetwork, x: Sequence[Integers] | Integers, controls: Sequence[Control]
) -> Changes:
    """Compute what is sent in steps after reset, some of which continue sequences before them.

    Args:
        network: the network; without thresholds they are taken as 0.
        x: raw input words of each step, (inputs,).
        controls: control fields of each step, without ``load``.

    Returns:
        Masks of shape (steps, ...), in the order of the steps.

    Raises:
        InputError: see :func:`changes`.
    """
    whole = Changes(
        x=np.zeros((len(x), network.inputs), dtype=np.bool_),
        layers=tuple(
            {name: np.zeros((len(x), layer.units), dtype=np.bool_) for name in names}
            for layer, names in zip(network.layers, sent_names(network))
        ),
    )
    for _, steps in chains(network, controls):
        found = changes(network, np.stack([x[n] for n in steps])[np.newaxis])
        for (_, mask), (_, part) in zip(whole.masks(), found.masks()):
            mask[steps] = part[0]
    return whole
