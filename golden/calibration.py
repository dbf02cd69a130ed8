"""A float network with calibration samples, ready to be quantized with any settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden.activations import TanhTable
from golden.cells import Floats
from golden.directions import parts
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import BIAS, LayerFormats, weight_format
from golden.network import Dense, Layer, Network
from golden.quantized import QuantizedDense, QuantizedLayer, QuantizedNetwork
from golden.refinement import refine
from golden.scales import Block, LayerScales, Observed
from golden.settings import Settings

_Points = tuple[dict[str, int], dict[str, int]]


class Calibration:
    """A float network's tensors on calibration samples, from which formats are chosen.

    The float network runs once. Statistics of its tensors are cached, so quantizing again with
    other settings is quick.

    Args:
        network: the float network.
        samples: calibration samples of shape (batch, steps, inputs), before ``input_scale``.

    Attributes:
        run: the float network's trace and output for the samples.
    """

    def __init__(self, network: Network, samples: Floats) -> None:
        self.network = network
        self.samples = samples
        self.run = network.run(samples)
        self._x = Observed(samples * network.input_scale)
        self._layers: list[_ObservedLayer] = []
        x = self._x
        for layer, trace in zip(network.layers, self.run.layers, strict=True):
            self._layers.append(_ObservedLayer.of(layer, x, trace))
            x = self._layers[-1].values["h"]
        self._head_h = Observed(self.run.state[-1]["h"])
        self._out = Observed(2 * self.run.output)  # twice: logits of other samples may be larger

    def quantize(self, settings: Settings) -> QuantizedNetwork:
        """Choose every format and round the weights.

        Raises:
            InputError: a tensor's numbers are too large or too small for any format.
        """
        table = settings.tanh_table()
        try:
            x = _format(self._x, settings.x_width, settings.method)
            layers: list[QuantizedLayer] = []
            for observed in self._layers:
                layers.append(_quantize_layer(observed, x, settings, table))
                x = layers[-1].formats.h
            head = self._quantize_head(self.network.head, x, settings)
            result = QuantizedNetwork(
                layers=tuple(layers), head=head, tanh=table, input_scale=self.network.input_scale
            )
            if settings.refine:
                result = refine(self.network, result, self.samples, self.run.output)
            return result
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"values are too large or too small to quantize: {error}") from None

    def _quantize_head(
        self, head: Dense | None, source: Format, settings: Settings
    ) -> QuantizedDense | None:
        if head is None:
            return None
        scales = LayerScales(
            [Block("y", "h", Observed(head.weights["W"]))],
            {"y": Observed(head.weights["b"])},
            {"h": self._head_h},
            widths={"h": source.width},
            weight_width=settings.weight_width,
            method=settings.method,
        )
        product_frac = scales.choose({"h": source.frac})[1]["y"]
        weight = Format(width=settings.weight_width, frac=product_frac - source.frac)
        return QuantizedDense(
            h=source,
            out=_format(self._out, settings.out_width, "max"),
            weight_width=settings.weight_width,
            product_frac=product_frac,
            weights={
                "W": weight.quantize(head.weights["W"]),
                "b": Format(width=BIAS.width, frac=product_frac).quantize(head.weights["b"]),
            },
        )


@dataclass(frozen=True)
class _ObservedLayer:
    """One layer's observed tensors: operands, wide sums (``hidden``), matrices, biases by gate."""

    layer: Layer
    values: dict[str, Observed]
    hidden: Observed | None
    blocks: list[Block]
    biases: dict[str, Observed]
    _chosen: dict[tuple[Any, ...], _Points] = field(default_factory=dict)

    def choose(self, x: Format, widths: dict[str, int], settings: Settings) -> _Points:
        """Binary points of the operands and of each gate's products; cached across settings."""
        key = x, *widths.values(), settings.weight_width, settings.method
        if key not in self._chosen:
            scales = LayerScales(
                self.blocks,
                self.biases,
                self.values,
                widths=widths,
                weight_width=settings.weight_width,
                method=settings.method,
            )
            self._chosen[key] = scales.choose({"x": x.frac})
        return self._chosen[key]

    @classmethod
    def of(cls, layer: Layer, x: Observed, trace: dict[str, Floats]) -> _ObservedLayer:
        blocks: list[Block] = []
        for part in parts(layer):
            weights = part.layer.weights
            for gate in layer.cell.gates:
                for name in gate.reads:
                    operand = "h" if name == "rh" else name
                    matrix = Observed(weights[gate.matrix(name)])
                    blocks.append(Block(gate.name, operand, matrix))
                if gate.diagonal:
                    diagonal = Observed(weights[gate.peephole][:, np.newaxis])
                    blocks.append(Block(gate.name, "c", diagonal))
        values = {"x": x} | {name: Observed(trace[name]) for name in layer.cell.state}
        wide = [Observed(trace[f"pre_{gate.name}"]) for gate in layer.cell.gates if gate.wide]
        biases = {
            gate.name: Observed(
                np.concatenate([part.layer.weights[gate.bias] for part in parts(layer)])
            )
            for gate in layer.cell.gates
        }
        return cls(layer, values, wide[0] if wide else None, blocks, biases)


def _quantize_layer(
    observed: _ObservedLayer, x: Format, settings: Settings, table: TanhTable
) -> QuantizedLayer:
    layer, hidden = observed.layer, observed.hidden
    widths = {"x": x.width, "h": settings.activation_width}
    if "c" in layer.cell.state:
        widths["c"] = settings.state_width
    fracs, product_fracs = observed.choose(x, widths, settings)
    # tanh saturates at the end of its table, so a pre-activation needs no larger range. The
    # logistic sigmoid halves its argument first and needs one more integer bit.
    whole = table.log2_range + (1 if layer.sigmoid == "logistic" else 0)
    formats = LayerFormats(
        x=x,
        h=Format(width=widths["h"], frac=fracs["h"]),
        c=Format(width=widths["c"], frac=fracs["c"]) if "c" in fracs else None,
        pre=Format(width=settings.pre_width, frac=settings.pre_width - 1 - whole),
        hidden=_format(hidden, settings.hidden_width, settings.method) if hidden else None,
        gate=settings.gate,
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


def _format(values: Observed, width: int, method: str) -> Format:
    return Format(width=width, frac=values.choose_frac(width, method))
