"""Answers of the golden model to sequences of any lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from sim.draw.networks import input_words

T = TypeVar("T")


def changed(frozen: T, **changes: object) -> T:
    """A frozen dataclass with some fields changed."""
    return replace(frozen, **changes)  # pyright: ignore


def answers(network: QuantizedNetwork, sequences: Sequence[Integers]) -> Integers:
    """The golden model's words for sequences of any lengths, (sequences, outputs)."""
    model = IntegerModel(network)
    words = np.empty((len(sequences), network.outputs), dtype=np.int64)
    lengths = np.array([len(sequence) for sequence in sequences])
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length).tolist()
        words[places] = model.forward(np.stack([sequences[place] for place in places]))
    return words


def random_sequences(
    network: QuantizedNetwork, lengths: Sequence[int], *, seed: int
) -> list[Integers]:
    """One sequence of random words, (steps, inputs), for each of ``lengths``."""
    words = input_words(network, batch=len(lengths), steps=max(lengths), seed=seed)
    return [sequence[:length] for sequence, length in zip(words, lengths, strict=True)]


def state_trace(network: QuantizedNetwork, layer: int, x: Integers) -> dict[str, Integers]:
    """``h`` and ``c`` of a layer after every step of one sequence, each (steps, units)."""
    trace = IntegerModel(network).run(x[np.newaxis]).layers[layer]
    return {name: value[0] for name, value in trace.items()}


def trace_sums(network: QuantizedNetwork, layer: int, x: Integers) -> list[NDArray[np.int64]]:
    """Return a LiteLSTM layer's accumulators at the end of every step, without bias.

    Args:
        network: the network.
        layer: index of the layer.
        x: one sequence, (steps, inputs).

    Returns:
        For each gate int64 of shape (steps, units).
    """
    after = state_trace(network, layer, x)
    operands = {
        name: np.concatenate([np.zeros_like(values[:1]), values[:-1]])
        for name, values in after.items()
    }
    operands["x"] = state_trace(network, layer - 1, x)["h"] if layer else x
    weights = network.layers[layer].weights
    return [
        np.sum([operands[name] @ weights[gate.matrix(name)].T for name in gate.reads], axis=0)
        for gate in network.layers[layer].cell.gates
    ]
