"""The quantizer: a float network and calibration samples in, integers and what they cost out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from golden.activations import TanhTable
from golden.cells import Floats
from golden.directions import BACKWARD, parts
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import BIAS, MAX_TENSOR_WIDTH, LayerFormats, weight_format
from golden.model import IntegerModel
from golden.network import Dense, FloatRun, Layer, Network
from golden.quantized import QuantizedDense, QuantizedLayer, QuantizedNetwork
from golden.scales import METHODS, Block, LayerScales, choose_frac


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the quantizer may spend.

    Args:
        weight_width: bits of a weight.
        activation_width: bits of x and h; gate and tanh values have this many fraction bits.
        state_width: bits of c.
        pre_width: bits of a pre-activation, over the range of the tanh table.
        hidden_width: bits of a sum that is multiplied before it is activated.
        out_width: bits of a logit.
        method: ``mse`` or ``max``, for every power-of-two scale.
        log2_entries, log2_range, interpolate: the tanh table, see
            :class:`golden.activations.TanhTable`.

    Raises:
        InputError: a width or a choice is out of range.
    """

    weight_width: int = 8
    activation_width: int = 8
    state_width: int = 12
    pre_width: int = 12
    hidden_width: int = 16
    out_width: int = 16
    method: str = "mse"
    log2_entries: int = 8
    log2_range: int = 2
    interpolate: bool = False

    def __post_init__(self) -> None:
        limits = {
            "weight_width": (2, MAX_TENSOR_WIDTH),
            "activation_width": (2, MAX_TENSOR_WIDTH - 2),
            "state_width": (2, MAX_TENSOR_WIDTH),
            "pre_width": (5, MAX_TENSOR_WIDTH),
            "hidden_width": (2, MAX_TENSOR_WIDTH),
            "out_width": (2, 32),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} is {getattr(self, name)}, expected {low} to {high} bits")
        if self.method not in METHODS:
            raise InputError(f"method is {self.method!r}, expected {' or '.join(METHODS)}")

    def tanh_table(self) -> TanhTable:
        """The table that these settings ask for."""
        try:
            return TanhTable(
                log2_entries=self.log2_entries,
                log2_range=self.log2_range,
                interpolate=self.interpolate,
                out=Format(width=self.activation_width + 2, frac=self.activation_width),
            )
        except ValueError as error:
            raise InputError(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class TensorLoss:
    """What one tensor lost.

    Attributes:
        name: e.g. ``layer0.W_fx`` or ``layer1.h``.
        format: its fixed-point format.
        sqnr_db: power of the values over power of the error, in dB (infinite if nothing was lost).
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
        """Loss of quantizing ``values``; or of ``got``, which something computed instead."""
        approximation = to.to_float(to.quantize(values)) if got is None else got
        error = approximation - values
        power, noise = float(np.mean(values**2)), float(np.mean(error**2))
        sqnr = np.inf if noise == 0 else 10 * np.log10(power / noise) if power else -np.inf
        scaled = np.floor(np.ldexp(values, to.frac) + 0.5)
        saturated = float(np.mean((scaled < to.min) | (scaled > to.max)))
        largest = float(np.abs(error).max())
        return cls(
            name=name, format=to, sqnr_db=float(sqnr), saturated=saturated, max_error=largest
        )


@dataclass(frozen=True)
class Report:
    """What quantization cost: a row a tensor, last the network's own output on the samples."""

    tensors: tuple[TensorLoss, ...]


def quantize(
    network: Network, samples: ArrayLike, settings: Settings | None = None
) -> tuple[QuantizedNetwork, Report]:
    """Choose every format from calibration samples and round the weights.

    Args:
        network: the float network.
        samples: calibration samples of shape (batch, steps, inputs), before ``input_scale``.
        settings: widths and method; by default W8 A8 C12 and a 256-entry tanh table.

    Returns:
        The integers and what each tensor lost.

    Raises:
        InputError: samples of a wrong shape, or not finite.
    """
    settings = settings or Settings()
    samples = check_samples(samples, network.inputs)
    try:
        return _quantize(network, samples, settings)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"values are too large or too small to quantize: {error}") from None


def _quantize(
    network: Network, samples: Floats, settings: Settings
) -> tuple[QuantizedNetwork, Report]:
    run = network.run(samples)
    table = settings.tanh_table()
    real = samples * network.input_scale
    values = real
    x = _format(values, settings.activation_width, settings.method)
    layers = []
    for layer, trace in zip(network.layers, run.layers, strict=True):
        layers.append(_quantize_layer(layer, values, trace, x, settings, table))
        values, x = trace["h"], layers[-1].formats.h
    head = None
    if network.head:
        head = _quantize_head(network.head, run.state[-1]["h"], run.output, x, settings)
    result = QuantizedNetwork(
        layers=tuple(layers), head=head, tanh=table, input_scale=network.input_scale
    )
    return result, Report(tuple(_losses(network, result, samples, run)))


def check_samples(samples: ArrayLike, inputs: int) -> Floats:
    """Samples as float64 of shape (batch, steps, inputs), or one clear line.

    Raises:
        InputError: another shape or type, or NaN or infinity among them.
    """
    array = np.asarray(samples)
    if array.ndim != 3 or array.shape[2] != inputs or 0 in array.shape:
        raise InputError(f"samples are of shape {array.shape}, expected (samples, steps, {inputs})")
    if array.dtype.kind not in "fiub":
        raise InputError(f"samples are of type {array.dtype}, expected numbers")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError("samples hold NaN or infinity, expected finite numbers")
    return array


def _quantize_layer(
    layer: Layer,
    inputs: Floats,
    trace: dict[str, Floats],
    x: Format,
    settings: Settings,
    table: TanhTable,
) -> QuantizedLayer:
    values = {"x": inputs, "h": trace["h"], "rh": trace["h"]}
    widths = {"x": x.width, "h": settings.activation_width}
    if "c" in layer.cell.state:
        values["c"], widths["c"] = trace["c"], settings.state_width
    blocks = [
        Block(gate.name, "h" if name == "rh" else name, part.layer.weights[gate.matrix(name)])
        for part in parts(layer)
        for gate in layer.cell.gates
        for name in gate.reads
    ]
    blocks += [
        Block(gate.name, "c", part.layer.weights[gate.peephole][:, np.newaxis])
        for part in parts(layer)
        for gate in layer.cell.gates
        if gate.diagonal
    ]
    scales = _scales(blocks, values, widths, settings)
    fracs, product_fracs = scales.choose({"x": x.frac})
    # tanh saturates at the table's end, so a pre-activation need not reach farther; the
    # logistic sigmoid halves its argument first.
    whole = table.log2_range + (1 if layer.sigmoid == "logistic" else 0)
    wide = [trace[f"pre_{gate.name}"] for gate in layer.cell.gates if gate.wide]
    formats = LayerFormats(
        x=x,
        h=Format(width=widths["h"], frac=fracs["h"]),
        c=Format(width=widths["c"], frac=fracs["c"]) if "c" in fracs else None,
        pre=Format(width=settings.pre_width, frac=settings.pre_width - 1 - whole),
        hidden=_format(wide[0], settings.hidden_width, settings.method) if wide else None,
        gate=Format(width=settings.activation_width + 2, frac=settings.activation_width),
        weight_width=settings.weight_width,
        product_fracs=product_fracs,
    )
    forward, *backward = (
        {
            name: weight_format(name, formats).quantize(values)
            for name, values in part.layer.weights.items()
        }
        for part in parts(layer)
    )
    return QuantizedLayer(
        cell=layer.cell,
        sigmoid=layer.sigmoid,
        formats=formats,
        weights=forward,
        direction=layer.direction,
        backward=backward[0] if backward else None,
    )


def _scales(
    blocks: list[Block], values: dict[str, Floats], widths: dict[str, int], settings: Settings
) -> LayerScales:
    return LayerScales(
        blocks,
        values,
        widths=widths,
        weight_width=settings.weight_width,
        method=settings.method,
    )


def _quantize_head(
    head: Dense, h: Floats, logits: Floats, source: Format, settings: Settings
) -> QuantizedDense:
    block = Block("y", "h", head.weights["W"])
    scales = _scales([block], {"h": h}, {"h": source.width}, settings)
    product_frac = scales.choose({"h": source.frac})[1]["y"]
    # One bit of headroom: logits of other samples may be larger.
    out = Format(width=settings.out_width, frac=choose_frac(2 * logits, settings.out_width, "max"))
    weight = Format(width=settings.weight_width, frac=product_frac - source.frac)
    return QuantizedDense(
        h=source,
        out=out,
        weight_width=settings.weight_width,
        product_frac=product_frac,
        weights={
            "W": weight.quantize(head.weights["W"]),
            "b": Format(width=BIAS.width, frac=product_frac).quantize(head.weights["b"]),
        },
    )


def _losses(
    network: Network, result: QuantizedNetwork, samples: Floats, run: FloatRun
) -> Iterator[TensorLoss]:
    yield TensorLoss.measure("x", samples * network.input_scale, result.x)
    layers = zip(network.layers, result.layers, run.layers, strict=True)
    for index, (layer, integer, trace) in enumerate(layers):
        for name, weights in layer.arrays.items():
            to = weight_format(name.removeprefix(BACKWARD), integer.formats)
            yield TensorLoss.measure(f"layer{index}.{name}", weights, to)
        for name in layer.cell.state:
            to = integer.formats.operand(name)
            yield TensorLoss.measure(f"layer{index}.{name}", trace[name], to)
    if network.head and result.head:
        yield TensorLoss.measure("head.W", network.head.weights["W"], result.head.weight)
        yield TensorLoss.measure("head.b", network.head.weights["b"], result.head.bias)
    words = IntegerModel(result).forward(result.quantize_input(samples))
    yield TensorLoss.measure("output", run.output, result.out, got=result.out.to_float(words))


def _format(values: Floats, width: int, method: str) -> Format:
    return Format(width=width, frac=choose_frac(values, width, method))
