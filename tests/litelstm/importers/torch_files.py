"""Files that PyTorch writes: ONNX by both exporters, and state dicts."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from tests.litelstm.importers import torch_nets as nets
from tests.litelstm.importers.cases import BATCH, INPUTS, STEPS, UNITS, Case, samples
from tests.litelstm.importers.torch_nets import (
    Both,
    FinalState,
    Loop,
    Normalized,
    Stack,
    stacked_shapes,
)


def export(module: nn.Module, path: Path, *, dynamo: bool, free: tuple[str, ...] = ()) -> None:
    """Write a module as ONNX; ``free`` names axes without a fixed size, of batch and steps."""
    batch_first = getattr(getattr(module, "rnn", None), "batch_first", True)
    x = torch.zeros(BATCH, STEPS, INPUTS)
    axes = {n: name for n, name in enumerate(("batch", "steps")) if name in free}
    options: dict[str, Any] = {}
    if free and dynamo:
        options["dynamic_shapes"] = ({n: torch.export.Dim(name) for n, name in axes.items()},)
    elif free:
        options["dynamic_axes"] = {"x": axes}
    with (
        warnings.catch_warnings(),
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (x if batch_first else x.transpose(0, 1),),
            path,
            dynamo=dynamo,
            external_data=False,
            input_names=["x"],
            verbose=False,
            **options,
        )


def results(module: nn.Module, seed: int) -> tuple[Any, Any]:
    """Samples, and what the module makes of them."""
    batch_first = getattr(getattr(module, "rnn", None), "batch_first", True)
    x = samples(seed)
    fed = torch.from_numpy(x)
    with torch.no_grad():
        y = module.eval()(fed if batch_first else fed.transpose(0, 1))
    return x, y.numpy()


def _exported(
    make: Callable[[], nn.Module], cells: tuple[str, ...], *, end: str | None = None, **how: Any
) -> Case:
    def write(path: Path) -> tuple[Any, Any]:
        torch.manual_seed(1)
        module = make()
        export(module, path, **how)
        return results(module, 1)

    return Case(write=write, suffix=".onnx", cells=cells, end=end)


def _loop(step: nets.Step, shapes: Any, cell: str, *, dynamo: bool, layers: int = 1) -> Case:
    return _exported(lambda: Loop(step, shapes, layers), (cell,) * layers, dynamo=dynamo)


def described(module: str, *, output: str, nonlinearity: str = "tanh") -> dict[str, Any]:
    """The description of a :class:`Stack` or one like it: recurrent module ``rnn``, head."""
    recurrent = {"module": module, "name": "rnn", "output": output, "activation": "none"}
    recurrent |= {"nonlinearity": nonlinearity} if module == "RNN" else {}
    return {"layers": [recurrent, {"module": "Linear", "name": "head", "activation": "none"}]}


def _state(kind: type[nn.RNNBase], cells: tuple[str, ...], *, suffix: str, **options: Any) -> Case:
    def write(path: Path) -> tuple[Any, Any]:
        torch.manual_seed(2)
        module = Stack(kind, batch_first=True, **options)
        state = module.state_dict()
        if suffix == ".pt":
            torch.save(state, path)
        else:
            save_file(state, path)
        nonlinearity = options.get("nonlinearity", "tanh")
        told = described(kind.__name__, output="last step", nonlinearity=nonlinearity)
        path.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n")
        return results(module, 2)

    return Case(write=write, suffix=suffix, cells=cells)


SIGMOID = "dense sigmoid 1/2 logistic"
"""A dense layer with its activation."""

FREE = ("batch", "steps")

ONNX = {
    "lstm": _exported(
        lambda: Stack(nn.LSTM, num_layers=2, batch_first=True),
        ("lstm none logistic",) * 2,
        dynamo=False,
    ),
    "lstm, free sizes": _exported(
        lambda: Stack(nn.LSTM, num_layers=2, batch_first=True, dropout=0.5),
        ("lstm none logistic",) * 2,
        dynamo=False,
        free=FREE,
    ),
    "lstm, dynamo, free sizes": _exported(
        lambda: Stack(nn.LSTM, num_layers=2, batch_first=True),
        ("lstm none logistic",) * 2,
        dynamo=True,
        free=FREE,
    ),
    "lstm, time first": _exported(
        lambda: Stack(nn.LSTM), ("lstm none logistic",), dynamo=False, free=FREE
    ),
    "lstm, final state, log_softmax": _exported(
        FinalState, ("lstm none logistic",) * 2, end="logsoftmax", dynamo=False
    ),
    "lstm without head": _exported(
        lambda: Stack(nn.LSTM, head=False, batch_first=True), ("lstm none logistic",), dynamo=True
    ),
    "gru": _exported(
        lambda: Stack(nn.GRU, num_layers=2, batch_first=True),
        ("gru after logistic",) * 2,
        dynamo=False,
    ),
    "gru, dynamo, softmax": _exported(
        lambda: nn.Sequential(Stack(nn.GRU, batch_first=True), nn.Softmax(dim=-1)),
        ("gru after logistic",),
        end="softmax",
        dynamo=True,
    ),
    "gru, scaled input, sigmoid": _exported(
        Normalized, ("gru after logistic", SIGMOID), dynamo=False, free=FREE
    ),
    "lstm, both ways": _exported(
        Both, ("lstm none logistic bidirectional",) * 2, dynamo=False, free=FREE
    ),
    "lstm, both ways, dynamo": _exported(
        Both, ("lstm none logistic bidirectional",) * 2, dynamo=True
    ),
    "rnn": _exported(
        lambda: Stack(nn.RNN, num_layers=2, batch_first=True), ("rnn logistic",) * 2, dynamo=False
    ),
    "rnn, dynamo": _exported(
        lambda: Stack(nn.RNN, num_layers=2, batch_first=True), ("rnn logistic",) * 2, dynamo=True
    ),
    "rnn, dynamo, time first": _exported(lambda: Stack(nn.RNN), ("rnn logistic",), dynamo=True),
    "litelstm": _loop(
        nets.litelstm, nets.litelstm_shapes, "litelstm full hard", dynamo=False, layers=2
    ),
    "litelstm, dynamo": _loop(
        nets.litelstm, nets.litelstm_shapes, "litelstm full hard", dynamo=True, layers=2
    ),
    "litelstm, no peephole": _loop(
        nets.litelstm_logistic, nets.litelstm_shapes, "litelstm none logistic", dynamo=False
    ),
    "litelstm, diagonal, slope 1/6": _loop(
        nets.litelstm_diagonal, stacked_shapes(2), "litelstm diagonal hard", dynamo=False, layers=2
    ),
    "litelstm, diagonal, slope 1/6, dynamo": _loop(
        nets.litelstm_diagonal, stacked_shapes(2), "litelstm diagonal hard", dynamo=True
    ),
    "litelstm, one product over x": _exported(
        nets.OneProduct, ("litelstm diagonal hard",), dynamo=False
    ),
    "litelstm, one product over x, dynamo": _exported(
        nets.OneProduct, ("litelstm diagonal hard",), dynamo=True
    ),
    "four cells": _exported(
        nets.Mixed,
        (
            "litelstm none logistic",
            "gru before logistic",
            "lstm current logistic",
            "gru after hard",
        ),
        dynamo=False,
    ),
    "plstm": _loop(nets.plstm, stacked_shapes(4), "lstm previous logistic", dynamo=False),
    "plstm, current": _loop(
        nets.plstm_current, stacked_shapes(4), "lstm current logistic", dynamo=True
    ),
    "rnn, ReLU": _exported(
        lambda: Stack(nn.RNN, nonlinearity="relu", num_layers=2, batch_first=True),
        ("rnn relu logistic",) * 2,
        dynamo=False,
    ),
    "lstm, ReLU": _loop(
        nets.lstm_relu, stacked_shapes(4), "lstm none relu logistic", dynamo=False, layers=2
    ),
    "lstm, f = 1 - i": _loop(
        nets.lstm_coupled, stacked_shapes(3), "lstm current coupled logistic", dynamo=False
    ),
    "lstm, i = 1 - f, ReLU": _loop(
        nets.lstm_keeping, stacked_shapes(3), "lstm none relu coupled hard", dynamo=True, layers=2
    ),
    "gru, ReLU": _loop(
        nets.gru_relu, stacked_shapes(3), "gru after relu logistic", dynamo=False, layers=2
    ),
    "gru, reset before": _loop(
        nets.gru_before, stacked_shapes(3), "gru before logistic", dynamo=False, layers=2
    ),
    "gru, one gate": _loop(nets.minimal, stacked_shapes(1), "gru before logistic", dynamo=False),
    "gru, reset after, hard": _loop(
        nets.gru_after, stacked_shapes(3), "gru after hard", dynamo=True, layers=2
    ),
}
"""ONNX files by PyTorch's two exporters."""

STATES = {
    "rnn.pt": _state(nn.RNN, ("rnn logistic",) * 2, suffix=".pt", num_layers=2),
    "rnn, ReLU.pt": _state(nn.RNN, ("rnn relu logistic",), suffix=".pt", nonlinearity="relu"),
    "gru.safetensors": _state(nn.GRU, ("gru after logistic",), suffix=".safetensors"),
    "lstm.safetensors": _state(
        nn.LSTM, ("lstm none logistic",) * 3, suffix=".safetensors", num_layers=3, bias=False
    ),
}
"""State dicts, each with its description beside it."""

assert UNITS != INPUTS  # so that no matrix fits by accident
