"""Descriptions of PyTorch state dicts: their modules, and the functions between these.

A state dict has names and arrays, but neither the order of the modules nor the functions between
them. A description, a JSON object, has all of it:

    {"layers": [
        {"module": "RNN", "name": "rnn", "nonlinearity": "tanh", "output": "last step",
         "activation": "none"},
        {"module": "Linear", "name": "head", "activation": "none"}],
     "input_scale": 1.0}

``layers`` are in the order of the data. ``module`` is RNN, GRU, LSTM, Linear, Embedding,
Conv1d or BatchNorm1d of ``torch.nn``, or ``Recurrent`` of :mod:`litelstm.torch`. ``name`` is the
prefix of its parameters' names, empty for the state dict of the module itself. ``output`` is that
of a recurrent module, and ``activation`` the function between that, or a Linear's result, and the
next module. No field that decides a result has a default: a description without one is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.activations import ALPHAS
from golden.cells import CELLS, SIGMOIDS, Cell, Pool
from golden.errors import InputError
from litelstm.importers.reading import of_file

ALL_STEPS, LAST_STEP, FINAL_STATE = "all steps", "last step", "final state"
"""Outputs of a recurrent module: h of every step, h of the last step, or the final h of each
direction (PyTorch's h_n). The last two differ for bidirectional modules."""

POOLS = ("mean", "max")
"""Outputs of a recurrent module that pool h over the steps."""

NONE = "none"
"""Value of ``activation`` for a module without one."""

ANYWHERE = (NONE, "relu", "relu6", "leaky_relu", "tanh", "sigmoid", "hardsigmoid", *ALPHAS)
"""Activations that a layer has."""

END_ACTIVATIONS = ("softmax", "log_softmax")
"""Activations at the end of a network alone."""

CHOICES: dict[str, tuple[str, ...]] = {
    "nonlinearity": ("tanh", "relu"),
    "gate": tuple(SIGMOIDS),
    "output": (ALL_STEPS, LAST_STEP, FINAL_STATE, *POOLS),
    "activation": (*ANYWHERE, *END_ACTIVATIONS),
}
"""Fields that decide a module's function, with their supported values."""

REQUIRED = {
    "RNN": ("nonlinearity", "output", "activation"),
    "GRU": ("output", "activation"),
    "LSTM": ("output", "activation"),
    "RNNCell": ("nonlinearity", "output", "activation"),
    "GRUCell": ("output", "activation"),
    "LSTMCell": ("output", "activation"),
    "Linear": ("activation",),
    "BatchNorm1d": ("eps", "activation"),
    "Conv1d": ("stride", "padding", "dilation", "groups", "activation"),
    "Embedding": ("activation",),
    "Recurrent": ("gate", "output", "activation"),
}
"""Required fields of an entry, by module."""

NUMBERS = ("eps", "slope", "stride", "padding", "dilation", "groups")
"""Fields that are numbers; the others are texts. ``slope`` is that of ``leaky_relu``."""

RECURRENT = {name: cell for name, cell in CELLS.items() if cell.state and cell is not Pool}
"""Cells of a ``Recurrent``, by name."""

OPTIONAL = {
    "Recurrent": (
        *("cell", "nonlinearity"),
        *(o for cell in RECURRENT.values() for o in cell.options if o != "activation"),
    ),
}
"""Optional fields of an entry, by module; ``nonlinearity`` is the cell's ``activation``."""


@dataclass(frozen=True)
class Description:
    """A checked description.

    Attributes:
        layers: entries in the order of the data, each with all of its module's fields.
        input_scale: factor from stored samples to the numbers that the modules read.
    """

    layers: tuple[Mapping[str, Any], ...]
    input_scale: float


def read(path: str | Path) -> Description:
    """Read a description from its JSON file.

    Raises:
        InputError: it is not as expected, or does not say all that it must.
    """
    with of_file(path):
        text = Path(path).read_bytes()
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError("is not a readable JSON file") from None
        return check(told)


def check(told: Any) -> Description:
    """Check a description, as JSON values.

    Raises:
        InputError: it is not as expected, or does not say all that it must.
    """
    if not isinstance(told, Mapping) or not isinstance(told.get("layers"), (list, tuple)):
        raise InputError("description has no list layers")
    unknown = sorted(set(told) - {"layers", "input_scale"})
    if unknown:
        raise InputError(f"description has {unknown[0]}, expected layers and input_scale")
    scale = told.get("input_scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, (int, float)):
        raise InputError(f"input_scale is {scale!r}, expected a positive number")
    layers = told["layers"]
    for index, entry in enumerate(layers):
        _check_fields(index, entry)
    _check_complete(layers)
    for index, entry in enumerate(layers):
        for field in REQUIRED[entry["module"]]:
            if field in CHOICES and entry[field] not in CHOICES[field]:
                raise _unmapped(index, entry, field, CHOICES[field])
        if index < len(layers) - 1 and entry["activation"] in END_ACTIVATIONS:
            raise _unmapped(index, entry, "activation", ANYWHERE)
    _check_outputs(layers)
    return Description(tuple(layers), float(scale))


def _check_fields(index: int, entry: Any) -> None:
    """Refuse an entry with an unknown module or field, or with a field that is no text."""
    if not isinstance(entry, Mapping):
        raise InputError(f"layers[{index}] is {entry!r}, expected an object")
    module = entry.get("module")
    if not isinstance(module, str) or module not in REQUIRED:
        raise InputError(f"layers[{index}].module is {module!r}, expected {' or '.join(REQUIRED)}")
    known = {"module", "name", *REQUIRED[module], *OPTIONAL.get(module, ())}
    known |= {"slope"} if entry.get("activation") == "leaky_relu" else set()
    for field in sorted({*entry, "name"}):
        if field not in known:
            raise InputError(f"layers[{index}] has {field}, which a {module} has not")
        value = entry.get(field)
        if field in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"layers[{index}].{field} is {value!r}, expected a number")
        elif not isinstance(value, str):
            raise InputError(f"layers[{index}].{field} is {entry.get(field)!r}, expected a text")


def _check_complete(layers: Any) -> None:
    """Refuse a description with missing fields, and name all of them."""
    missing: dict[str, list[str]] = {}
    for index, entry in enumerate(layers):
        slope = ("slope",) if entry.get("activation") == "leaky_relu" else ()
        for field in (*REQUIRED[entry["module"]], *slope):
            if field not in entry:
                missing.setdefault(field, []).append(f"layers[{index}]")
    if missing:
        told = [
            f"{field} of {', '.join(places)} "
            f"({_quoted(CHOICES[field]) if field in CHOICES else 'a number'})"
            for field, places in missing.items()
        ]
        raise InputError(f"does not say {'; '.join(told)}")


def _check_outputs(layers: Any) -> None:
    """Refuse a recurrent module that does not hand on all steps to the next one."""
    recurrent = [index for index, entry in enumerate(layers) if "output" in entry]
    for index in recurrent[:-1]:
        if layers[index]["output"] != ALL_STEPS:
            raise _unmapped(index, layers[index], "output", (ALL_STEPS,))


def _unmapped(
    index: int, entry: Mapping[str, str], field: str, choices: tuple[str, ...]
) -> InputError:
    return InputError(
        f"layers[{index}].{field} is {entry[field]!r}, expected {_quoted(choices)}: "
        "nothing else can be mapped to a core here"
    )


def _quoted(choices: tuple[str, ...]) -> str:
    return " or ".join(repr(choice) for choice in choices)


def described_cell(entry: Mapping[str, str]) -> Cell:
    """Make the cell of a ``Recurrent``.

    Raises:
        InputError: the cell is unknown, or does not have an option.
    """
    kind = entry.get("cell", "litelstm")
    if kind not in RECURRENT:
        raise InputError(f"cell is {kind!r}, expected {' or '.join(RECURRENT)}")
    known = ("module", "name", "cell", "slope", *REQUIRED["Recurrent"])
    options = {name: value for name, value in entry.items() if name not in known}
    for name in options:
        if {"nonlinearity": "activation"}.get(name, name) not in CELLS[kind].options:
            raise InputError(f"has {name}, which a {kind} has not")
    if "nonlinearity" in options:
        options["activation"] = options.pop("nonlinearity")
    try:
        return CELLS[kind](**options)
    except ValueError as error:
        raise InputError(str(error)) from None
