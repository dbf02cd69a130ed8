"""ONNX files that are graphs: state in and out, lengths, skips, several results, 8-bit weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from golden.cells import Dense
from golden.errors import InputError
from litelstm.importers.files import import_network
from litelstm.importers.onnx import convert
from tests.litelstm.importers.cases import (
    BATCH,
    INPUTS,
    OUTPUTS,
    STEPS,
    TOLERANCE,
    UNITS,
    samples,
)
from tests.litelstm.importers.onnx_files import model, weights
from tests.litelstm.importers.torch_files import export

pytestmark = pytest.mark.frameworks

Models = Callable[[], nn.Module]


class Stateful(nn.Module):
    """Layers whose state goes in and out, with a dense layer in front and one behind."""

    def __init__(self, kind: type[nn.RNNBase], *, every: bool = False) -> None:
        super().__init__()
        self.front, self.head = nn.Linear(INPUTS, 5), nn.Linear(UNITS, OUTPUTS)
        make: Any = kind
        self.rnn, self.every = make(5, UNITS, 2, batch_first=True), every

    def forward(self, x: Tensor, h: Tensor, *c: Tensor) -> Any:
        h, state_out = self.rnn(torch.relu(self.front(x)), (h, *c) if c else h)
        y = self.head(h if self.every else h[:, -1])
        return (y, *state_out) if isinstance(state_out, tuple) else (y, state_out)


class Cells(nn.Module):
    """One step of two cells, as streaming code has it."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.lstm = nn.GRUCell(INPUTS, UNITS), nn.LSTMCell(UNITS + INPUTS, UNITS)
        self.head = nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor, g: Tensor, h: Tensor, c: Tensor) -> Any:
        g = self.gru(x[:, 0], g)
        h, c = self.lstm(torch.cat([g, x[:, 0]], 1), (h, c))
        return self.head(h)[:, None], g, h, c


class Packed(nn.Module):
    """Two layers with one state for all of h and c, (batch, layers, units, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(INPUTS, UNITS, 2, batch_first=True), nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        h, c = (state[..., n].transpose(0, 1).contiguous() for n in range(2))
        y, (h, c) = self.rnn(x, (h, c))
        state = torch.stack([h.transpose(0, 1), c.transpose(0, 1)], -1)
        return torch.sigmoid(self.head(y)), state


def exported(module: nn.Module, inputs: Sequence[Tensor], path: Path) -> Path:
    torch.onnx.export(module.eval(), tuple(inputs), path, dynamo=False, verbose=False)
    return path


def chunks(path: Path, x: Any, count: int, states: Sequence[Any]) -> list[Any]:
    """Results of onnxruntime for chunks of a sequence, with the state fed back."""
    session = onnxruntime.InferenceSession(path.read_bytes())
    names = [one.name for one in session.get_inputs()]
    results, state = [], [np.zeros(one, np.float32) for one in states]
    for part in np.split(x, count, axis=1):
        y, *state = session.run(None, dict(zip(names, [part, *state], strict=True)))
        results.append(y)
    return results


STREAMS: dict[str, tuple[Models, int, list[tuple[int, ...]], bool]] = {
    "lstm, five steps": (lambda: Stateful(nn.LSTM), 5, [(2, 1, UNITS)] * 2, False),
    "lstm, every step": (lambda: Stateful(nn.LSTM, every=True), 2, [(2, 1, UNITS)] * 2, True),
    "gru, one step": (lambda: Stateful(nn.GRU, every=True), 1, [(2, 1, UNITS)], True),
    "one state for h and c": (Packed, 1, [(1, 2, UNITS, 2)], True),
    "cells of one step": (Cells, 1, [(1, UNITS)] * 3, True),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "steps", "states", "every"), STREAMS.values(), ids=STREAMS)
def test_state_in_and_out(
    make: Models, steps: int, states: list[tuple[int, ...]], every: bool, tmp_path: Path
) -> None:
    torch.manual_seed(51)
    inputs = [torch.zeros(1, steps, INPUTS), *(torch.zeros(shape) for shape in states)]
    path = exported(make(), inputs, tmp_path / "net.onnx")
    imported = import_network(path)
    assert (imported.state, imported.every_step) == ("keep", every)
    assert any("--state keep, or with --state load" in note for note in imported.notes)
    per_run = f"the file reads {steps} step{'s' * (steps > 1)} per run, the network any number"
    assert per_run in imported.notes
    x = samples(51, steps=3 * steps)[:1]
    found = imported.network.run(x).steps
    wanted = chunks(path, x, 3, states)
    if every:
        assert np.abs(found - np.concatenate(wanted, axis=1)).max() < TOLERANCE
    else:
        assert np.abs(found[:, steps - 1 :: steps] - np.stack(wanted, axis=1)).max() < TOLERANCE


class Swapped(Stateful):
    """Gives back c in place of h, and h in place of c."""

    def forward(self, x: Tensor, h: Tensor, *c: Tensor) -> Any:
        y, h, last = super().forward(x, h, *c)
        return y, 2 * last, h


@pytest.mark.filterwarnings("ignore")
def test_a_state_that_is_changed_outside_is_refused(tmp_path: Path) -> None:
    inputs = [torch.zeros(1, STEPS, INPUTS), *(torch.zeros(2, 1, UNITS) for _ in range(2))]
    path = exported(Swapped(nn.LSTM), inputs, tmp_path / "net.onnx")
    with pytest.raises(InputError, match="computes something else than its layers"):
        import_network(path)


class Runs(Stateful):
    """Reads the steps of a run as ``read`` says: a run of one step is the same for all of them."""

    def __init__(self, read: Callable[[Tensor], Tensor], turn: bool = False) -> None:
        super().__init__(nn.GRU, every=True)
        self.read, self.turn = read, turn

    def forward(self, x: Tensor, h: Tensor, *c: Tensor) -> Any:
        y, h = super().forward(x.flip(1) if self.turn else x, h)
        return self.read(y), h


RUNS = {
    "mean": (Runs(lambda y: y.mean(1)), "has a pool over the steps, which begins anew"),
    "first step": (Runs(lambda y: y[:, 0]), "another network for runs of more than one step"),
    "turned": (Runs(lambda y: y, turn=True), "another network for runs of more than one step"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("module", "says"), RUNS.values(), ids=RUNS)
def test_runs_of_any_length_that_are_no_parts_of_a_sequence(
    module: nn.Module, says: str, tmp_path: Path
) -> None:
    path, inputs = tmp_path / "net.onnx", (torch.zeros(1, STEPS, INPUTS), torch.zeros(2, 1, UNITS))
    names: dict[str, Any] = {"input_names": ["x", "h"], "dynamic_axes": {"x": {1: "steps"}}}
    torch.onnx.export(module.eval(), inputs, path, dynamo=False, verbose=False, **names)
    with pytest.raises(InputError, match=says):
        import_network(path)


class Graph(nn.Module):
    """Skips, a residual sum, a shared dense layer, two results."""

    def __init__(self) -> None:
        super().__init__()
        self.front, self.norm = nn.Linear(INPUTS, 6), nn.BatchNorm1d(6)
        self.a, self.b = nn.GRU(6, 6, batch_first=True), nn.LSTM(12, 6, batch_first=True)
        self.gain, self.voice = nn.Linear(12, 3), nn.Linear(6, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        front = torch.tanh(self.norm(self.front(x).transpose(1, 2)).transpose(1, 2))
        a = self.a(front)[0]
        b = self.b(torch.cat([a, front], 2))[0] + a
        gain = torch.sigmoid(self.gain(torch.cat([nn.functional.relu6(b), front], 2)))
        return gain, torch.sigmoid(self.voice(nn.functional.leaky_relu(a, 1 / 8)))


@pytest.mark.filterwarnings("ignore")
def test_a_graph_with_two_results(tmp_path: Path) -> None:
    torch.manual_seed(52)
    module: Any = Graph().eval()
    nn.init.uniform_(module.norm.running_mean)
    export(module, tmp_path / "net.onnx", dynamo=False, free=("batch", "steps"))
    imported = import_network(tmp_path / "net.onnx")
    network = imported.network
    kinds = [(layer.cell.kind, layer.sources) for layer in network.layers]
    assert kinds == [
        ("dense", (0,)),
        ("gru", (1,)),
        ("lstm", (1, 2)),
        ("dense", (2, 3)),  # relu6 of the residual sum
        ("dense", (1, 4)),
        ("dense", (2,)),
        ("dense", (6,)),
    ]
    assert network.results == (5, 7)
    x = samples(52, steps=7)
    with torch.no_grad():
        wanted = torch.cat(module(torch.from_numpy(x)), 2).numpy()
    assert np.abs(network.run(x).steps - wanted).max() < TOLERANCE


def reverse(nodes: list[Any]) -> None:
    """Turn the sequence in front of the operator, as tf2onnx does."""
    nodes[0].input[0] = "turned"
    lengths = numpy_helper.from_array(np.full(BATCH, STEPS), "lengths")
    nodes[:0] = [
        helper.make_node("Constant", [], ["lengths"], value=lengths),
        helper.make_node(
            "ReverseSequence", ["x", "lengths"], ["turned"], batch_axis=1, time_axis=0
        ),
    ]


def ran(made: Any, x: Any) -> Any:
    """Results of onnxruntime for samples (batch, steps, inputs)."""
    session = onnxruntime.InferenceSession(made.SerializeToString())
    return session.run(None, {"x": x.transpose(1, 0, 2)})[0]


def test_a_turned_sequence_is_a_reverse_layer() -> None:
    made, x = model("LSTM", weights("LSTM"), change=reverse), samples(53)
    network = convert(made).network
    assert network.layers[0].direction == "reverse"
    assert np.abs(network.forward(x) - ran(made, x)).max() < TOLERANCE


def test_constant_lengths_are_those_of_the_samples() -> None:
    arrays = weights("GRU") | {"lens": np.array([STEPS, 2], np.int32)}
    made, x = model("GRU", arrays, inputs=("x", "W", "R", "B", "lens")), samples(54)
    imported = convert(made)
    assert "the file's sequences end after 4, 2 steps" in imported.notes[2]
    found = imported.network.run(x, lengths=[STEPS, 2]).output
    assert np.abs(found - ran(made, x)).max() < TOLERANCE


def test_the_last_step_of_shorter_sequences_is_refused() -> None:
    def last_step(nodes: list[Any]) -> None:
        del nodes[0].output[:]
        nodes[0].output.extend(["all"])
        end = numpy_helper.from_array(np.array([-1]), "end")
        nodes[1:2] = [
            helper.make_node("Constant", [], ["end"], value=end),
            helper.make_node("Gather", ["all", "end"], ["step"], axis=0),
            helper.make_node("Reshape", ["step", "shape"], ["h"]),
        ]

    arrays = weights("GRU") | {"lens": np.array([STEPS, 2], np.int32)}
    arrays |= {"shape": np.array([BATCH, UNITS])}
    made = model("GRU", arrays, inputs=("x", "W", "R", "B", "lens"), change=last_step)
    with pytest.raises(InputError, match="reads a step that shorter sequences do not have"):
        convert(made)


def test_lengths_as_an_input_are_refused_with_what_to_do() -> None:
    made = model("GRU", weights("GRU"), inputs=("x", "W", "R", "B", "n"))
    made.graph.input.append(helper.make_tensor_value_info("n", TensorProto.INT32, [BATCH]))
    with pytest.raises(InputError, match="input n gives the lengths of GRU 'cell'; export without"):
        convert(made)


@pytest.mark.parametrize("chosen", [True, False])
def test_a_constant_chooses_a_branch(chosen: bool) -> None:
    """PyTorch's exporter of scripts writes an If for every question about shapes."""

    def branch(name: str, op: str) -> Any:
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(op, ["sum"], [name])], name, [], [output])

    def choose(nodes: list[Any]) -> None:
        nodes[-1].output[0] = "sum"
        question = numpy_helper.from_array(np.array(chosen), "question")
        nodes.append(helper.make_node("Constant", [], ["question"], value=question))
        branches = {"then_branch": branch("a", "Relu"), "else_branch": branch("b", "Tanh")}
        nodes.append(helper.make_node("If", ["question"], ["y"], **branches))

    made, x = model("GRU", weights("GRU"), change=choose), samples(58)
    network = convert(made).network
    assert network.layers[-1].cell == Dense(activation="relu" if chosen else "tanh")
    assert np.abs(network.forward(x) - ran(made, x)).max() < TOLERANCE
