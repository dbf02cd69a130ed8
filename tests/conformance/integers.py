"""Recurrent ONNX nodes in integers of 16 bits, and the error that quantizing them should cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from golden.layer_formats import weight_format
from golden.model import IntegerModel
from golden.network import Layer, Network
from golden.quantize import Report, Settings, quantize
from golden.quantized import Integers, QuantizedNetwork
from tests.conformance.onnx_nodes import Node, Results
from tests.conformance.onnx_oracle import NodeRecipe

Floats = NDArray[np.float64]

SETTINGS = Settings(
    weight_width=16,
    activation_width=16,
    state_width=16,
    pre_width=16,
    hidden_width=16,
    out_width=16,
    log2_entries=11,
    log2_range=3,
    interpolate=True,
)
"""16 bits everywhere, and a tanh table whose own error is smaller than their last place."""

CALIBRATION = 64, 50
"""Sequences and steps."""

FACTOR = 3
"""How far an error may lie from the largest one that the quantizer reports.

The report has seen 64 results per unit, at one step, from zero state. The extreme of many more
values with bell-shaped tails lies a quarter farther out. The rest is margin; docs/conformance.md
shows how much of it the tests use.
"""

RNN = NodeRecipe(operator="RNN", inputs=5, units=7, batch=16, steps=50)
GRU, LSTM = replace(RNN, operator="GRU"), replace(RNN, operator="LSTM")
AFTER, PEEPHOLES = replace(GRU, linear_before_reset=1), replace(LSTM, peepholes=True)

RECIPES = {
    "RNN": RNN,
    "GRU before": GRU,
    "GRU before, hard": replace(GRU, slope=0.25),
    "GRU after": AFTER,
    "GRU after, hard": replace(AFTER, slope=0.25),
    "LSTM": LSTM,
    "LSTM, hard": replace(LSTM, slope=0.25),
    "LSTM peepholes": PEEPHOLES,
    "LSTM peepholes, hard": replace(PEEPHOLES, slope=0.25),
}
"""Every operator with every kind of gates, forward; sequences of 1 to 50 steps, initial states."""


@dataclass(frozen=True)
class Quantized:
    """A node in integers.

    Args:
        node: the node; its X lies in -2 to 2.
        settings: bit widths and table.
    """

    node: Node
    settings: Settings = SETTINGS

    @cached_property
    def floats(self) -> Network:
        """The node as a float network."""
        return self.node.network()

    @cached_property
    def _quantized(self) -> tuple[QuantizedNetwork, Report]:
        rng = np.random.default_rng(13)
        samples = rng.uniform(-2, 2, size=(*CALIBRATION, self.floats.inputs))
        return quantize(self.floats, samples, self.settings)

    @property
    def network(self) -> QuantizedNetwork:
        """The node in integers, its formats chosen on samples of the kind of X, from zero state."""
        return self._quantized[0]

    @property
    def reported_error(self) -> float:
        """The largest error of the output on the calibration samples: the report's last line."""
        return self._quantized[1].tensors[-1].max_error

    @property
    def in_range(self) -> bool:
        """Whether h and c of the float reference stay in their formats.

        If samples drive them farther than all calibration samples did, they saturate.
        """
        formats, node = self.network.layers[0].formats, self.node
        run = self.floats.run(node.x, state=[node.state], lengths=node.lengths)
        sizes = {name: float(np.abs(run.layers[0][name]).max()) for name in run.state[0]}
        return all(
            size <= formats.operand(n).to_float(formats.operand(n).max) for n, size in sizes.items()
        )

    @property
    def sequences(self) -> list[Integers]:
        """X in input words, each sequence (steps, inputs) of its own length."""
        words, lengths = self.network.quantize_input(self.node.x), self.node.lengths
        ends = [words.shape[1]] * len(words) if lengths is None else lengths.tolist()
        return [sequence[:end] for sequence, end in zip(words, ends, strict=True)]

    @property
    def start(self) -> dict[str, Integers]:
        """The node's initial state in integers by name, each (batch, units of all directions)."""
        formats = self.network.layers[0].formats
        return {n: formats.operand(n).quantize(values) for n, values in self.node.state.items()}

    def run(self) -> Results:
        """The integer model's h, in real units; c is not compared."""
        model, formats = IntegerModel(self.network), self.network.layers[0].formats
        start = self.start
        h = np.zeros((*self.node.x.shape[:2], self.network.outputs))
        end = np.zeros((len(h), self.network.outputs))
        for b, words in enumerate(self.sequences):
            state = {name: values[b : b + 1] for name, values in start.items()}
            run = model.run(words[np.newaxis], (state,) if state else None)
            h[b, : len(words)] = formats.h.to_float(run.layers[0]["h"][0])
            end[b] = formats.h.to_float(run.output[0])
        return Results(h, {"h": end})

    def expected_rms(self, seed: int) -> float:
        """RMS error of h that the formats alone lead to expect, for a forward node from zero state.

        The float reference with rounded weights and inputs, and with an even error of half a step
        to either side wherever a sum or a state is narrowed. No integer is computed.
        """
        (layer,), x = self.floats.layers, self.node.x
        (integer,), rng = self.network.layers, np.random.default_rng(seed)
        formats = integer.formats
        rounded = {
            name: weight_format(name, formats).to_float(raw)
            for name, raw in integer.weights.items()
        }
        inputs = formats.x.to_float(formats.x.quantize(x))
        state: dict[str, Floats] = {}
        h = np.empty((*x.shape[:2], layer.units))
        for t in range(x.shape[1]):
            weights = dict(rounded)
            for gate in layer.cell.gates:
                to = formats.hidden if gate.wide else formats.pre
                assert to
                weights[gate.bias] = _shaken(rounded[gate.bias], to.frac, rng)
            noisy = Layer(cell=layer.cell, sigmoid=layer.sigmoid, weights=weights)
            trace = noisy.run(inputs[:, t : t + 1], state=state)
            state = {
                name: _shaken(trace[name][:, 0], formats.operand(name).frac, rng)
                for name in layer.cell.state
            }
            h[:, t] = state["h"]
        return rms(h - self.floats.run(x).steps)


def rms(values: Floats) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


def _shaken(values: Floats, frac: int, rng: np.random.Generator) -> Floats:
    """Values with an even random error of up to half a step of ``frac`` fraction bits."""
    return values + np.ldexp(rng.uniform(-0.5, 0.5, size=values.shape), -frac)
