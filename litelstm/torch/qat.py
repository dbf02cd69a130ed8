"""Quantization-aware training: a module that computes in the golden model's integers.

The forward pass runs the cells' own integer equations (``Cell.step_raw``) on float tensors that
hold the integers exactly, so its words are those of :class:`golden.model.IntegerModel`, bit for
bit. In the backward pass, rounding is the identity (straight-through), saturation stops the
gradient, and a table has the slope of its function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden.activations import ALPHAS, TanhTable
from golden.cells import Sums
from golden.errors import InputError
from golden.formats import Format
from golden.layer_arithmetic import LayerArithmetic
from golden.layer_formats import BIAS, weight_format
from golden.layer_model import LayerModel
from golden.network import Network
from golden.quantized import QuantizedLayer, QuantizedNetwork
from litelstm.torch.classifier import require_chain
from litelstm.torch.layer import RecurrentLayer, Trace, maximum
from litelstm.torch.sent import TensorSender

BIAS_GROWTH = 2
"""Largest growth of a bias in training, relative to the largest bias at the start."""


class _Narrow(torch.autograd.Function):
    """floor(raw * scale + 1/2), saturated; the gradient passes where nothing saturated."""

    @staticmethod
    def forward(ctx: Any, raw: Tensor, scale: float, low: int, high: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        rounded = torch.floor(raw * scale + 0.5)
        result = rounded.clamp(low, high)
        ctx.scale = scale
        ctx.save_for_backward(rounded == result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (inside,) = ctx.saved_tensors
        return grad * inside * ctx.scale, None, None, None


class _LookUp(torch.autograd.Function):
    """A tabulated function of integers, with a second table for its slopes."""

    @staticmethod
    def forward(ctx: Any, raw: Tensor, values: Tensor, slopes: Tensor, lowest: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        index = (raw - lowest).long()
        ctx.save_for_backward(index, slopes)
        return values[index]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        index, slopes = ctx.saved_tensors
        return grad * slopes[index], None, None, None


def requantize(raw: Tensor, frac: int, to: Format) -> Tensor:
    """:func:`golden.formats.requantize` on integers in floats, with a straight-through gradient.

    With ``frac`` 0 it rounds real numbers to a format, like :meth:`golden.formats.Format.quantize`.
    """
    return _round(raw, to.frac - frac, to.min, to.max)


def _round(value: Tensor, frac: int, low: int, high: int) -> Tensor:
    return _Narrow.apply(value, 2.0**frac, low, high)  # pyright: ignore[reportReturnType]


class _TensorArithmetic(LayerArithmetic):
    """golden.cells.Arithmetic on tensors; formats and tables are those of the integer model."""

    def sigmoid(self, raw: Any) -> Any:
        return self._tabulated("sigmoid", raw, self.pre, self.gate)

    def tanh(self, raw: Any, source: Format) -> Any:
        return self._tabulated("tanh", raw, source, self.candidate)

    def exponential(self, activation: str, raw: Any, source: Format) -> Any:
        return self._tabulated(activation, raw, source, self.candidate)

    def maximum(self, raw: Any, other: Any) -> Any:
        return maximum(raw, other)

    def requantize(self, raw: Any, frac: int, to: Format) -> Any:
        return requantize(raw, frac, to)

    def _tabulated(self, function: str, raw: Tensor, source: Format, to: Format) -> Tensor:
        key: Any = function, source, raw.dtype
        if key not in self._lookups:
            self._lookups[key] = self._tables(function, source, to, raw.dtype)  # pyright: ignore[reportArgumentType]
        values, slopes = self._lookups[key]
        return _LookUp.apply(raw, values, slopes, source.min)  # pyright: ignore[reportReturnType]

    def _tables(
        self, function: str, source: Format, to: Format, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Tabulate values and slopes for all arguments of a format, in ascending order, as raw."""
        raw = np.arange(source.min, source.max + 1)
        integers = LayerArithmetic(self.layer, self.table, np.int64)
        if function in ALPHAS:
            values = integers.exponential(function, raw, source)
            slopes = ALPHAS[function] * np.exp(np.minimum(source.to_float(raw), 0))
        elif function == "tanh":
            values, slopes = integers.tanh(raw, source), 1 - np.tanh(source.to_float(raw)) ** 2
        else:
            values, slopes = integers.sigmoid(raw), _sigmoid_slope(self.layer, raw, source)
        slopes = slopes * 2.0 ** (to.frac - source.frac)
        return torch.from_numpy(values).to(dtype), torch.from_numpy(slopes).to(dtype)


def _sigmoid_slope(layer: QuantizedLayer, raw: Any, source: Format) -> Any:
    x = source.to_float(raw)
    if layer.sigmoid == "hard":
        return np.where(np.abs(x) < 2, 0.25, 0.0)
    return (1 - np.tanh(x / 2) ** 2) / 4


class IntegerLayer(RecurrentLayer):
    """A layer whose forward pass is in integers; its parameters are real numbers.

    Args:
        layer: formats and the initial weights, as integers.
        weights: the initial weights as real numbers.
        table: the network's tanh table.
        thresholds: those of a layer that multiplies values sent, by name: ``x`` and its own.

    Raises:
        InputError: no float carries the sums exactly.
    """

    def __init__(
        self,
        layer: QuantizedLayer,
        weights: Mapping[str, Any],
        table: TanhTable,
        thresholds: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(layer.cell, layer.sigmoid, layer.inputs, layer.units)
        self.quantized = layer
        self._thresholds = {name: torch.as_tensor(own) for name, own in (thresholds or {}).items()}
        largest = max(int(np.abs(layer.weights[gate.bias]).max()) for gate in layer.cell.gates)
        self._bias_limit = min(BIAS.max, BIAS_GROWTH * largest + 1)
        self.dtype = _exact_type(self._largest_layer(), table)
        self._arithmetic = _TensorArithmetic(layer, table, np.float64)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(torch.from_numpy(weights[name]))

    def weights(self) -> dict[str, Tensor]:
        """The integer weights by name."""
        return {
            # In float64, like Format.quantize.
            name: _round(value.double(), *self._limits(name)).to(self.dtype)
            for name, value in self.named_parameters()
        }

    def step(self, sums: Sums, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        carried: Mapping[str, Any] = state
        new: dict[str, Any] = self.cell.step_raw(sums, carried, self._arithmetic)
        return new

    def run(self, x: Tensor) -> Trace:
        """Run all steps from zero state, for raw x (steps, batch, inputs)."""
        x = x.to(self.dtype)
        zero = x.new_zeros(x.shape[1], self.units)
        seen = TensorSender(self._thresholds)
        if self._thresholds:
            x = torch.stack([seen("x", step) for step in x])
        return self(x, dict.fromkeys(self.cell.state, zero), seen=seen)

    @torch.no_grad()
    def export(self) -> QuantizedLayer:
        """The integers that the forward pass computes with."""
        weights = {name: value.long().numpy() for name, value in self.weights().items()}
        return replace(self.quantized, weights=weights)

    def _limits(self, name: str) -> tuple[int, int, int]:
        """Return fraction bits, smallest and largest raw value of a weight."""
        to = weight_format(name, self.quantized.formats)
        if name.startswith("b_"):
            return to.frac, -self._bias_limit, self._bias_limit
        return to.frac, to.least, to.max

    def _largest_layer(self) -> QuantizedLayer:
        """Make the layer with the largest weights that training can reach."""
        weights = {
            name: np.full_like(value, self._limits(name)[1])
            for name, value in self.quantized.weights.items()
        }
        return replace(self.quantized, weights=weights)


class QuantizationAware(nn.Module):
    """A network that trains in the integers of its hardware.

    Args:
        network: the float network to start from.
        quantized: the same network in integers; its formats stay.

    Raises:
        InputError: a layer is not forward, or its sums are too large for float64 to carry.
    """

    def __init__(self, network: Network, quantized: QuantizedNetwork) -> None:
        super().__init__()
        require_chain(network)
        self.quantized = quantized
        own = quantized.thresholds
        self.layers = nn.ModuleList(
            IntegerLayer(
                *(integer, layer.weights, quantized.tanh),
                None if own is None else own.of_layer(quantized, index),
            )
            for index, (integer, layer) in enumerate(
                zip(quantized.layers, network.layers, strict=True)
            )
        )

    def forward(self, samples: Tensor) -> Tensor:
        """Compute outputs as real numbers (batch, outputs), for samples before ``input_scale``."""
        return self.run(samples)[0]

    def run(self, samples: Tensor) -> tuple[Tensor, list[Trace]]:
        """Compute outputs as real numbers, and the raw state of every layer and step."""
        words, traces = self._integers(samples)
        return (words * 2.0**-self.quantized.out.frac).float(), traces

    @torch.no_grad()
    def words(self, samples: Tensor) -> Tensor:
        """Compute the golden model's output words (batch, outputs), int64."""
        return self._integers(samples)[0].long()

    def _integers(self, samples: Tensor) -> tuple[Tensor, list[Trace]]:
        # In float64, like QuantizedNetwork.quantize_input.
        real = samples.transpose(0, 1).double() * self.quantized.input_scale
        x = requantize(real, 0, self.quantized.x)
        traces: list[Trace] = []
        for layer in self.layers:
            # Behind the last recurrent layer only the last step counts.
            traces.append(layer.run(x if layer.cell.state else x[-1:]))  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
            x = torch.stack(traces[-1]["h"])
        return x[-1], traces

    def export(self) -> QuantizedNetwork:
        """Convert to a network in integers, with which the golden model gives the same results."""
        return replace(
            self.quantized,
            layers=tuple(layer.export() for layer in self.layers),  # pyright: ignore[reportCallIssue]
        )


def _exact_type(layer: QuantizedLayer, table: TanhTable) -> torch.dtype:
    """Choose the float type that holds every integer of a layer exactly."""
    carrier = LayerModel(layer, table).arithmetic.dtype
    if carrier is np.int64:
        raise InputError("sums reach 2**53, expected less: float64 carries them while training")
    return torch.float32 if carrier is np.float32 else torch.float64
