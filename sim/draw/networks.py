"""Seeded random quantized networks: any cells, sizes, formats and tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from golden.activations import TanhTable
from golden.cells import Cell, Dense, LiteLSTM
from golden.directions import operand_names
from golden.formats import Format
from golden.layer_formats import LayerFormats, weight_format
from golden.network import weight_shapes
from golden.quantized import QuantizedLayer, QuantizedNetwork
from sim.draw.cells import draw_cells

T = TypeVar("T")

Seed = int | tuple[int, ...]
"""Seed of every draw: a number, or several."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Description of a random network.

    Args:
        inputs: length of the input vector.
        units: units of each recurrent layer.
        outputs: words of the dense head, or ``None`` for no head.
        sigmoid, peephole: of every layer, or one per layer.
        cells: of each layer; LiteLSTM with ``peephole`` by default.
        weight_width, activation_width, state_width, pre_width, out_width: bits, as in
            :class:`golden.quantize.Settings`.
        log2_entries, log2_range, interpolate: the tanh table.
        log2_state: c ranges over +-2**log2_state.
        mixed: every layer draws formats of its own, and every gate a binary point of its products;
            the widths above are then upper bounds.
        extremes: every weight is the smallest or the largest of its format.
        drive: biases hold f at 1 and g at 1 or (in odd units) -1, so c saturates on both sides.
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


def random_recipe(
    seed: Seed, *, units: int = 9, layers: int = 3, cells: tuple[Cell, ...] = (), bits: int = 16
) -> Recipe:
    """Draw a recipe: 1 to ``layers`` layers of 1 to ``units`` units.

    Args:
        seed: decides every draw.
        units, layers: upper bounds.
        cells: each layer draws one of these, by default a LiteLSTM with ``peephole``.
        bits: upper bound of most widths, 4 or more; sums and outputs are wider.
    """
    rng = random_rng(seed, 0)
    count = int(rng.integers(1, layers + 1))

    def pick(*choices: T) -> T:
        return choices[int(rng.integers(len(choices)))]

    return Recipe(
        inputs=int(rng.integers(1, units + 1)),
        units=tuple(int(n) for n in rng.integers(1, units + 1, size=count)),
        outputs=pick(None, int(rng.integers(1, units + 1))),
        sigmoid=tuple(pick("hard", "logistic") for _ in range(count)),
        peephole=tuple(pick("full", "none") for _ in range(count)),
        cells=draw_cells(cells, count, random_rng(seed, 6), random_rng(seed, 7)),
        weight_width=int(rng.integers(2, bits + 1)),
        activation_width=int(rng.integers(3, bits + 1)),
        state_width=int(rng.integers(4, bits + 3)),
        pre_width=int(rng.integers(5, bits + 3)),
        out_width=int(rng.integers(2, 2 * bits + 1)),
        log2_entries=int(rng.integers(2, min(bits, 10) + 1)),
        log2_range=int(rng.integers(2, 5)),
        interpolate=pick(False, True),
        log2_state=int(rng.integers(0, 4)),
        mixed=pick(False, True),
        extremes=pick(False, False, True),
    )


def quantized_network(recipe: Recipe, seed: Seed) -> QuantizedNetwork:
    """Return a network of random integers whose pre-activations cover the tanh table's range."""
    rng = random_rng(seed, 3)
    tanh = tanh_table(recipe)
    x = Format(width=recipe.activation_width, frac=recipe.activation_width - 1)
    layers: list[QuantizedLayer] = []
    for index in range(len(recipe.units)):
        cell, sigmoid = recipe.layer_cell(index), recipe.layer_sigmoid(index)
        sources = [(recipe.layer_inputs(index), x)]
        layers.append(random_layer(recipe, cell, sigmoid, recipe.units[index], sources, rng))
        x = layers[-1].formats.h
    if recipe.outputs:
        layers.append(_head(recipe, x, rng))
    return QuantizedNetwork(layers=tuple(layers), tanh=tanh)


def input_words(
    network: QuantizedNetwork, *, batch: int, steps: int, seed: Seed
) -> NDArray[np.int64]:
    """Draw input words of the whole range, often its ends; (batch, steps, inputs)."""
    rng = random_rng(seed, 4)
    shape = (batch, steps, network.inputs)
    if network.indexed:
        return rng.integers(network.sizes[0], size=shape)
    words = rng.integers(network.x.min, network.x.max, size=shape, endpoint=True)
    ends = np.where(rng.random(shape) < 0.5, network.x.min, network.x.max)
    return np.where(rng.random(shape) < 0.2, ends, words)


def random_rng(seed: Seed, use: int) -> np.random.Generator:
    """Return the generator of a seed for one use; each use has draws of its own."""
    return np.random.default_rng([*(seed if isinstance(seed, tuple) else (seed,)), use])


def with_first_states(
    network: QuantizedNetwork, rng: np.random.Generator, share: float = 0.6
) -> QuantizedNetwork:
    """Draw first states of the whole range for about a ``share`` of the layers' vectors."""
    layers = []
    for layer in network.layers:
        drawn = [name for name in layer.cell.state if rng.random() < share]
        first: dict[str, NDArray[np.int64]] = {}
        for name in drawn:
            to = layer.formats.operand(name)
            first[name] = rng.integers(to.min, to.max, size=layer.outputs, endpoint=True)
        layers.append(replace(layer, first=first or None))
    return replace(network, layers=tuple(layers))


def _of_layer(value: str | tuple[str, ...], index: int) -> str:
    return value if isinstance(value, str) else value[index]


def tanh_table(recipe: Recipe) -> TanhTable:
    """The table of a recipe's network."""
    return TanhTable(
        log2_entries=recipe.log2_entries,
        log2_range=recipe.log2_range,
        interpolate=recipe.interpolate,
        out=Format(width=recipe.activation_width + 2, frac=recipe.activation_width),
    )


def random_layer(
    recipe: Recipe,
    cell: Cell,
    sigmoid: str,
    units: int,
    sources: list[tuple[int, Format]],
    rng: np.random.Generator,
) -> QuantizedLayer:
    """Draw a layer of some units.

    Args:
        recipe: its widths.
        cell, sigmoid, units: of the layer.
        sources: length and format of each vector that it reads.
        rng: of every draw.
    """
    shapes = weight_shapes(cell, [length for length, _ in sources], units)
    formats_read = [to for _, to in sources]

    def width(most: int, least: int = 2) -> int:
        return int(rng.integers(min(least, most), most + 1)) if recipe.mixed else most

    activation, state = width(recipe.activation_width), width(recipe.state_width, 4)
    pre, gate = width(recipe.pre_width, 5), width(recipe.activation_width)
    weight_width = width(recipe.weight_width)
    frac = activation - 1 + (int(rng.integers(-1, 2)) if recipe.mixed else 0)
    h = Format(width=activation, frac=frac)
    c = Format(width=state, frac=state - 1 - recipe.log2_state)
    read = {**dict(zip(operand_names(len(sources)), formats_read, strict=True)), "h": h, "c": c}
    rough = (1 << weight_width) * sum(
        shape[1] ** 0.5 * (1 << read[_operand(cell, name)].width) / 12
        for name, shape in shapes.items()
        if len(shape) == 2
    )  # roughly the standard deviation of all sums together
    pre_frac = max(0, pre - 1 - recipe.log2_range)
    wide = any(g.wide for g in cell.gates)
    hidden = Format(width=width(recipe.pre_width, 5), frac=pre_frac) if wide else None
    common = int(np.ceil(np.log2(rough)))
    fracs = {g.name: common + (rng.integers(-2, 3) if recipe.mixed else 0) for g in cell.gates}
    formats = LayerFormats(
        x=formats_read[0],
        more=tuple(formats_read[1:]),
        h=h,
        c=c if "c" in cell.state else None,
        pre=Format(width=pre, frac=pre_frac),
        hidden=hidden,
        gate=Format(width=gate + 2, frac=gate),
        weight_width=weight_width,
        product_fracs={name: int(fracs[name if cell.state else "y"]) for name in fracs},
    )
    return QuantizedLayer(
        cell=cell,
        sigmoid=sigmoid,
        formats=formats,
        weights=_weights(recipe, shapes, formats, rng),
        sources=None if len(sources) == 1 else tuple(range(len(sources))),
    )


def _operand(cell: Cell, matrix: str) -> str:
    """The operand of a matrix: x, x1, ..., c, or h for r * h, too."""
    return matrix[2 + max(len(g.name) for g in cell.gates if matrix[2:].startswith(g.name)) :]


def _weights(
    recipe: Recipe,
    shapes: dict[str, tuple[int, ...]],
    formats: LayerFormats,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.int64]]:
    return {
        name: _bias(recipe, name, shape[0], formats, rng)
        if name.startswith("b_")
        else _matrix(recipe, shape, limits(name, formats), rng)
        for name, shape in shapes.items()
    }


def _head(recipe: Recipe, x: Format, rng: np.random.Generator) -> QuantizedLayer:
    assert recipe.outputs
    shape = (recipe.outputs, recipe.units[-1])
    product_frac = recipe.weight_width + x.width - 4
    formats = LayerFormats(
        x=x,
        h=Format(width=recipe.out_width, frac=min(product_frac + 1, recipe.out_width - 4)),
        weight_width=recipe.weight_width,
        product_fracs={"y": product_frac},
    )
    bias = 1 << max(0, product_frac)
    weights = {
        "W_yx": _matrix(recipe, shape, limits("W_yx", formats), rng),
        "b_y": rng.integers(-bias, bias, size=shape[0], endpoint=True),
    }
    return QuantizedLayer(cell=Dense(), sigmoid="logistic", formats=formats, weights=weights)


def limits(name: str, formats: LayerFormats) -> tuple[int, int]:
    """Return the range of a matrix or bias, by its name in the equations."""
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
    """Draw biases of about 1, or, with ``drive``, ones so large that they alone set the gate."""
    if recipe.drive:
        largest = (1 << 31) - 1
        odd = np.arange(units) % 2 == 1
        return np.where(odd & (name == "b_g"), -largest, largest)
    size = 1 << min(31, max(1, weight_format(name, formats).frac))
    return rng.integers(-size, size, size=units)
