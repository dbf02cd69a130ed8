"""Assembly of networks from forms: what is folded, what becomes a layer, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.cells import LSTM, Dense, LiteLSTM
from golden.errors import InputError
from golden.network import Layer, Network
from litelstm.importers.assemble import assemble
from litelstm.importers.forms import Atom, Form, made_by
from litelstm.importers.joining import combine, joined
from litelstm.importers.layers import LOGISTIC, GateWeights, make_layer
from litelstm.importers.operations import activated, affine, features, mapped, sequence
from litelstm.importers.proof import imported
from litelstm.importers.recurrent import recurrent
from litelstm.importers.tensors import Data
from litelstm.importers.text import layer_text

Floats = NDArray[np.float64]
RNG = np.random.default_rng(17)
INPUTS, UNITS, STEPS = 3, 4, 5
X = RNG.normal(size=(2, STEPS, INPUTS))


def lite(inputs: int) -> Layer:
    """A LiteLSTM of random weights without peephole."""
    gates = {
        name: GateWeights(
            b=RNG.normal(size=UNITS),
            x=RNG.normal(size=(UNITS, inputs)),
            h=RNG.normal(size=(UNITS, UNITS)),
        )
        for name in "fg"
    }
    return make_layer(LiteLSTM(peephole="none"), LOGISTIC, gates)


def samples() -> Data:
    return sequence(INPUTS, STEPS, ("batch", "steps", "features"))


def run(data: Data, layer: Layer, *, steps: bool = True) -> Data:
    return features(data, recurrent(data, [layer]), steps=steps)


def network(*outputs: Data) -> Network:
    return assemble([(f"y{n}", data) for n, data in enumerate(outputs)], steps=STEPS).network


def h(layer: Layer, x: Floats) -> Floats:
    return layer.run(x)["h"]


def close(a: Floats, b: Floats) -> bool:
    return np.abs(a - b).max() < 1e-12


def test_linear_maps_become_weights_of_what_reads_them() -> None:
    layer = lite(6)
    front, inner, back = (RNG.normal(size=s) for s in ((INPUTS, 5), (5, 6), (UNITS, 2)))
    scale, offset = RNG.normal(size=INPUTS), RNG.normal(size=INPUTS)
    data = mapped(mapped(affine(samples(), scale, offset), front), inner)
    made = network(mapped(run(data, layer, steps=False), back))
    assert [type(one.cell) for one in made.layers] == [LiteLSTM, Dense]
    wanted = h(layer, (X * scale + offset) @ front @ inner)[:, -1] @ back
    assert close(made.forward(X), wanted)


def test_a_residual_sum_reads_both_vectors_with_the_same_weights() -> None:
    first, second = lite(INPUTS), lite(UNITS)
    a = run(samples(), first)
    b = run(a, second)
    third = lite(UNITS)
    made = network(run(combine(a, b, Form.plus), third, steps=False))
    assert [layer.sources for layer in made.layers] == [(0,), (1,), (1, 2)]
    assert np.array_equal(made.layers[2].weights["W_fx"], made.layers[2].weights["W_fx1"])
    one = h(first, X)
    assert close(made.forward(X), h(third, one + h(second, one))[:, -1])


def test_concatenation_is_several_sources_in_any_order() -> None:
    first, second = lite(INPUTS), lite(UNITS + INPUTS)
    a = run(samples(), first)
    made = network(run(joined([a, samples()], -1), second, steps=False))
    assert made.layers[1].sources == (0, 1)
    wanted = h(second, np.concatenate([h(first, X), X], axis=2))[:, -1]
    assert close(made.forward(X), wanted)


ACTIVATIONS: dict[str, tuple[Callable[[Floats], Floats], dict[str, str]]] = {
    "relu": (lambda a: np.maximum(a, 0), {"activation": "relu"}),
    "relu6": (lambda a: np.clip(a, 0, 6), {"activation": "relu6"}),
    "tanh": (np.tanh, {"activation": "tanh"}),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), {"activation": "sigmoid"}),
    "leaky_relu": (
        lambda a: np.maximum(a, a / 8),
        {"activation": "leaky", "slope": "1/8"},
    ),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_a_dense_layer_once(name: str) -> None:
    """It reads its linear map, and several readers share it."""
    function, options = ACTIVATIONS[name]
    matrix, layer = 4 * RNG.normal(size=(INPUTS, 6)), lite(6)
    dense = activated(mapped(samples(), matrix), name, 1 / 8)
    made = network(joined([run(dense, layer), dense], -1))
    assert made.layers[0].cell == Dense(**options)
    assert [layer.sources for layer in made.layers] == [(0,), (1,), (1, 2)]
    value = function(X @ matrix)
    wanted = np.concatenate([h(layer, value), value], axis=2)
    assert close(made.run(X).steps, wanted)


def test_an_axis_of_one_sample_is_that_of_the_batch() -> None:
    """An exporter may name it so in one branch alone, where an axis of size 1 was put in."""
    one = samples()
    other = Data(("one", "steps", "features"), one.forms, 1)
    for parts in ([one, other], [other, one]):
        assert joined(parts, -1).axes == ("batch", "steps", "features")
        assert joined(parts, 2).features == 2 * INPUTS


def test_axes_of_features_and_of_steps_are_divided() -> None:
    """Four vectors are two layers' directions; a result of six words has two axes."""
    four = Data(("steps", "batch", "features"), samples().forms[:4], 1).reshaped([2, 2, 1, INPUTS])
    assert four.shape == (2, 2, 1, INPUTS)
    last = four.taken(0, np.array(-1))
    assert (last.axes, last.forms) == (("steps", "batch", "features"), four.forms[2:])
    assert four.taken(1, np.array([1])).forms == four.forms[1::2]
    words = Data(("batch", "features"), (samples().forms[0],), 1)
    six = joined([words, words], -1).reshaped([1, 3, 2])
    assert (six.shape, six.axes[1]) == ((1, 3, 2), "features")


def test_results_are_vectors_in_ascending_order() -> None:
    layer = lite(INPUTS)
    a = run(samples(), layer)
    made = assemble(
        [("gain", activated(mapped(a, np.ones((UNITS, 2))), "sigmoid")), ("h", a)], steps=STEPS
    )
    assert made.network.results == (1, 2)
    assert made.order == (1, 0)
    assert made.every_step
    gain, state = made.outputs(made.network.run(X).steps, STEPS)
    assert close(state, h(layer, X))
    assert gain.shape == (2, STEPS, 2)


def test_an_earlier_step_is_read_at_a_lag() -> None:
    layer, matrix = lite(INPUTS), RNG.normal(size=(UNITS, INPUTS))
    a = run(samples(), layer)
    both = combine(mapped(step(a, 1), matrix), step(samples(), 2), Form.plus)
    made = network(activated(both, "relu"))
    assert (made.sources[1], made.lags[1]) == ((0, 1), (2, 3))
    wanted = np.maximum(0, h(layer, X)[:, 1] @ matrix + X[:, 2])
    assert close(made.forward(X), wanted)


def test_the_last_step_of_what_is_given_every_step() -> None:
    layer = lite(INPUTS)
    a = run(samples(), layer)
    made = assemble([("y", a), ("h", step(a, STEPS - 1)), ("x", step(samples(), 4))], steps=STEPS)
    assert (made.every_step, made.last) == (True, ("h", "x"))
    assert made.network.results == (1, 2)
    assert made.order == (0, 0, 1)
    notes = imported(made, ["y", "h", "x"], ()).notes
    assert "a result has the outputs y and h (4 words), x (3 words), in this order" in notes
    assert "of h, x the file gives the last step's result alone" in notes


def test_a_sequence_in_reverse_order_is_a_reverse_layer() -> None:
    first, second = lite(INPUTS), lite(UNITS)
    x = samples()
    turned = Data(x.axes, x.forms[::-1], x.batch)
    made = network(run(run(turned, first), second, steps=False))
    assert [layer.direction for layer in made.layers] == ["reverse", "reverse"]
    assert close(made.forward(X), h(second, h(first, X[:, ::-1]))[:, -1])


def softmax(data: Data) -> Data:
    with made_by("Softmax 'a'"):
        return activated(data, "softmax")


def step(data: Data, index: int) -> Data:
    return data.taken(1, np.array(index))


def backwards(data: Data) -> Data:
    return Data(data.axes, data.forms[::-1], data.batch)


REFUSED: dict[str, tuple[Callable[[Data], Data], str]] = {
    "other steps for a layer": (
        lambda a: run(combine(run(a, lite(3)), backwards(run(a, lite(3))), Form.plus), lite(4)),
        "reads",
    ),
    "all steps backwards": (
        lambda a: backwards(run(a, lite(3))),
        "gives its steps from the last to the first; turn them on a host",
    ),
    "an early step of a reverse layer": (
        lambda a: step(run(backwards(a), lite(3)), 1),
        "reads step 3 of a reverse layer, expected its final h",
    ),
    "no layer": (lambda a: mapped(step(a, 4), np.ones((3, 2))), "has no recurrent layer"),
    "softmax inside": (
        lambda a: run(softmax(a), lite(3), steps=False),
        "Softmax 'a' stands before other layers, expected it at the end",
    ),
    "a slope of no shift": (lambda a: activated(a, "leaky_relu", 0.01), "of slope 0.01"),
    "an activation of none": (lambda a: activated(a, "gelu"), "is gelu, an activation that no"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_what_no_layer_computes(make: Callable[[Data], Data], says: str) -> None:
    with pytest.raises(InputError) as caught:
        network(make(samples()))
    assert says in str(caught.value)


def test_state_that_a_part_of_the_layers_starts_at() -> None:
    gates = {n: GateWeights(b=np.zeros(2), x=np.ones((2, 3)), h=np.eye(2)) for n in "ifog"}
    layer, start = make_layer(LSTM(), LOGISTIC, gates), Atom("start", 2, -1).form

    def made(**starts: Form) -> None:
        with made_by("LSTM 'a'"):
            outputs = recurrent(samples(), [layer], starts=[starts])
        network(features(samples(), outputs, steps=True))

    made(h=start, c=Atom("start", 2, -1).form)
    with pytest.raises(InputError, match="starts c at a state that is started at before"):
        made(h=start, c=start)
    with pytest.raises(InputError, match="LSTM 'a' takes a part of a layer's state"):
        made(h=start)
    with pytest.raises(InputError, match="LSTM 'a' takes a part of a layer's state"):
        made(h=start, c=Form({}, np.ones(2)))
    with pytest.raises(InputError, match="LSTM 'a' initial_c depends on the input"):
        made(c=samples().forms[0].rows(np.arange(2)))


def test_constant_first_states() -> None:
    gates = {n: GateWeights(b=np.zeros(2), x=np.ones((2, 3)), h=np.eye(2)) for n in "ifog"}
    one = make_layer(LSTM(), LOGISTIC, gates)
    ways, h, c = [one, replace(one, direction="reverse")], np.array([0.5, -1]), np.array([2.0, 3])
    starts = [{"h": Form({}, h)}, {"h": Form({}, 2 * h), "c": Form({}, c)}]
    with made_by("LSTM 'a'"):
        outputs = recurrent(samples(), ways, starts=starts)
    both = network(features(samples(), outputs, steps=True)).layers[0]
    assert {name: value.tolist() for name, value in (both.first or {}).items()} == {
        "h": [0.5, -1, 1, -2],
        "c": [0, 0, 2, 3],
    }
    with made_by("LSTM 'a'"):
        outputs = recurrent(samples(), ways[:1], starts=starts[:1])
    alone = network(features(samples(), outputs, steps=True)).layers[0]
    assert list(alone.first or {}) == ["h"]
    assert "starts at its own h" in layer_text(alone)
