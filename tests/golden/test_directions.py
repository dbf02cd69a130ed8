"""Reverse and bidirectional layers, initial state and sequence lengths, in floats and integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.directions import DIRECTIONS
from golden.errors import InputError
from golden.interface import Interface
from golden.model import IntegerModel
from golden.network import Layer, Network
from golden.quantize import quantize
from golden.quantized import QuantizedLayer, QuantizedNetwork
from golden.sessions import serve
from golden.settings import Settings
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from tests import reference
from tests.golden import files
from tests.golden.equations import naive
from tests.networks import (
    EVERY_CELL,
    SOME_CELLS,
    Recipe,
    float_network,
    input_words,
    quantized_network,
    samples,
)

Floats = NDArray[np.float64]

some_cells = pytest.mark.parametrize("cell", SOME_CELLS, ids=str)
every_cell_with_a_sigmoid = pytest.mark.parametrize(
    ("cell", "sigmoid"), list(zip(EVERY_CELL, cycle(("hard", "logistic")))), ids=str
)
every_direction = pytest.mark.parametrize("direction", DIRECTIONS)
STACK = ("bidirectional", "reverse", "forward", "bidirectional")
UNITS = (3, 5, 4, 2)
STEPS = 6


def float_stack(
    directions: tuple[str, ...],
    *cells: Cell,
    outputs: int | None = 3,
    inputs: int = 2,
    sigmoid: str = "hard",
) -> Network:
    """A random float network of layers with these directions."""
    layers: list[Layer] = []
    for index, direction in enumerate(directions):
        recipe = Recipe(
            inputs=layers[-1].outputs if layers else inputs,
            units=(UNITS[index],),
            outputs=None,
            cells=(cells[index % len(cells)],),
            sigmoid=sigmoid,
        )
        first, second = (float_network(recipe, 10 * index + n).layers[0] for n in (1, 2))
        backward = second.weights if direction == "bidirectional" else None
        layers.append(replace(first, direction=direction, backward=backward))
    last = layers[-1].outputs
    if outputs:
        layers.append(float_network(Recipe(units=(last,), outputs=outputs), 7).layers[-1])
    return Network(layers=tuple(layers))


def integer_stack(
    directions: tuple[str, ...], *cells: Cell, settings: Settings | None = None
) -> QuantizedNetwork:
    """Return :func:`float_stack` in integers, with an input scale."""
    network = replace(float_stack(directions, *cells), input_scale=0.5)
    return quantize(network, samples(network, batch=6, steps=9, seed=3), settings)[0]


def one_way(layer: Any) -> list[tuple[Any, int, slice]]:
    """Return per direction a forward layer with its weights, 1 or -1, and its columns."""
    ahead = replace(layer, direction="forward", backward=None)
    columns = slice(0, layer.units)
    if layer.direction == "forward":
        return [(ahead, 1, columns)]
    if layer.direction == "reverse":
        return [(ahead, -1, columns)]
    back = replace(ahead, weights=layer.backward)
    return [(ahead, 1, columns), (back, -1, slice(layer.units, 2 * layer.units))]


# Floats, against the equations written out once more


@every_cell_with_a_sigmoid
@every_direction
def test_a_layer_of_every_direction(cell: Cell, direction: str, sigmoid: str) -> None:
    network = float_stack((direction,), cell, outputs=None, sigmoid=sigmoid)
    (layer,) = network.layers
    x = samples(network, batch=3, steps=STEPS, seed=1)
    rng = np.random.default_rng(1)
    start = {name: rng.normal(size=(3, layer.outputs)) for name in cell.state}
    lengths = [STEPS, 1, 4]
    run = network.run(x, state=[start], lengths=lengths)
    for b, length in enumerate(lengths):
        for part, way, columns in one_way(layer):
            begin = [start[name][b, columns] for name in cell.state]
            h, c = naive(part, x[b, :length][::way], *begin)
            for name, values in {"h": h, "c": c}.items():
                if name in cell.state:
                    got = run.layers[0][name][b, :, columns]
                    np.testing.assert_allclose(got[:length][::way], values, rtol=0, atol=1e-12)
                    assert not got[length:].any()
                    end = run.state[0][name][b, columns]
                    np.testing.assert_allclose(end, values[-1], rtol=0, atol=1e-12)
    assert np.array_equal(run.output, run.state[0]["h"])


def test_a_stack_with_a_head() -> None:
    network = float_stack(STACK, LSTM(), GRU(reset="after"), LiteLSTM(), RNN())
    assert [layer.inputs for layer in network.body] == [2, 6, 5, 4]
    x = samples(network, batch=2, steps=STEPS, seed=2)
    run = network.run(x)
    for b in range(2):
        value, end = x[b], None
        for layer in network.body:
            results = [(naive(p, value[::way])[0], way) for p, way, _ in one_way(layer)]
            value = np.concatenate([h[::way] for h, way in results], axis=1)
            end = np.concatenate([h[-1] for h, _ in results])
        assert network.head
        W, bias = network.head.weights["W_yx"], network.head.weights["b_y"]
        assert end is not None
        np.testing.assert_allclose(run.output[b], W @ end + bias, rtol=0, atol=1e-12)
        np.testing.assert_allclose(run.steps[b], value @ W.T + bias, rtol=0, atol=1e-12)


@every_direction
def test_what_lies_beyond_a_sequence_does_not_matter(direction: str) -> None:
    network = float_stack((direction, direction), LSTM(), GRU())
    x = samples(network, batch=4, steps=STEPS, seed=4)
    lengths = np.array([2, STEPS, 1, 5])
    want = network.run(x, lengths=lengths)
    spoilt = x.copy()
    for b, length in enumerate(lengths):
        spoilt[b, length:] = np.nan
        alone = network.run(x[b : b + 1, :length])
        np.testing.assert_allclose(want.output[b], alone.output[0], rtol=0, atol=1e-12)
    assert np.array_equal(network.run(spoilt, lengths=lengths).output, want.output)


@some_cells
def test_state_carries_over(cell: Cell) -> None:
    network = float_stack(("forward", "forward"), cell)
    x = samples(network, batch=2, steps=STEPS, seed=5)
    whole, first = network.run(x), network.run(x[:, :4])
    rest = network.run(x[:, 4:], state=first.state)
    assert np.array_equal(rest.output, whole.output)
    assert np.array_equal(np.concatenate([first.steps, rest.steps], axis=1), whole.steps)
    fresh = network.run(x[:, 4:]).layers[0]["h"]
    assert not np.array_equal(fresh, rest.layers[0]["h"])


BAD_RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "layers": ({"state": []}, "state is of 0 layers, expected 2"),
    "name": ({"state": [{"s": np.zeros((2, 3))}, {}]}, "state s is not one of a gru layer's"),
    "shape": (
        {"state": [{"h": np.zeros((2, 4))}, {}]},
        "state h is of shape (2, 4), expected (2, 3)",
    ),
    "lengths": ({"lengths": [1]}, "lengths are int64 of shape (1,), expected 2 integers"),
    "real": ({"lengths": [1.0, 2.0]}, "lengths are float64 of shape (2,), expected 2 integers"),
    "zero": ({"lengths": [0, 2]}, "lengths are 0 to 2, expected 1 to 5"),
    "long": ({"lengths": [5, 6]}, "lengths are 5 to 6, expected 1 to 5"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_RUNS.values(), ids=BAD_RUNS)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    network = float_stack(("forward",), GRU())
    with pytest.raises(InputError) as caught:
        network.run(np.zeros((2, 5, 2)), **arguments)
    assert str(caught.value) == message


# Integers, against the scalar reference


def scalar_layer(
    network: QuantizedNetwork, layer: QuantizedLayer, x: list[list[int]], start: dict[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Run one sequence (steps, inputs): h after every step, and h at the end."""
    trace, ends = [], []
    for part, way, columns in one_way(layer):
        alone = QuantizedNetwork(layers=(part,), tanh=network.tanh)
        zero = [0] * layer.units
        begin = [[start[n][columns].tolist() if n in start else zero] for n in ("h", "c")]
        run = reference.run(alone, x[::way], (begin[0], begin[1]))
        h = np.array([step[0] for step in run.h])
        trace.append(h[::way])
        ends.append(h[-1])
    return np.concatenate(trace, axis=1), np.concatenate(ends)


def logits(network: QuantizedNetwork, h: list[int]) -> list[int]:
    """The words of the dense layer at the end for the last recurrent layer's h."""
    alone = QuantizedNetwork(layers=(network.layers[-1],), tanh=network.tanh)
    return reference.run(alone, [h]).y[0]


@some_cells
@every_direction
def test_integers_of_every_direction(cell: Cell, direction: str) -> None:
    network = integer_stack((direction,), cell)
    (layer,) = network.body
    words = input_words(network, batch=2, steps=STEPS, seed=6)
    rng = np.random.default_rng(6)
    start = {
        name: rng.integers(-50, 50, size=(2, layer.outputs), endpoint=True) for name in cell.state
    }
    run = IntegerModel(network).run(words, (start, {}))
    for b, sequence in enumerate(words.tolist()):
        begin = {name: value[b] for name, value in start.items()}
        h, end = scalar_layer(network, layer, sequence, begin)
        assert np.array_equal(run.layers[0]["h"][b], h)
        assert np.array_equal(run.state[0]["h"][b], end)
        assert run.output[b].tolist() == logits(network, end.tolist())


def test_integers_of_a_stack() -> None:
    network = integer_stack(STACK, LSTM(peephole="current"), GRU(), LiteLSTM(), RNN())
    model = IntegerModel(network)
    words = input_words(network, batch=3, steps=STEPS, seed=7)
    run = model.run(words)
    for b, sequence in enumerate(words.tolist()):
        value, end = np.array(sequence), np.zeros(0, dtype=np.int64)
        for layer in network.body:
            value, end = scalar_layer(network, layer, value.tolist(), {})
        assert run.output[b].tolist() == logits(network, end.tolist())
        every = [logits(network, h) for h in value.tolist()]
        assert model.forward_steps(words)[b].tolist() == every
    assert np.array_equal(model.forward(words), run.output)


# The quantizer


@pytest.mark.parametrize(("cell", "method"), list(zip(SOME_CELLS, cycle(("mse", "max")))), ids=str)
def test_quantizer_knows_both_directions(cell: Cell, method: str) -> None:
    network = float_stack(("bidirectional", "reverse"), cell)
    x = samples(network, batch=16, steps=8, seed=8)
    settings = Settings(
        weight_width=14,
        activation_width=14,
        state_width=16,
        pre_width=16,
        log2_range=3,
        interpolate=True,
        method=method,
    )
    result, report = quantize(network, x, settings)
    names = {row.name for row in report.tensors}
    for name in network.layers[0].weights:
        assert {f"layer0.{name}", f"layer0.backward.{name}"} <= names
    assert report.tensors[-1].max_error < 0.01 * np.abs(network.forward(x)).max()
    # Without the backward weights the scales would be others.
    small = replace(network.layers[0], direction="forward", backward=None)
    large = {name: 16 * values for name, values in small.weights.items()}
    loud = replace(network.layers[0], backward=large)
    quiet, wide = (
        quantize(Network(layers=(layer,)), x, settings)[0].layers[0].formats.product_fracs
        for layer in (small, loud)
    )
    assert all(wide[gate] < quiet[gate] for gate in quiet)
    assert result.layers[0].direction == "bidirectional"


def test_sums_of_both_directions_fit_the_accumulator() -> None:
    network = integer_stack(("bidirectional",), RNN())
    layer = network.layers[0]
    assert layer.backward is not None
    zero = {name: np.zeros_like(array) for name, array in layer.weights.items()}
    widths = {
        replace(network, layers=(changed,)).accumulator_width
        for changed in (
            replace(layer, weights=layer.backward, backward=zero),
            replace(layer, weights=zero, backward=layer.backward),
        )
    }
    assert len(widths) == 1
    assert network.products == 2 * (3 * 2 + 3 * 3)


# Files


@pytest.fixture(params=[Network, QuantizedNetwork])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def saved(tmp_path: Path, kind: Any) -> Path:
    make: Callable[..., Any] = float_stack if kind is Network else integer_stack
    make(STACK, LSTM(peephole="previous"), GRU()).save(tmp_path / "net.npz")
    return tmp_path / "net.npz"


def test_files_keep_directions(saved: Path, kind: Any) -> None:
    network = kind.load(saved)
    assert tuple(layer.direction for layer in network.body) == STACK
    again = saved.with_name("again.npz")
    network.save(again)
    before, after = files.fields(saved), files.fields(again)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_forward_layer_needs_no_field(tmp_path: Path) -> None:
    quantized_network(Recipe(), 1).save(tmp_path / "net.npz")
    assert not any("direction" in name for name in files.fields(tmp_path / "net.npz"))
    assert QuantizedNetwork.load(tmp_path / "net.npz").layers[0].direction == "forward"


BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "direction": (
        {"layer1.direction": "sideways"},
        "layer1.direction is 'sideways', expected forward or reverse or bidirectional",
    ),
    "number": ({"layer1.direction": 1}, "layer1.direction is int64 of shape (), expected forward"),
    "no second weights": (
        {"layer1.direction": "bidirectional"},
        "field layer1.backward.W_rx is missing",
    ),
    "second weights too many": (
        {"layer0.direction": "reverse"},
        "unknown field layer0.backward.U_fh",
    ),
    "second weights of another shape": (
        {"layer0.backward.U_gh": np.zeros((3, 4), np.int64)},
        "layer0.backward.U_gh is of shape (3, 4), expected",
    ),
    "one of two gone": (
        {"layer0.backward.b_o": files.REMOVED},
        "field layer0.backward.b_o is missing",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_bad_fields_are_refused(
    saved: Path, kind: Any, changes: dict[str, Any], message: str
) -> None:
    files.rewrite(saved, changes)
    assert files.refusal(kind.load, saved).startswith(message)


def test_second_weights_out_of_range_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    integer_stack(("bidirectional",), RNN()).save(path)
    files.rewrite(path, {"layer0.backward.U_hh": np.full((3, 3), 128)})
    assert "layer0.backward.U_hh[0, 0] is 128, expected an integer from -128 to 127" in (
        files.refusal(QuantizedNetwork.load, path)
    )


def test_bad_layers_are_refused() -> None:
    layer = float_stack(("bidirectional",), RNN()).layers[0]
    assert layer.backward is not None
    spoilt = {**layer.backward, "b_h": np.full(3, np.nan)}
    foreign = {**layer.backward, "b_f": np.zeros(3)}
    less = {name: array for name, array in layer.backward.items() if name != "U_hh"}
    for changes, message in (
        (
            {"direction": "both"},
            "direction is 'both', expected forward or reverse or bidirectional",
        ),
        ({"backward": None}, "a layer with no second set of weights (backward) is bidirectional"),
        ({"direction": "reverse"}, "a layer with a second set of weights (backward) is reverse"),
        (
            {"backward": spoilt},
            "weight backward.b_h holds NaN or infinity, expected finite numbers",
        ),
        ({"backward": foreign}, "weight backward.b_f is not one of a rnn layer's"),
        ({"backward": less}, "weight backward.U_hh is missing"),
    ):
        with pytest.raises(InputError) as caught:
            replace(layer, **changes)
        assert str(caught.value) == message
    two = integer_stack(("bidirectional",), RNN()).layers[0]
    with pytest.raises(InputError, match=r"weight backward\.W_hx is missing"):
        replace(two, backward={"U_hh": two.weights["U_hh"]})


# Hardware


@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_a_core_runs_forward_only(direction: str) -> None:
    network = integer_stack(("forward", direction), GRU())
    message = (
        f"^layer1 is {direction}, expected forward: "
        r"a core runs the steps in the order in which they come, unless it buffers those of the "
        r"longest sequence \(--max-steps N\)$"
    )
    with pytest.raises(InputError, match=message):
        Plan(network=network, options=CoreOptions(lanes=2))
    with pytest.raises(InputError, match=message):
        serve(IntegerModel(network), Interface(), [], [])


@some_cells
def test_one_layer_in_reverse_is_fed_the_sequence_backwards(cell: Cell) -> None:
    """How a core runs a network whose only layer is a reverse one."""
    network = integer_stack(("reverse",), cell)
    first, *rest = network.layers
    core = replace(network, layers=(replace(first, direction="forward"), *rest))
    assert Plan(network=core, options=CoreOptions(lanes=2))
    words = input_words(network, batch=3, steps=STEPS, seed=9)
    want = IntegerModel(network)
    got = IntegerModel(core)
    assert np.array_equal(want.forward(words), got.forward(words[:, ::-1]))
    assert np.array_equal(want.forward_steps(words), got.forward_steps(words[:, ::-1])[:, ::-1])
