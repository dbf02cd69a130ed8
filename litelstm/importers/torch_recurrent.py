"""Recurrent modules of PyTorch state dicts: their layers, from the arrays of one module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Floats
from golden.errors import InputError
from golden.network import Layer
from litelstm.importers.layers import LOGISTIC, GateWeights, make_layer, reals, split
from litelstm.importers.operations import features, pooled
from litelstm.importers.recurrent import recurrent
from litelstm.importers.tensors import Data
from litelstm.importers.torch_description import (
    ALL_STEPS,
    FINAL_STATE,
    LAST_STEP,
    POOLS,
    described_cell,
)

Arrays = dict[str, NDArray[Any]]
"""A module's arrays by name."""

GATES = {"RNN": "h", "GRU": "rzn", "LSTM": "ifgo"}
"""PyTorch's recurrent modules, with the stacking order of their gates."""


def recurrent_layers(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Run the layers of RNN, GRU or LSTM: weight_ih_l0, weight_hh_l0, bias_ih_l0, ..."""
    both = "weight_ih_l0_reverse" in arrays
    stack, projections = [], []
    while arrays:
        ends = [f"_l{len(stack)}", f"_l{len(stack)}_reverse"][: 2 if both else 1]
        projections.append([_projection(arrays, end) for end in ends])
        ways = [_layer(entry, arrays, *way) for way in zip(ends, projections[-1], strict=True)]
        if both:
            ways[1] = replace(ways[1], direction="reverse")
        stack.append(ways)
    if both and entry["output"] == LAST_STEP:
        raise InputError(
            f"output is {LAST_STEP!r} of a bidirectional module, expected {FINAL_STATE!r} (h_n): "
            "the second direction begins with the last step"
        )
    return _stacked(data, stack, entry, projections)


def cell_layer(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Run RNNCell, GRUCell or LSTMCell over the steps, as a module of one layer."""
    named = {f"{name}_l0": array for name, array in arrays.items()}
    return recurrent_layers(data, named, {**entry, "module": entry["module"].removesuffix("Cell")})


def _projection(arrays: Arrays, suffix: str) -> Floats | None:
    """Remove and return the matrix of ``proj_size``, with which an LSTM's h is multiplied."""
    name = f"weight_hr{suffix}"
    return reals(arrays.pop(name), (None, None), name) if name in arrays else None


def _stacked(
    data: Data,
    stack: Sequence[Sequence[Layer]],
    entry: Mapping[str, Any],
    projections: Sequence[Sequence[Floats | None]] = (),
) -> Data:
    """Run layers, each of one or two directions; return the entry's ``output`` of the last one.

    ``projections`` are matrices for the layers' h, one for each direction.
    """
    for index, ways in enumerate(stack):
        if ways[0].inputs != data.features:
            raise InputError(f"layer reads {ways[0].inputs} values, expected {data.features}")
        if "steps" not in data.axes:
            raise InputError("reads one step, expected a sequence: all steps of what is before it")
        outputs = recurrent(data, ways)
        if projections:
            outputs = outputs.projected(projections[index])
        steps = index < len(stack) - 1 or entry["output"] in (ALL_STEPS, *POOLS)
        data = features(data, outputs, steps=steps, final=entry["output"] == FINAL_STATE)
    if entry["output"] in POOLS:
        data = pooled(data, entry["output"])
    return data


def _layer(
    entry: Mapping[str, Any], arrays: Arrays, suffix: str, projection: Floats | None
) -> Layer:
    """Make one direction of a layer; remove its arrays from ``arrays``.

    An LSTM reads its h only through matrices, so these are multiplied by its projection.
    """
    for what in ("weight_ih", "weight_hh"):
        if what + suffix not in arrays:
            raise InputError(f"weight {what}{suffix} is missing")
    module = entry["module"]
    names = GATES[module]
    matrix = reals(arrays.pop(f"weight_ih{suffix}"), (None, None), f"weight_ih{suffix}")
    rows = len(matrix)
    if rows % len(names):
        raise InputError(f"weight_ih{suffix} has {rows} rows, expected {len(names)} x units")
    units = rows // len(names)
    if projection is not None and projection.shape[1] != units:
        raise InputError(f"weight_hr{suffix} reads {projection.shape[1]} units, expected {units}")
    shape = (rows, units if projection is None else len(projection))
    on_h = reals(arrays.pop(f"weight_hh{suffix}"), shape, f"weight_hh{suffix}")
    x = split(matrix, names)
    h = split(on_h if projection is None else on_h @ projection, names)
    b_x, b_h = (
        split(reals(arrays.pop(name, np.zeros(rows)), (rows,), name), names)
        for name in (f"bias_ih{suffix}", f"bias_hh{suffix}")
    )
    gates = {n: GateWeights(x=x[n], h=h[n], b=b_x[n] + b_h[n]) for n in names}
    if module == "RNN":
        return make_layer(RNN(activation=entry["nonlinearity"]), LOGISTIC, gates)
    if module == "LSTM":
        return make_layer(LSTM(), LOGISTIC, gates)
    gates["n"] = GateWeights(x=x["n"], b=b_x["n"])
    gates["m"] = GateWeights(h=h["n"], b=b_h["n"])
    return make_layer(GRU(reset="after"), LOGISTIC, gates, complement=("z",))


def litelstm_layers(data: Data, arrays: Arrays, entry: Mapping[str, Any]) -> Data:
    """Run the layers of :class:`litelstm.torch.Recurrent`, which has golden.network's names."""
    gate, cell = entry["gate"], described_cell(entry)
    indices = sorted({int(name.split(".")[1]) for name in arrays})
    if indices != list(range(len(indices))):
        raise InputError(f"has layers {indices}, expected 0, 1, ...")
    stack = []
    for index in indices:
        prefix = f"layers.{index}."
        weights = {
            name.removeprefix(prefix): reals(value, (None,) * value.ndim, name)
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        try:
            stack.append([Layer(cell=cell, sigmoid=gate, weights=weights)])
        except InputError as error:
            raise InputError(f"layers.{index}: {error}") from None
    return _stacked(data, stack, entry)
