"""Random networks as graphs of layers, and their equations written out once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell, Dense, LiteLSTM, Pool
from golden.layers import Layer, weight_shapes
from golden.network import Network
from golden.windows import FINAL
from tests.golden.equations import naive, sigma
from tests.networks import Recipe, float_network

Floats = NDArray[np.float64]

ACTIVATIONS = Dense.options["activation"]

CELLS: tuple[Cell, ...] = (
    *(Dense(activation=activation) for activation in ACTIVATIONS),
    Dense(activation="leaky", slope="1/8"),
    RNN(),
    LSTM(peephole="current"),
    GRU(),
    GRU(reset="after"),
    LiteLSTM(),
)


WINDOWS: tuple[Cell, ...] = (
    Dense(pieces="2"),
    Dense(activation="relu", pieces="4"),
    Dense(activation="sigmoid", pieces="3"),
    Pool(),
    Pool(over="max"),
)


@st.composite
def graphs(
    draw: st.DrawFn,
    *,
    layers: int = 5,
    units: int = 4,
    reverse: bool = True,
    windows: bool = False,
) -> Network:
    """Networks in which layers read any earlier vectors, and any vectors are results.

    What no layer reads is a result. With ``windows`` they are forward ones, they read vectors at
    lags, too, and there are the cells of ``WINDOWS``; a result comes from the fifth step on.
    """
    reverse = reverse and not windows
    sizes = [draw(st.integers(1, units), label="inputs")]
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20), label="seed"))
    made: list[Layer] = []
    for index in range(draw(st.integers(1, layers), label="layers")):
        cell = draw(st.sampled_from(CELLS + WINDOWS * windows), label="cell")
        vectors = st.lists(st.integers(0, index), min_size=1, max_size=3, unique=True)
        sources = draw(st.none() | vectors.map(tuple), label="sources")
        lags, warmup = None, 0
        if windows and draw(st.booleans(), label="lags"):
            pairs = st.tuples(st.integers(0, index), st.integers(0, 3))
            reads = draw(st.lists(pairs, min_size=1, max_size=4, unique=True), label="reads")
            sources, lags = (tuple(numbers) for numbers in zip(*reads, strict=True))
            warmup = draw(st.integers(0, 1), label="warmup")
        directions = ["forward", "reverse", "bidirectional"] if reverse and cell.state else []
        direction = draw(st.sampled_from(directions or ["forward"]), label="direction")
        count = draw(st.integers(1, units), label="units")
        shapes = weight_shapes(cell, [sizes[n] for n in sources or (index,)], count)
        forward, backward = (
            {name: rng.normal(scale=0.8, size=shape) for name, shape in shapes.items()}
            for _ in range(2)
        )
        made.append(
            Layer(
                cell=cell,
                sigmoid=draw(st.sampled_from(["hard", "logistic"]), label="sigmoid"),
                weights=forward,
                direction=direction,
                backward=backward if direction == "bidirectional" else None,
                sources=sources,
                lags=lags,
                warmup=warmup,
            )
        )
        sizes.append(made[-1].outputs)
    read = {n for index, layer in enumerate(made) for n in layer.sources or (index,)}
    more = draw(st.sets(st.integers(1, len(made)), max_size=2), label="results")
    results = tuple(sorted(({*range(1, len(made) + 1)} - read) | more))
    return Network(layers=tuple(made), results=results)


def windowed(network: Network, x: Floats) -> Floats:
    """The result of one sequence (steps, inputs) of forward layers, a step after another."""
    vectors = [[*x]]  # vectors[n][t]
    counts = [0]
    for index, layer in enumerate(network.layers):
        sources = layer.sources or (index,)
        counts.append(layer.warmup + max(counts[n] for n in sources))
        reads = [*zip(sources, layer.lags or [0] * len(sources), strict=True)]
        made, zero = [], [np.zeros(network.sizes[n]) for n in range(index + 1)]
        for t in range(len(x)):
            read = [vectors[n][t - k] if t - k >= counts[n] else zero[n] for n, k in reads]
            if isinstance(layer.cell, Dense):
                made.append(dense(layer, read))
            elif t < counts[-1]:
                made.append(np.zeros(layer.outputs))
            else:
                made.append(np.hstack(read))
        if layer.cell.state:
            start, (one, _) = counts[-1], joined(layer, x)
            made[start:] = [*naive(one, np.array(made[start:]))[0]]
        vectors.append(made)
    results = network.results or (len(network.layers),)
    return np.concatenate([vectors[n][-1] for n in results])


def equations(network: Network, x: Floats) -> Floats:
    """The result of one sequence (steps, inputs), by the equations, a layer after another."""
    if any(layer.lags or layer.warmup for layer in network.layers):
        return windowed(network, x)
    steps, finals = [x], [x[-1]]
    for index, layer in enumerate(network.layers):
        sources = layer.sources or (index,)
        if isinstance(layer.cell, Dense):
            every = [dense(layer, [steps[n][t] for n in sources]) for t in range(len(x))]
            steps.append(np.array(every))
            finals.append(dense(layer, [finals[n] for n in sources]))
            continue
        read, ends = joined(layer, np.hstack([steps[n] for n in sources])), []
        if layer.direction == "reverse":
            ends = [naive(read[0], read[1][::-1])[0][::-1]]
            finals.append(ends[0][0])
        else:
            ends = [naive(*read)[0]]
            finals.append(ends[0][-1])
        if layer.backward is not None:
            back, _ = joined(layer, read[1], layer.backward)
            ends.append(naive(back, read[1][::-1])[0][::-1])
            finals[-1] = np.concatenate([finals[-1], ends[1][0]])
        steps.append(np.hstack(ends))
    results = network.results or (len(network.layers),)
    return np.concatenate([finals[n] for n in results])


def dense(layer: Layer, vectors: list[Floats]) -> Floats:
    """A(W x + W' x' + ... + b)."""
    pieces = []
    for gate in (gate.name for gate in layer.cell.gates):
        y = layer.weights[f"b_{gate}"].copy()
        for number, vector in enumerate(vectors):
            y += layer.weights[f"W_{gate}x" + (str(number) if number else "")] @ vector
        pieces.append(y)
    y = np.max(pieces, axis=0)
    match layer.cell:
        case Dense(activation="relu"):
            return np.maximum(0, y)
        case Dense(activation="relu6"):
            return np.clip(y, 0, 6)
        case Dense(activation="leaky", slope=slope):
            return np.where(y < 0, y * {"1/2": 0.5, "1/8": 0.125}[slope], y)
        case Dense(activation="elu" | "selu" as name):
            alpha = 1 if name == "elu" else 1.6732632423543772
            return np.where(y > 0, y, alpha * np.expm1(np.minimum(y, 0)))
        case Dense(activation="tanh"):
            return np.tanh(y)
        case Dense(activation="sigmoid"):
            return sigma(y, layer.sigmoid)
        case _:
            return y


def joined(
    layer: Layer, x: Floats, weights: Mapping[str, Floats] | None = None
) -> tuple[Layer, Floats]:
    """A forward layer that reads all vectors as one, and that vector."""
    given = dict(weights or layer.weights)
    one = {name: array for name, array in given.items() if not name[-1].isdigit()}
    for name in [name for name in one if name.startswith("W_") and name.endswith("x")]:
        more = sorted(other for other in given if other.startswith(name) and other != name)
        one[name] = np.hstack([given[name], *(given[other] for other in more)])
    return Layer(cell=layer.cell, sigmoid=layer.sigmoid, weights=one), x


def decoder(direction: str = "forward") -> Network:
    """An encoder whose final value a decoder of two layers reads in every step."""
    recipe = Recipe(inputs=3, units=(4, 3, 2), outputs=2, cells=(LSTM(), GRU(), LSTM()))
    network = float_network(recipe, 4)
    first, second, *others = network.layers
    weights = dict(second.weights)
    if direction == "bidirectional":
        for gate in second.cell.gates:
            name = gate.matrix("x")
            weights[name] = np.hstack([weights[name], 0.5 * weights[name]])
    both = {name: -array for name, array in first.weights.items()}
    first = replace(
        first, direction=direction, backward=both if direction == "bidirectional" else None
    )
    return Network(layers=(first, replace(second, weights=weights, lags=(FINAL,)), *others))
