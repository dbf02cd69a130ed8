"""Errors from quantization, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from golden.cells import Floats
from golden.directions import BACKWARD
from golden.formats import Format
from golden.layer_formats import weight_format
from golden.model import IntegerModel
from golden.network import FloatRun, Network
from golden.quantized import QuantizedNetwork


def sqnr_db(values: Floats, approximation: Floats) -> float:
    """Compute power of the values over power of the error, in dB; infinite without an error."""
    power, noise = float(np.mean(values**2)), float(np.mean((approximation - values) ** 2))
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(power / noise)) if power else float("-inf")


@dataclass(frozen=True, kw_only=True)
class TensorLoss:
    """Error of one quantized tensor.

    Attributes:
        name: e.g. ``layer0.W_fx`` or ``layer1.h``.
        format: its fixed-point format.
        sqnr_db: power of the values over power of the error, in dB (infinite without an error).
        saturated: share of the values that were clipped, 0 to 1.
        max_error: largest |error|, in real units.
    """

    name: str
    format: Format
    sqnr_db: float
    saturated: float
    max_error: float

    @classmethod
    def measure(
        cls, name: str, values: Floats, to: Format, *, got: Floats | None = None
    ) -> TensorLoss:
        """Measure the error of ``values`` quantized to ``to``, or of ``got`` in their place."""
        approximation = to.to_float(to.quantize(values)) if got is None else got
        scaled = np.floor(np.ldexp(values, to.frac) + 0.5)
        saturated = float(np.mean((scaled < to.least) | (scaled > to.max)))
        return cls(
            name=name,
            format=to,
            sqnr_db=sqnr_db(values, approximation),
            saturated=saturated,
            max_error=float(np.abs(approximation - values).max()),
        )


@dataclass(frozen=True)
class Report:
    """Errors from quantization: one row per tensor; the last is the output on the samples."""

    tensors: tuple[TensorLoss, ...]


def losses(
    network: Network, result: QuantizedNetwork, samples: Floats, run: FloatRun
) -> Iterator[TensorLoss]:
    """Measure each tensor's error; yield one row per tensor, the integer model's output last.

    Args:
        network: the float network.
        result: the same network in integers.
        samples: samples of shape (batch, steps, inputs), before ``input_scale``.
        run: the float network's run on these samples.
    """
    yield TensorLoss.measure("x", samples * network.input_scale, result.x)
    layers = zip(network.layers, result.layers, run.layers, strict=True)
    for index, (layer, integer, trace) in enumerate(layers):
        for name, weights in layer.arrays.items():
            to = weight_format(name.removeprefix(BACKWARD), integer.formats)
            yield TensorLoss.measure(f"layer{index}.{name}", weights, to)
        for name in layer.cell.makes:
            if layer.cell.state or network.is_read(index + 1):  # others are the output alone
                values = run.finals[index + 1] if index in network.late else trace[name]
                to = integer.formats.operand(name)
                yield TensorLoss.measure(f"layer{index}.{name}", values, to)
    words = IntegerModel(result).forward(result.quantize_input(samples))
    yield TensorLoss.measure("output", run.output, result.out, got=result.out.to_float(words))
