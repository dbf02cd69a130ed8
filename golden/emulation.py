"""The integer equations on real numbers, with each tensor either rounded or exact.

With all tensors rounded, the result equals the integer model's, number for number; with none
rounded, it equals the float network's. In between, it measures the error of single tensors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from golden.activations import ALPHAS, ExponentialTable, TanhTable, hard_sigmoid_raw
from golden.cells import SIGMOIDS, Floats
from golden.directions import BACKWARD, FIRST, final, parts
from golden.formats import Format
from golden.layer_formats import weight_format
from golden.network import Layer, Network
from golden.quantized import QuantizedLayer, QuantizedNetwork
from golden.windows import at_end

_FRAC = 32
"""Fraction bits of activation arguments; no format has more."""

_FAR = 64.0
"""Largest |argument| of an activation; beyond it all activations are constant."""


class Emulation:
    """Emulates a quantized network with only chosen tensors rounded.

    Args:
        network: the float network.
        quantized: the same network in integers.

    Attributes:
        tensors: names of all tensors that can be rounded: ``x``, ``layer0.W_fx``, ``layer0.h``,
            ``layer0.gates`` (gate and tanh values), ...
    """

    def __init__(self, network: Network, quantized: QuantizedNetwork) -> None:
        self._network = network
        self._quantized = quantized
        names = ["x"]
        for index, layer in enumerate(network.layers):
            formats = [name for name in layer.cell.formats if name != "gate"]
            gates = ["gates"] if {"pre", "hidden"} & {*formats} else []
            names += [f"layer{index}.{name}" for name in (*layer.arrays, *formats, *gates)]
        self.tensors = tuple(names)

    def output(self, samples: Floats, rounded: Collection[str]) -> Floats:
        """Compute the network's output, (batch, outputs).

        Args:
            samples: shape (batch, steps, inputs), before ``input_scale``.
            rounded: names of the tensors to round.
        """
        network, quantized = self._network, self._quantized
        value = samples * network.input_scale
        if "x" in rounded:
            value = nearest(quantized.x, value)
        ends = np.full(len(value), value.shape[1])
        runs: list[_LayerRun] = []
        for index, (layer, integers) in enumerate(zip(network.layers, quantized.layers)):
            prefix = f"layer{index}."
            chosen = {name.removeprefix(prefix) for name in rounded if name.startswith(prefix)}
            runs.append(_LayerRun(layer, integers, quantized.tanh, chosen))
        _, finals = network.flow(
            value,
            run=lambda index, x: runs[index].outputs(x),
            final=lambda index, h: runs[index].final(h),
            end=lambda values, lag, first: at_end(values, ends, lag, first),
            axis=-1,
            time=1,
            every_step=False,
        )
        return network.joined(finals, axis=-1)


def nearest(to: Format, values: ArrayLike) -> Floats:
    """Round and saturate real values to a format."""
    return to.to_float(to.quantize(values))


class _LayerRun:
    """One layer with some of its tensors rounded."""

    def __init__(
        self, layer: Layer, integers: QuantizedLayer, table: TanhTable, rounded: set[str]
    ) -> None:
        self._layer = layer
        self._arithmetic = _RealArithmetic(integers, table, rounded)
        self._weights = dict(layer.arrays)
        for name in rounded & self._weights.keys():
            to = weight_format(name.removeprefix(BACKWARD), integers.formats)
            self._weights[name] = to.to_float(integers.arrays[name])
        first = {name: self._weights[FIRST + name] for name in layer.first or {}}
        self._start = replace(layer, first=first).start

    def outputs(self, x: Floats) -> Floats:
        """Return h of every step, (batch, steps, outputs), or for final values the final h."""
        if x.ndim == 2:
            return self.outputs(x[:, np.newaxis])[:, 0]
        every = []
        for part in parts(self._layer):
            prefix = BACKWARD if part.columns.start else ""
            names = part.layer.weights
            weights = {name: self._weights[prefix + name] for name in names}
            start = self._start(len(x), part.columns)
            h = self._run(x[:, ::-1] if part.reverse else x, weights, start)
            every.append(h[:, ::-1] if part.reverse else h)
        return np.concatenate(every, axis=-1)

    def final(self, h: Floats) -> Floats:
        """Select the final h from that of every step."""
        return final(self._layer, h, np.full(len(h), h.shape[1]))

    def _run(self, x: Floats, weights: Mapping[str, Floats], state: Mapping[str, Floats]) -> Floats:
        cell = self._layer.cell
        gates = {gate.name: gate for gate in cell.gates}
        places = {name: self._layer.place(name) for name in self._layer.operands}
        every = []
        for t in range(x.shape[1]):
            operands = {**{name: x[:, t, place] for name, place in places.items()}, **state}

            def sums(
                name: str, operands: Mapping[str, Floats] = operands, **made: Floats
            ) -> Floats:
                gate, values = gates[name], {**operands, **made}
                total = weights[gate.bias] + sum(
                    values[operand] @ weights[gate.matrix(operand)].T
                    for operand in self._layer.reads(gate)
                )
                return total + weights[gate.peephole] * values["c"] if gate.diagonal else total

            state = cell.step_raw(sums, state, self._arithmetic)
            every.append(state["h"])
        return np.stack(every, axis=1)


@dataclass(frozen=True)
class _RealArithmetic:
    """golden.cells.Arithmetic on real numbers.

    All formats have ``frac`` 0, so the equations' shifts vanish. Their different widths only
    identify the tensor that is narrowed.
    """

    layer: QuantizedLayer
    table: TanhTable
    rounded: set[str]

    h = Format(width=2, frac=0)
    c = Format(width=3, frac=0)
    pre = Format(width=4, frac=0)
    hidden = Format(width=5, frac=0)
    gate = Format(width=6, frac=0)
    candidate = Format(width=7, frac=0)

    def product_frac(self, gate: str) -> int:
        """Return 0: sums are real numbers too."""
        return 0

    def requantize(self, raw: Floats, frac: int, to: Format) -> Floats:
        """Round to the layer's format that ``to`` identifies, if that tensor is rounded."""
        name = {self.h: "h", self.c: "c", self.pre: "pre", self.hidden: "hidden"}[to]
        if frac:  # a product with a constant
            raw = raw * 2.0**-frac
        if name not in self.rounded:
            return raw
        return nearest(getattr(self.layer.formats, name), raw)

    def maximum(self, raw: Floats, other: Any) -> Floats:
        """Return the larger of two values."""
        return np.maximum(raw, other)

    def nearest(self, value: float, to: Format) -> float:
        """Return a constant of h, rounded to h's format if h is rounded."""
        return float(nearest(self.layer.formats.h, value)) if "h" in self.rounded else value

    def sigmoid(self, raw: Floats) -> Floats:
        """Apply the gate activation, exact or rounded as in the integer layer."""
        if "gates" not in self.rounded:
            return SIGMOIDS[self.layer.sigmoid](raw)
        to = self.layer.formats.gate
        assert to is not None
        if self.layer.sigmoid == "hard":
            return to.to_float(hard_sigmoid_raw(_fine(raw), frac=_FRAC, to=to))
        return to.to_float(self.table.logistic(_fine(raw), frac=_FRAC, to=to))

    def exponential(self, activation: str, raw: Floats, source: Format) -> Floats:
        """Compute alpha (exp - 1), exact or from the table."""
        if "gates" not in self.rounded:
            return ALPHAS[activation] * np.expm1(raw)
        table = ExponentialTable.like(self.table, activation)
        return table.out.to_float(table(_fine(raw), frac=_FRAC))

    def tanh(self, raw: Floats, source: Format) -> Floats:
        """Compute tanh, exact or from the table."""
        if "gates" not in self.rounded:
            return np.tanh(raw)
        return self.table.out.to_float(self.table(_fine(raw), frac=_FRAC))


def _fine(values: Floats) -> np.ndarray:
    """Convert arguments to integers with ``_FRAC`` fraction bits."""
    return np.floor(np.ldexp(np.clip(values, -_FAR, _FAR), _FRAC) + 0.5).astype(np.int64)
