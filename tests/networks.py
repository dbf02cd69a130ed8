"""Seeded networks for tests: random ones of any sizes and formats, and ones that hit a corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from golden.activations import TanhTable
from golden.cells import Cell, LiteLSTM
from golden.formats import Format
from golden.network import Dense, Layer, Network, weight_shapes
from golden.quantized import (
    LayerFormats,
    QuantizedDense,
    QuantizedLayer,
    QuantizedNetwork,
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a network shall be like.

    Args:
        inputs: length of the input vector.
        units: units of each recurrent layer.
        outputs: words of the dense head, or ``None`` for no head.
        sigmoid, peephole: of every layer, or one a layer.
        cells: of each layer; LiteLSTM with ``peephole`` by default.
        weight_width, activation_width, state_width, pre_width, out_width: bits, as in
            :class:`golden.quantize.Settings`.
        log2_entries, log2_range, interpolate: the tanh table.
        log2_state: c ranges over +-2**log2_state.
        mixed: every layer draws formats of its own; the widths above are then upper bounds.
        extremes: every weight is the smallest or the largest of its format.
        drive: biases hold f at 1 and g at 1 (even units) or -1 (odd units), so that c saturates
            on both sides.
    """

    inputs: int = 3
    units: tuple[int, ...] = (5,)
    outputs: int | None = 2
    sigmoid: str | tuple[str, ...] = "hard"
    peephole: str | tuple[str, ...] = "full"
    cells: tuple[Cell, ...] | None = None
    weight_width: int = 8
    activation_width: int = 8
    state_width: int = 12
    pre_width: int = 12
    out_width: int = 16
    log2_entries: int = 8
    log2_range: int = 2
    interpolate: bool = False
    log2_state: int = 2
    mixed: bool = False
    extremes: bool = False
    drive: bool = False

    def layer_cell(self, index: int) -> Cell:
        """The cell of a layer."""
        if self.cells is not None:
            return self.cells[index]
        return LiteLSTM(peephole=_of_layer(self.peephole, index))

    def layer_sigmoid(self, index: int) -> str:
        """The gate activation of a layer."""
        return _of_layer(self.sigmoid, index)

    def layer_inputs(self, index: int) -> int:
        """Length of a layer's input vector."""
        return self.units[index - 1] if index else self.inputs


def random_recipe(seed: int, *, units: int = 9, layers: int = 3) -> Recipe:
    """A recipe that draws everything: 1 to ``layers`` layers of 1 to ``units`` units."""
    rng = np.random.default_rng([seed, 0])
    count = int(rng.integers(1, layers + 1))

    def pick(*choices: T) -> T:
        return choices[int(rng.integers(len(choices)))]

    return Recipe(
        inputs=int(rng.integers(1, units + 1)),
        units=tuple(int(n) for n in rng.integers(1, units + 1, size=count)),
        outputs=pick(None, int(rng.integers(1, units + 1))),
        sigmoid=tuple(pick("hard", "logistic") for _ in range(count)),
        peephole=tuple(pick("full", "none") for _ in range(count)),
        weight_width=int(rng.integers(2, 17)),
        activation_width=int(rng.integers(3, 17)),
        state_width=int(rng.integers(4, 19)),
        pre_width=int(rng.integers(5, 19)),
        out_width=int(rng.integers(2, 33)),
        log2_entries=int(rng.integers(2, 11)),
        log2_range=int(rng.integers(2, 5)),
        interpolate=pick(False, True),
        log2_state=int(rng.integers(0, 4)),
        mixed=pick(False, True),
        extremes=pick(False, False, True),
    )


def float_network(recipe: Recipe, seed: int) -> Network:
    """A float network with normally distributed weights; sizes, cells and head of the recipe."""
    rng = np.random.default_rng([seed, 1])
    layers = []
    for index, units in enumerate(recipe.units):
        cell = recipe.layer_cell(index)
        shapes = weight_shapes(cell, recipe.layer_inputs(index), units)
        weights = {
            name: rng.normal(scale=1.0 if len(shape) == 1 else 1.5 / shape[1] ** 0.5, size=shape)
            for name, shape in shapes.items()
        }
        layers.append(Layer(cell=cell, sigmoid=recipe.layer_sigmoid(index), weights=weights))
    head = None
    if recipe.outputs:
        shape = (recipe.outputs, recipe.units[-1])
        head = Dense(weights={"W": rng.normal(size=shape), "b": rng.normal(size=shape[0])})
    return Network(layers=tuple(layers), head=head)


def samples(network: Network, *, batch: int, steps: int, seed: int) -> NDArray[np.float64]:
    """Samples for a float network, normally distributed, shape (batch, steps, inputs)."""
    rng = np.random.default_rng([seed, 2])
    return rng.normal(size=(batch, steps, network.inputs)) / network.input_scale


def quantized_network(recipe: Recipe, seed: int) -> QuantizedNetwork:
    """A network of random integer weights whose pre-activations cover the tanh table's range."""
    rng = np.random.default_rng([seed, 3])
    tanh = _tanh_table(recipe)
    x = Format(width=recipe.activation_width, frac=recipe.activation_width - 1)
    layers: list[QuantizedLayer] = []
    for index in range(len(recipe.units)):
        layers.append(_layer(recipe, index, x, rng))
        x = layers[-1].formats.h
    head = _head(recipe, x, rng) if recipe.outputs else None
    return QuantizedNetwork(layers=tuple(layers), head=head, tanh=tanh)


def input_words(
    network: QuantizedNetwork, *, batch: int, steps: int, seed: int
) -> NDArray[np.int64]:
    """Input words over the whole range, both its ends among them; (batch, steps, inputs)."""
    rng = np.random.default_rng([seed, 4])
    shape = (batch, steps, network.inputs)
    words = rng.integers(network.x.min, network.x.max, size=shape, endpoint=True)
    ends = np.where(rng.random(shape) < 0.5, network.x.min, network.x.max)
    return np.where(rng.random(shape) < 0.2, ends, words)


def bound_network(
    *, sign: int = -1, inputs: int = 4, units: int = 6, width: int = 8
) -> tuple[QuantizedNetwork, NDArray[np.int64]]:
    """A network and a sequence that drive every sum of gate f to its upper bound.

    With ``sign`` -1 every operand and weight of f becomes the most negative number. With
    ``inputs + 2 * units`` a power of two, as by default, one bit less of an accumulator would make
    the sum wrap, and f 0 instead of 1.

    Args:
        sign: 1 for largest times largest, -1 for most negative times most negative.
        inputs, units: sizes.
        width: bits of weights, x, h and c.

    Returns:
        The network, without head, and input words of shape (1, 8, inputs).
    """
    operand = Format(width=width, frac=width - 1)
    formats = LayerFormats(
        x=operand,
        h=operand,
        c=Format(width=width, frac=width - 3),
        pre=Format(width=12, frac=9),
        gate=Format(width=10, frac=8),
        weight_width=width,
        # One product of x alone is far beyond the hard sigmoid's range.
        product_frac=2 * width - 8,
    )
    cell = LiteLSTM()
    weights: dict[str, NDArray[np.int64]] = {}
    for name, shape in weight_shapes(cell, inputs, units).items():
        low, high = _limits(name, formats)
        if name.startswith("b_"):
            weights[name] = np.zeros(shape, dtype=np.int64)
        else:  # f's sums are positive, g's have the operands' sign
            smallest = sign < 0 and "f" in name
            weights[name] = np.full(shape, low if smallest else high)
    layer = QuantizedLayer(cell=cell, sigmoid="hard", formats=formats, weights=weights)
    tanh = TanhTable(log2_entries=8, log2_range=3, out=Format(width=10, frac=8))
    network = QuantizedNetwork(layers=(layer,), head=None, tanh=tanh)
    end = operand.min if sign < 0 else operand.max
    return network, np.full((1, 8, inputs), end, dtype=np.int64)


def _of_layer(value: str | tuple[str, ...], index: int) -> str:
    return value if isinstance(value, str) else value[index]


def _tanh_table(recipe: Recipe) -> TanhTable:
    return TanhTable(
        log2_entries=recipe.log2_entries,
        log2_range=recipe.log2_range,
        interpolate=recipe.interpolate,
        out=Format(width=recipe.activation_width + 2, frac=recipe.activation_width),
    )


def _layer(recipe: Recipe, index: int, x: Format, rng: np.random.Generator) -> QuantizedLayer:
    cell = recipe.layer_cell(index)
    shapes = weight_shapes(cell, recipe.layer_inputs(index), recipe.units[index])

    def width(most: int, least: int = 2) -> int:
        return int(rng.integers(min(least, most), most + 1)) if recipe.mixed else most

    activation, state = width(recipe.activation_width), width(recipe.state_width, 4)
    pre, gate = width(recipe.pre_width, 5), width(recipe.activation_width)
    weight_width = width(recipe.weight_width)
    h = Format(
        width=activation, frac=activation - 1 + (int(rng.integers(-1, 2)) if recipe.mixed else 0)
    )
    c = Format(width=state, frac=state - 1 - recipe.log2_state)
    rough = (1 << weight_width) * sum(
        shape[1] ** 0.5 * (1 << {"x": x, "h": h, "c": c}[name[-1]].width) / 12
        for name, shape in shapes.items()
        if len(shape) == 2
    )  # about the deviation of all sums together
    pre_frac = max(0, pre - 1 - recipe.log2_range)
    formats = LayerFormats(
        x=x,
        h=h,
        c=c if "c" in cell.state else None,
        pre=Format(width=pre, frac=pre_frac),
        hidden=Format(width=pre, frac=pre_frac) if any(g.wide for g in cell.gates) else None,
        gate=Format(width=gate + 2, frac=gate),
        weight_width=weight_width,
        product_frac=int(np.ceil(np.log2(rough))),
    )
    weights = {
        name: _bias(recipe, name, shape[0], formats, rng)
        if name.startswith("b_")
        else _matrix(recipe, shape, _limits(name, formats), rng)
        for name, shape in shapes.items()
    }
    return QuantizedLayer(
        cell=cell, sigmoid=recipe.layer_sigmoid(index), formats=formats, weights=weights
    )


def _head(recipe: Recipe, h: Format, rng: np.random.Generator) -> QuantizedDense:
    assert recipe.outputs
    shape = (recipe.outputs, recipe.units[-1])
    limits = -(1 << (recipe.weight_width - 1)), (1 << (recipe.weight_width - 1)) - 1
    product_frac = recipe.weight_width + h.width - 4
    bias = 1 << max(0, product_frac)
    return QuantizedDense(
        h=h,
        out=Format(width=recipe.out_width, frac=min(product_frac + 1, recipe.out_width - 4)),
        weight_width=recipe.weight_width,
        product_frac=product_frac,
        weights={
            "W": _matrix(recipe, shape, limits, rng),
            "b": rng.integers(-bias, bias, size=shape[0], endpoint=True),
        },
    )


def _limits(name: str, formats: LayerFormats) -> tuple[int, int]:
    """Range of a matrix or bias, by its name in the equations."""
    width = 32 if name.startswith("b_") else formats.weight_width
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


def _matrix(
    recipe: Recipe, shape: tuple[int, ...], limits: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    if recipe.extremes:
        return rng.choice(np.array(limits, dtype=np.int64), size=shape)
    return rng.integers(*limits, size=shape, endpoint=True)


def _bias(
    recipe: Recipe, name: str, units: int, formats: LayerFormats, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Biases of about 1, or ones that decide alone."""
    if recipe.drive:
        largest = (1 << 31) - 1
        odd = np.arange(units) % 2 == 1
        return np.where(odd & (name == "b_g"), -largest, largest)
    size = 1 << min(31, max(1, formats.product_frac))
    return rng.integers(-size, size, size=units)
