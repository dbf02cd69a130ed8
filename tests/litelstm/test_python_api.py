"""The public Python API refuses bad values in one clear line, as the command line does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import litelstm
from hdl.spec.options import CoreOptions
from litelstm import (
    InputError,
    IntegerModel,
    Layer,
    LiteLSTM,
    Network,
    Plan,
    QuantizedNetwork,
    Settings,
)
from tests import networks
from tests.networks import Recipe

FLOATS = networks.float_network(Recipe(inputs=3, units=(4,), outputs=2), 1)
X = networks.samples(FLOATS, batch=6, steps=3, seed=1)
INTEGERS: QuantizedNetwork = litelstm.quantize(FLOATS, X)[0]
WORDS = INTEGERS.quantize_input(X)

pytestmark = pytest.mark.filterwarnings("error")  # NumPy's come before a refusal


def spoilt(value: Any) -> Any:
    """Samples with one value that is no real finite number."""
    x = X.astype(type(value)) if not isinstance(value, float) else X.copy()
    x[2, 1, 0] = value
    return x


NO_NUMBERS: dict[str, tuple[Any, str]] = {
    "infinity": (spoilt(np.inf), "hold NaN or infinity, expected finite numbers"),
    "minus infinity": (spoilt(-np.inf), "hold NaN or infinity"),
    "NaN": (spoilt(np.nan), "hold NaN or infinity"),
    "wide": (np.full((1, 1, 3), np.finfo(np.longdouble).max), "hold NaN or infinity"),
    "texts": (spoilt("1"), "are of type <U32, expected numbers"),
    "complex": (spoilt(1j), "are of type complex128, expected numbers"),
    "objects": (np.full((1, 1, 3), None), "are of type object, expected numbers"),
    "dates": (np.full((1, 1, 3), np.datetime64("2020")), "are of type datetime64[Y], expected"),
    "ragged": ([[[1, 2, 3]], [[1, 2]]], "are lists of different lengths"),
}
if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
    del NO_NUMBERS["wide"]

SHAPES = [X[0], X[:, :, :2], X[:0], X[:, :0], X[0, 0, 0], X[np.newaxis], None]

TAKES_SAMPLES: dict[str, Callable[[Any], Any]] = {
    "run": FLOATS.run,
    "forward": FLOATS.forward,
    "quantize": lambda x: litelstm.quantize(FLOATS, x),
}


@pytest.mark.parametrize("function", [*TAKES_SAMPLES, "quantize_input"])
@pytest.mark.parametrize(("x", "says"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_samples_are_real_finite_numbers(function: str, x: Any, says: str) -> None:
    call = {**TAKES_SAMPLES, "quantize_input": INTEGERS.quantize_input}[function]
    with pytest.raises(InputError) as caught:
        call(x)
    assert str(caught.value).startswith(f"samples {says}")


@pytest.mark.parametrize("function", TAKES_SAMPLES)
@pytest.mark.parametrize("x", SHAPES, ids=[str(np.shape(x)) for x in SHAPES])
def test_shape_of_samples(function: str, x: Any) -> None:
    with pytest.raises(
        InputError, match=r"samples are of shape .*, expected \(samples, steps, 3\)"
    ):
        TAKES_SAMPLES[function](x)


def test_what_is_beyond_a_format_saturates() -> None:
    x = np.array([[[1.7e308, -1.7e308, 5e-324]]])
    assert INTEGERS.quantize_input(x).tolist() == [[[INTEGERS.x.max, INTEGERS.x.min, 0]]]


def test_what_no_format_holds_is_refused_without_a_warning() -> None:
    for size in (1e300, 1.7e308, 1e-300):
        with pytest.raises(InputError):
            litelstm.quantize(FLOATS, X / np.abs(X).max() * size)
    h = Network(layers=FLOATS.layers).forward(X[:1])
    large = litelstm.dense(1.7e308 * np.sign(h), np.array([1.7e308]))
    network = Network(layers=(*FLOATS.layers, large))
    with pytest.raises(InputError, match="samples or weights are too large"):
        network.forward(X[:1])


STATES: dict[str, tuple[Any, str]] = {
    "shape": ({"h": np.zeros((6, 3))}, "state h is of shape (6, 3), expected (6, 4)"),
    "NaN": ({"c": np.full((6, 4), np.nan)}, "values of state c hold NaN or infinity"),
    "texts": ({"c": np.full((6, 4), "0")}, "values of state c are of type <U1"),
    "name": ({"d": np.zeros((6, 4))}, "state d is not one of a litelstm layer's"),
}


@pytest.mark.parametrize(("state", "says"), STATES.values(), ids=STATES)
def test_states_of_floats(state: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        FLOATS.run(X, state=[state, {}])
    assert str(caught.value).startswith(says)


WORD_STATES: dict[str, tuple[Any, str]] = {
    "layers": ((), "state is of 1 layers, expected 2"),
    "missing": (({"h": np.zeros((6, 4), int)},), "state of layer0 has h, expected h, c"),
    "shape": (
        ({"h": np.zeros((6, 4), int), "c": np.zeros((1, 4), int)},),
        "layer0 c is int64 of shape (1, 4), expected integers of shape (6, 4)",
    ),
    "floats": (
        ({"h": np.zeros((6, 4)), "c": np.zeros((6, 4), int)},),
        "layer0 h is float64 of shape (6, 4), expected integers",
    ),
    "range": (
        ({"h": np.full((6, 4), 128), "c": np.zeros((6, 4), int)},),
        "layer0 h is 128 to 128, expected -128 to 127",
    ),
}


@pytest.mark.parametrize(("state", "says"), WORD_STATES.values(), ids=WORD_STATES)
def test_states_of_words(state: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        IntegerModel(INTEGERS).run(WORDS, state=(*state, {}))
    assert str(caught.value).startswith(says)


def test_words() -> None:
    model = IntegerModel(INTEGERS)
    for words, says in (
        (X, "input words are of type float64"),
        (WORDS + 1000, "input words are "),
        (WORDS[0], "samples are of shape (3, 3)"),
        ([[[1, 2, 3]], [[1]]], "input words are lists of different lengths"),
    ):
        with pytest.raises(InputError) as caught:
            model.forward(words)
        assert str(caught.value).startswith(says)


def weights(**changes: Any) -> dict[str, Any]:
    return {**FLOATS.layers[0].weights, **changes}


WEIGHTS: dict[str, tuple[Any, str]] = {
    "a list": ([[1.0] * 3] * 4, "expected an array of real numbers"),
    "a number": (np.float64(1), "expected an array of real numbers"),
    "texts": (np.full((4, 3), "1"), "expected an array of real numbers"),
    "complex": (np.ones((4, 3), complex), "expected an array of real numbers"),
    "infinity": (np.full((4, 3), np.inf), "holds NaN or infinity"),
    "shape": (np.ones(4), "expected"),
}


@pytest.mark.parametrize("name", ["W_fx", "W_gx"])  # the first one says how many inputs there are
@pytest.mark.parametrize(("value", "says"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_of_layers(name: str, value: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        Layer(cell=LiteLSTM(), sigmoid="hard", weights=weights(**{name: value}))
    assert says in str(caught.value)


@pytest.mark.parametrize(("value", "says"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_of_the_head(value: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        Layer(cell=litelstm.Dense(), sigmoid="hard", weights={"W_yx": value, "b_y": np.zeros(4)})
    assert says in str(caught.value)


PLAN = Plan(network=INTEGERS, options=CoreOptions(lanes=4))

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "cell": (lambda: litelstm.LSTM(peephole="half"), "peephole must be none or previous or"),
    "scale": (
        lambda: Network(layers=FLOATS.layers, input_scale="1"),  # type: ignore[arg-type]
        "input_scale is '1', expected a positive number",
    ),
    "width": (lambda: Settings(weight_width="8"), "weight_width is '8', expected 2 to 18 bits"),  # type: ignore[arg-type]
    "real width": (lambda: Settings(state_width=8.0), "state_width is 8.0"),  # type: ignore[arg-type]
    "lanes": (
        lambda: Plan(network=INTEGERS, options=CoreOptions(lanes=2.0)),  # type: ignore[arg-type]
        "lanes is 2.0, expected an integer",
    ),
    "lengths": (lambda: litelstm.count(PLAN, [3, 0]), "lengths must be 1 or more, not [3, 0]"),
    "sequence lengths": (lambda: FLOATS.run(X, lengths=[[1], [2, 3]]), "lengths are lists of"),
    "name": (lambda: litelstm.generate(INTEGERS, lanes=4, name="1st"), "1st"),
    "module": (lambda: litelstm.import_torch_module(5), "is a int, expected a torch.nn.Module"),
    "file": (lambda: litelstm.import_network("no.onnx"), "no.onnx: cannot be read"),
}


@pytest.mark.filterwarnings("default")  # of PyTorch, when it is imported
@pytest.mark.parametrize(("call", "says"), REFUSED.values(), ids=REFUSED)
def test_other_arguments(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cells_and_all_other_names_are_there() -> None:
    assert {"RNN", "LSTM", "GRU", "LiteLSTM"} <= set(litelstm.__all__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in litelstm.__all__:
            assert getattr(litelstm, name) is not None
    assert FLOATS.layers[0].cell == litelstm.LiteLSTM(peephole="full")
