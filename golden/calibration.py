"""A float network with calibration samples, ready to be quantized with any settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from golden.activations import TanhTable
from golden.cells import Floats, Gate, Pool
from golden.directions import parts
from golden.errors import InputError
from golden.formats import Format, WeightFormat
from golden.layer_formats import LayerFormats, weight_format
from golden.network import Layer, Network
from golden.quantized import QuantizedLayer, QuantizedNetwork
from golden.rounding import COMPENSATED, Rounding
from golden.scales import Block, LayerScales, Observed
from golden.settings import Settings
from golden.windows import FINAL

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
        self._x = Observed(network.first_vector(samples * network.input_scale, -1))
        steps = [self._x, *(Observed(trace["h"]) for trace in self.run.layers)]
        finals = [Observed(values) for values in self.run.finals]
        self._layers: list[_ObservedLayer] = []
        for index, (layer, sources) in enumerate(zip(network.layers, network.sources)):
            late = index in network.late
            xs = [
                finals[source] if lag == FINAL or (late and not lag) else steps[source]
                for source, lag in zip(sources, network.lags[index])
            ]
            h = (finals if late else steps)[index + 1]
            self._layers.append(_ObservedLayer.of(layer, xs, h, self.run.layers[index]))
        # Twice the range: logits of other samples may be larger.
        self._logits = {
            vector: Observed(2 * self.run.finals[vector])
            for vector in network.result_vectors
            if not network.layers[vector - 1].cell.state and not network.is_read(vector)
        }

    @cached_property
    def _rounding(self) -> Rounding:
        return Rounding(self.network, self.samples)

    def quantize(self, settings: Settings, *, fit: bool = False) -> QuantizedNetwork:
        """Choose every format and round the weights, narrow ones as :mod:`golden.rounding` does.

        Args:
            settings: widths and method.
            fit: whether to run a network of narrow weights on the samples, to see whether the
                nearest numbers do better and which biases do best.

        Raises:
            InputError: a tensor's numbers are too large or too small for any format.
        """
        nearest = self.nearest(settings)
        if settings.weight_width > COMPENSATED:
            return nearest
        compensated = self._rounding.round(nearest)
        return self._rounding.best([compensated, nearest]) if fit else compensated

    def nearest(self, settings: Settings) -> QuantizedNetwork:
        """Choose every format and round each weight to the nearest number.

        Raises:
            InputError: a tensor's numbers are too large or too small for any format.
        """
        table = settings.tanh_table()
        try:
            layers = self._choose(settings, table, None)
            results = self.network.result_vectors
            if len({layers[vector - 1].formats.h for vector in results}) > 1:
                layers = self._choose(settings, table, self._coarsest(layers, settings))
            return QuantizedNetwork(
                layers=tuple(layers),
                results=self.network.results,
                tanh=table,
                input_scale=self.network.input_scale,
                flush=self.network.flush,
                fold=self.network.fold,
                indexed=self.network.indexed,
            )
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"values are too large or too small to quantize: {error}") from None

    def _choose(
        self, settings: Settings, table: TanhTable, out: Format | None
    ) -> list[QuantizedLayer]:
        """Quantize all layers; ``out``, if given, is the format of the layers that make results."""
        vectors = [
            self._layers[0].element(settings)
            if self.network.indexed
            else _format(self._x, settings.x_width, settings.method)
        ]
        layers: list[QuantizedLayer] = []
        for observed, sources in zip(self._layers, self.network.sources, strict=True):
            h, vector = None, len(vectors)
            if out and vector in self.network.result_vectors:
                h = out
            elif vector in self._logits:
                h = _format(self._logits[vector], settings.out_width, "max")
            xs = [vectors[source] for source in sources]
            layers.append(_quantize_layer(observed, xs, h, settings, table))
            vectors.append(layers[-1].formats.h)
        return layers

    def _coarsest(self, layers: list[QuantizedLayer], settings: Settings) -> Format:
        """Choose one format for several results."""
        results = self.network.result_vectors
        read = [vector for vector in results if vector not in self._logits]
        width = settings.activation_width if read else settings.out_width
        fracs = [layers[vector - 1].formats.h.frac for vector in read]
        fracs += [logits.choose_frac(width, "max") for logits in self._logits.values()]
        return Format(width=width, frac=min(fracs))


@dataclass(frozen=True)
class _ObservedLayer:
    """One layer's observed tensors: operands, h, wide sums (``hidden``), matrices, biases.

    The pieces of a dense layer count as one gate, for their sums are compared.
    """

    layer: Layer
    values: dict[str, Observed]
    h: Observed
    hidden: Observed | None
    blocks: list[Block]
    biases: dict[str, Observed]
    _chosen: dict[tuple[Any, ...], _Points] = field(default_factory=dict)

    def choose(self, given: dict[str, int], widths: dict[str, int], settings: Settings) -> _Points:
        """Choose binary points of operands and of each gate's products; cached across settings."""
        key = *given.items(), *widths.items(), settings.weight_width, settings.method
        if key not in self._chosen:
            scales = LayerScales(
                self.blocks,
                self.biases,
                self.values,
                widths=widths,
                weight_width=settings.weight_width,
                method=settings.method,
            )
            self._chosen[key] = scales.choose(given)
        return self._chosen[key]

    def element(self, settings: Settings) -> Format:
        """Choose the format of x where it is an index, which selects an element that is 1.

        Any power of two will do. The smallest one is cheapest; but a layer that reads its own h,
        too, needs one with which the weights of x and of h use as much of their range.
        """
        largest = {"x": 0.0, "h": 0.0}
        for part, gate in product(parts(self.layer), self.layer.cell.gates):
            for name in largest:
                matrix = part.layer.weights.get(gate.matrix(name), np.zeros(1))
                largest[name] = max(largest[name], float(np.abs(matrix).max()))
        frac, most = 0, settings.x_width - 2
        if min(largest.values()) > 0:
            h = self.h.choose_frac(settings.activation_width, settings.method)
            frac = h + round(float(np.log2(largest["x"] / largest["h"])))
        frac = min(max(frac, 0), most)
        return Format(width=frac + 2, frac=frac)

    @classmethod
    def of(
        cls, layer: Layer, xs: list[Observed], h: Observed, trace: dict[str, Floats]
    ) -> _ObservedLayer:
        blocks: list[Block] = []
        for part in parts(layer):
            weights = part.layer.weights
            for gate in layer.cell.gates:
                for name in layer.reads(gate):
                    operand = "h" if name == "rh" else name
                    matrix = Observed(weights[gate.matrix(name)], WeightFormat)
                    blocks.append(Block(_alike(layer, gate), operand, matrix))
                if gate.diagonal:
                    diagonal = Observed(weights[gate.peephole][:, np.newaxis], WeightFormat)
                    blocks.append(Block(gate.name, "c", diagonal))
        values = dict(zip(layer.operands, xs, strict=True))
        values |= {n: h if n == "h" else Observed(trace[n]) for n in layer.cell.state}
        if layer.first:  # seen by the first step
            start = layer.start(len(trace["h"]))
            values |= {
                n: Observed(np.concatenate([v[:, np.newaxis], trace[n]], axis=1))
                for n, v in start.items()
            }
        wide = [trace[f"pre_{gate.name}"] for gate in layer.cell.gates if gate.wide]
        hidden = Observed(wide[0]) if wide else None
        if wide[1:]:  # of a + r m, where both are wide, |a| + |m| is a bound
            hidden = Observed(np.abs(wide).sum(axis=0))
        found: dict[str, list[Floats]] = {}
        for gate in layer.cell.gates:
            given = (part.layer.weights[gate.bias] for part in parts(layer))
            found.setdefault(_alike(layer, gate), []).extend(given)
        biases = {name: Observed(np.concatenate(arrays)) for name, arrays in found.items()}
        return cls(layer, values, h, hidden, blocks, biases)


def _quantize_layer(
    observed: _ObservedLayer,
    xs: list[Format],
    h: Format | None,
    settings: Settings,
    table: TanhTable,
) -> QuantizedLayer:
    """Choose a layer's formats, h's only if it is not given, and round the weights."""
    layer, hidden, uses = observed.layer, observed.hidden, observed.layer.cell.formats
    given = {name: to.frac for name, to in zip(layer.operands, xs, strict=True)}
    widths = {name: to.width for name, to in zip(layer.operands, xs, strict=True)}
    wide = settings.state_width if layer.cell == Pool() else 0  # a sum over many steps
    own = {
        "h": h.width if h else max(wide, settings.activation_width),
        "c": settings.state_width,
    }
    widths |= {name: own[name] for name in layer.cell.state}
    if h and "h" in widths:
        given["h"] = h.frac
    fracs, product_fracs = observed.choose(given, widths, settings)
    if h is None and "h" in fracs:
        h = Format(width=widths["h"], frac=fracs["h"])
    # tanh saturates at the end of its table, so a pre-activation needs no larger range. The
    # logistic sigmoid halves its argument first and needs one more integer bit.
    halved = layer.sigmoid == "logistic" and "gate" in uses
    whole = table.log2_range + (1 if halved else 0)
    pre = Format(width=settings.pre_width, frac=settings.pre_width - 1 - whole)
    formats = LayerFormats(
        x=xs[0],
        more=tuple(xs[1:]),
        h=h or _format(observed.h, settings.activation_width, settings.method),
        c=Format(width=widths["c"], frac=fracs["c"]) if "c" in fracs else None,
        pre=pre if "pre" in uses else None,
        hidden=_format(hidden, settings.hidden_width, settings.method) if hidden else None,
        gate=settings.gate if "gate" in uses else None,
        weight_width=settings.weight_width,
        product_fracs={gate.name: product_fracs[_alike(layer, gate)] for gate in layer.cell.gates},
    )
    start = (layer.first or {}).items()
    first = {name: formats.operand(name).quantize(value) for name, value in start}
    forward, *backward = (
        {name: weight_format(name, formats).quantize(w) for name, w in part.layer.weights.items()}
        for part in parts(layer)
    )
    return QuantizedLayer(
        cell=layer.cell,
        sigmoid=layer.sigmoid,
        formats=formats,
        weights=forward,
        direction=layer.direction,
        backward=backward[0] if backward else None,
        sources=layer.sources,
        lags=layer.lags,
        warmup=layer.warmup,
        first=first or None,
    )


def _alike(layer: Layer, gate: Gate) -> str:
    """Name of the first gate that has the same binary point of products."""
    return gate.name if layer.cell.state else layer.cell.gates[0].name


def _format(values: Observed, width: int, method: str) -> Format:
    return Format(width=width, frac=values.choose_frac(width, method))
