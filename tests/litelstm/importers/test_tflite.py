"""TFLite files: fused and unrolled cells, 8-bit weights, dense layers; refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.proof import Imported
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, STEPS, UNITS
from tests.litelstm.importers.tflite_files import Maker, lstm

RESET = "assumed that every sequence starts at zero"


def weights(seed: int, inputs: int = INPUTS) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"x": (4, UNITS, inputs), "h": (4, UNITS, UNITS), "b": (4, UNITS)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def run(w: dict[str, Any], x: Any) -> Any:
    """h of every step, in TFLite's order of gates."""
    h = c = np.zeros((len(x), UNITS))
    steps = []
    for t in range(x.shape[1]):
        i, f, g, o = (x[:, t] @ w["x"][n].T + h @ w["h"][n].T + w["b"][n] for n in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        steps.append(h)
    return np.stack(steps, axis=1)


def load(maker: Maker, inputs: list[int], outputs: list[int], path: Path) -> Imported:
    (path / "net.tflite").write_bytes(maker.file(inputs, outputs))
    return import_network(path / "net.tflite")


def last_step(maker: Maker, y: int) -> int:
    """A strided slice that takes the last step, as the converter writes it."""
    ends = [
        maker.tensor(n, (3,), v, kind="int32")
        for n, v in (
            ("begin", (0, -1, 0)),
            ("end", (0, 0, 0)),
            ("strides", (1, 1, 1)),
        )
    ]
    h = maker.tensor("h", (1, UNITS))
    maker.operator(
        *("STRIDED_SLICE", [y, *ends], [h], "StridedSliceOptions"),
        BeginMask=5,
        EndMask=5,
        ShrinkAxisMask=2,
    )
    return h


def dense(maker: Maker, x: int, shape: tuple[int, ...], fused: int, seed: int) -> tuple[int, Any]:
    """A fully connected operator; returns its output, and what it computes."""
    rng = np.random.default_rng(seed)
    matrix, bias = rng.normal(size=shape), rng.normal(size=shape[0])
    w = maker.tensor(f"matrix{seed}", shape, matrix)
    b = maker.tensor(f"bias{seed}", shape[:1], bias)
    y = maker.tensor(f"dense{seed}", (1, shape[0]))
    options = "FullyConnectedOptions"
    maker.operator("FULLY_CONNECTED", [x, w, b], [y], options, FusedActivationFunction=fused)
    function = {0: lambda a: a, 1: lambda a: np.maximum(a, 0), 3: lambda a: np.clip(a, 0, 6)}[fused]
    return y, lambda a: function(a @ matrix.T + bias)


@pytest.mark.parametrize("int8", [False, True])
def test_a_fused_lstm_with_dense_layers(int8: bool, tmp_path: Path) -> None:
    maker = Maker()
    x = maker.tensor("x", (1, STEPS, INPUTS))
    y, real = lstm(maker, x, STEPS, weights(61), int8=int8)
    hidden, first = dense(maker, last_step(maker, y), (5, UNITS), 1, 62)
    logits, second = dense(maker, hidden, (OUTPUTS, 5), 0, 63)
    shares = maker.tensor("shares", (1, OUTPUTS))
    maker.operator("SOFTMAX", [logits], [shares], "SoftmaxOptions", Beta=1.0)
    imported = load(maker, [x], [shares], tmp_path)
    samples = np.random.default_rng(64).normal(size=(3, 7, INPUTS))
    wanted = second(first(run(real, samples)[:, -1]))
    assert np.abs(imported.network.forward(samples) - wanted).max() < 1e-5
    assert [layer.cell.kind for layer in imported.network.layers] == ["lstm", "dense", "dense"]
    assert any(note.startswith(RESET) for note in imported.notes)
    assert any("the file clips c to 10 and less" in note for note in imported.notes)
    assert "Softmax at the end is left out: the output is its argument" in imported.notes


def test_an_integer_file_says_what_its_samples_stand_for(tmp_path: Path) -> None:
    maker = Maker()
    x = maker.tensor("x", (1, STEPS, INPUTS), kind="int8", scale=[1 / 64], zero=-128)
    y, real = lstm(maker, x, STEPS, weights(65), int8=True)
    logits, last = dense(maker, last_step(maker, y), (OUTPUTS, UNITS), 3, 66)
    imported = load(maker, [x], [logits], tmp_path)
    assert any(
        "the file reads integers n that stand for 0.015625 (n - -128)" in note
        for note in imported.notes
    )
    samples = np.random.default_rng(67).normal(size=(3, STEPS, INPUTS))
    wanted = last(run(real, samples)[:, -1])
    assert np.abs(imported.network.forward(samples) - wanted).max() < 1e-5


def test_a_result_of_every_step(tmp_path: Path) -> None:
    maker = Maker()
    x = maker.tensor("x", (1, STEPS, INPUTS))
    y, real = lstm(maker, x, STEPS, weights(68))
    imported = load(maker, [x], [y], tmp_path)
    samples = np.random.default_rng(69).normal(size=(2, STEPS, INPUTS))
    assert imported.every_step
    assert np.abs(imported.network.run(samples).steps - run(real, samples)).max() < 1e-5


@pytest.mark.parametrize("major", [False, True])
def test_a_fused_rnn(major: bool, tmp_path: Path) -> None:
    maker, w = Maker(), weights(79)
    x = maker.tensor("x", (STEPS, 1, INPUTS) if major else (1, STEPS, INPUTS))
    parts = [maker.tensor(n, w[n][0].shape, w[n][0]) for n in "xhb"]
    state = maker.tensor("state", (1, UNITS), variable=True)
    y = maker.tensor("all", (STEPS, 1, UNITS) if major else (1, STEPS, UNITS))
    maker.operator(
        *("UNIDIRECTIONAL_SEQUENCE_RNN", [x, *parts, state], [y], "SequenceRNNOptions"),
        FusedActivationFunction=4,
        TimeMajor=major,
    )
    network = load(maker, [x], [y], tmp_path).network
    samples = np.random.default_rng(80).normal(size=(2, STEPS, INPUTS))
    h, steps = np.zeros((2, UNITS)), []
    for t in range(STEPS):
        h = np.tanh(samples[:, t] @ w["x"][0].T + h @ w["h"][0].T + w["b"][0])
        steps.append(h)
    assert np.abs(network.run(samples).steps - np.stack(steps, axis=1)).max() < 1e-5


def unrolled(maker: Maker, x: int, w: dict[str, Any]) -> int:
    """An LSTM step by step, with one matrix for all gates."""
    steps = [maker.tensor(f"x{t}", (1, INPUTS)) for t in range(STEPS)]
    maker.operator("UNPACK", [x], steps, "UnpackOptions", Num=STEPS, Axis=1)
    on_x = maker.tensor("on_x", (4 * UNITS, INPUTS), w["x"].reshape(-1, INPUTS))
    on_h = maker.tensor("on_h", (4 * UNITS, UNITS), w["h"].reshape(-1, UNITS))
    bias = maker.tensor("bias", (4 * UNITS,), w["b"].ravel())
    axis = maker.tensor("axis", (), 1, kind="int32")
    h = maker.tensor("h0", (1, UNITS), np.zeros((1, UNITS)))
    c = maker.tensor("c0", (1, UNITS), np.zeros((1, UNITS)))

    def op(kind: str, inputs: list[int], name: str, options: str = "", **values: Any) -> int:
        size = 4 * UNITS if name.startswith("sum") else UNITS
        made = maker.tensor(name, (1, size))
        maker.operator(kind, inputs, [made], options, **values)
        return made

    for t, one in enumerate(steps):
        parts = [
            op("FULLY_CONNECTED", [one, on_x, bias], f"sum_x{t}", "FullyConnectedOptions"),
            op("FULLY_CONNECTED", [h, on_h, -1], f"sum_h{t}", "FullyConnectedOptions"),
        ]
        total = op("ADD", parts, f"sum{t}", "AddOptions")
        gates = [maker.tensor(f"gate{n}{t}", (1, UNITS)) for n in range(4)]
        maker.operator("SPLIT", [axis, total], gates, "SplitOptions", NumSplits=4)
        i, f, o = (op("LOGISTIC", [gates[n]], f"g{n}{t}") for n in (0, 1, 3))
        g = op("TANH", [gates[2]], f"g2{t}")
        kept = op("MUL", [f, c], f"kept{t}", "MulOptions")
        new = op("MUL", [i, g], f"new{t}", "MulOptions")
        c = op("ADD", [kept, new], f"c{t + 1}", "AddOptions")
        h = op("MUL", [o, op("TANH", [c], f"tanh{t}")], f"h{t + 1}", "MulOptions")
    return h


def test_an_unrolled_lstm(tmp_path: Path) -> None:
    maker, w = Maker(), weights(70)
    x = maker.tensor("x", (1, STEPS, INPUTS))
    h = unrolled(maker, x, w)
    logits, last = dense(maker, h, (OUTPUTS, UNITS), 0, 71)
    imported = load(maker, [x], [logits], tmp_path)
    samples = np.random.default_rng(72).normal(size=(3, 9, INPUTS))
    wanted = last(run(w, samples)[:, -1])
    assert [layer.cell.kind for layer in imported.network.layers] == ["lstm", "dense"]
    assert np.abs(imported.network.forward(samples) - wanted).max() < 1e-5


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("depthwise", [False, True])
def test_a_convolution_in_front_and_flatten_behind(
    same: bool, depthwise: bool, tmp_path: Path
) -> None:
    maker, rng = Maker(), np.random.default_rng(75)
    shape = (1, 1, 3, INPUTS) if depthwise else (INPUTS, 1, 3, INPUTS)
    kernel, bias = rng.normal(size=shape), rng.normal(size=INPUTS)
    count = STEPS if same else STEPS - 2
    x = maker.tensor("x", (1, STEPS, INPUTS))
    wide = maker.tensor("wide", (1, 1, STEPS, INPUTS))
    maker.operator("EXPAND_DIMS", [x, maker.tensor("one", (), 1, kind="int32")], [wide])
    made = maker.tensor("c", (1, 1, count, INPUTS))
    parts = [maker.tensor("k", shape, kernel), maker.tensor("b", (INPUTS,), bias)]
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    values: dict[str, Any] = {"Padding": 0 if same else 1, "StrideH": 1, "StrideW": 1}
    values |= {"FusedActivationFunction": 1}
    options = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    maker.operator(kind, [wide, *parts], [made], options, **values)
    steps = maker.tensor("s", (1, count, INPUTS))
    maker.operator("SQUEEZE", [made], [steps], "SqueezeOptions")
    y, real = lstm(maker, steps, count, weights(73))
    shape2 = maker.tensor("shape", (2,), (1, count * UNITS), kind="int32")
    side = maker.tensor("flat", (1, count * UNITS))
    maker.operator("RESHAPE", [y, shape2], [side])
    logits, last = dense(maker, side, (OUTPUTS, count * UNITS), 0, 74)
    imported = load(maker, [x], [logits], tmp_path)
    samples = rng.normal(size=(2, STEPS, INPUTS))
    full = (
        kernel[:, 0]
        if not depthwise
        else kernel[0, 0].T[:, :, np.newaxis] * np.eye(INPUTS)[:, np.newaxis]
    )
    padded = np.pad(samples, ((0, 0), (1, 1), (0, 0))) if same else samples
    front = [sum(padded[:, t + k] @ full[:, k].T for k in range(3)) + bias for t in range(count)]
    h = run(real, np.maximum(0, np.stack(front, axis=1)))
    network = imported.network
    wanted = last(h.reshape(2, -1))
    assert np.abs(network.forward(network.feed(samples)) - wanted).max() < 1e-5


@pytest.mark.parametrize("int8", [False, True])
def test_a_table_that_is_looked_up(int8: bool, tmp_path: Path) -> None:
    """The index comes as a float or an integer; the table may be of 8 bits."""
    maker, rng = Maker(), np.random.default_rng(78)
    table = rng.integers(-127, 128, size=(11, INPUTS)) if int8 else rng.normal(size=(11, INPUTS))
    scale = 0.02 if int8 else 1.0
    told = {"kind": "int8", "scale": [scale], "zero": 0} if int8 else {}
    x = maker.tensor("x", (1, STEPS), kind="int32" if int8 else "float32")
    index = x
    if not int8:
        index = maker.tensor("index", (1, STEPS), kind="int32")
        maker.operator("CAST", [x], [index], "CastOptions", InDataType=0, OutDataType=2)
    rows = maker.tensor("rows", (1, STEPS, INPUTS), **told)
    named = maker.tensor("table", (11, INPUTS), table, **told)
    maker.operator("GATHER", [named, index], [rows], "GatherOptions", Axis=0)
    y, real = lstm(maker, rows, STEPS, weights(73))
    network = load(maker, [x], [last_step(maker, y)], tmp_path).network
    samples = rng.integers(11, size=(3, STEPS, 1))
    wanted = run(real, scale * table[samples[..., 0]])[:, -1]
    assert network.indexed
    assert np.abs(network.forward(samples) - wanted).max() < 1e-5


def softened(maker: Maker, x: int) -> int:
    y, _ = lstm(maker, x, STEPS, weights(79))
    last = maker.tensor("last", (1, STEPS, UNITS))
    maker.operator("SOFTMAX", [y], [last], "SoftmaxOptions", Beta=2.0)
    return last


REFUSED: dict[str, tuple[Callable[[Maker, int], int], tuple[str, ...]]] = {
    "coupled gates": (
        lambda maker, x: lstm(maker, x, STEPS, weights(76), missing=[1, 5, 12])[0],
        ("UNIDIRECTIONAL_SEQUENCE_LSTM 'all' couples its input and forget gates",),
    ),
    "a softmax of a factor": (softened, ("SOFTMAX 'last' has Beta 2.0, expected 1",)),
    "a low clip": (
        lambda maker, x: lstm(maker, x, STEPS, weights(77), clip=2.0)[0],
        ("UNIDIRECTIONAL_SEQUENCE_LSTM 'all' clips c to 2",),
    ),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_refusals(make: Callable[[Maker, int], int], says: tuple[str, ...], tmp_path: Path) -> None:
    maker = Maker()
    x = maker.tensor("x", (1, STEPS, INPUTS))
    with pytest.raises(InputError) as caught:
        load(maker, [x], [make(maker, x)], tmp_path)
    for words in says:
        assert words in str(caught.value)


def test_damaged_files(tmp_path: Path) -> None:
    maker = Maker()
    x = maker.tensor("x", (1, STEPS, INPUTS))
    data = maker.file([x], [lstm(maker, x, STEPS, weights(78))[0]])
    path = tmp_path / "net.tflite"
    for spoilt in (b"", data[:200], b"text" * 99):
        path.write_bytes(spoilt)
        with pytest.raises(InputError, match=r"net\.tflite: is not a readable TFLite file"):
            import_network(path)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read: No such file"):
        import_network(path)
