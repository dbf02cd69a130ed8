"""Importer of PyTorch state dicts with a description of their modules.

See `torch_description` for the description. The output of a bidirectional module
must be the final h of both directions, PyTorch's h_n. The last step's output is not supported: in
it, the reverse direction has seen only one step.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from golden import packages
from golden.cells import GRU, LSTM, RNN
from golden.errors import InputError
from golden.network import Layer, weight_shapes
from litelstm.importers import torch_description
from litelstm.importers.layers import (
    LOGISTIC,
    Chain,
    GateWeights,
    Imported,
    make_layer,
    reals,
    split,
)
from litelstm.importers.outputs import end_note
from litelstm.importers.torch_description import FINAL_STATE, LAST_STEP, Description, described_cell

Arrays = dict[str, NDArray[Any]]

GATES = {"RNN": "h", "GRU": "rzn", "LSTM": "ifgo"}
"""PyTorch's recurrent modules, with the stacking order of their gates."""


def load(path: str | Path, description: str | Path | None) -> Imported:
    """Import a state dict from a ``.safetensors`` file, or one that ``torch.save`` wrote.

    Args:
        path: the file; ``weights_only=True`` makes sure that reading it executes nothing.
        description: a JSON file that describes its modules.

    Raises:
        InputError: a file cannot be read or mapped.
    """
    told = None if description is None else torch_description.read(description)
    path = Path(path)
    try:
        state = (_read_safetensors if path.suffix == ".safetensors" else _read_pickle)(path)
        if told is None:
            raise InputError("a state dict needs a description of its modules (docs/import.md)")
        return _import(state, told)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def from_state_dict(state: Mapping[str, Any], description: Mapping[str, Any]) -> Imported:
    """Import the arrays or tensors of a state dict.

    Raises:
        InputError: the description is not as expected, or a weight is missing, of a wrong shape,
            or belongs to no module.
    """
    return _import(state, torch_description.check(description))


def _import(state: Mapping[str, Any], told: Description) -> Imported:
    left = {name: _array(value) for name, value in state.items()}
    chain = Chain(input_scale=told.input_scale)
    for entry in told.layers:
        name = entry["name"]
        prefix = f"{name}." if name else ""
        try:
            _ADD[entry["module"]](chain, _taken(left, prefix, entry["module"]), entry)
        except InputError as error:
            raise InputError(f"{entry['module']} {name!r}: {error}") from None
    if left:
        raise InputError(f"weight {next(iter(left))} belongs to no module of the description")
    notes = (end_note(told.end),) if told.end else ()
    return Imported(network=chain.network(), notes=notes)


def _taken(left: Arrays, prefix: str, module: str) -> Arrays:
    """Move a module's arrays out of ``left``; return them by name without the prefix."""
    pattern = {
        "Linear": r"(weight|bias)",
        "Recurrent": r"layers\.\d+\.\w+",
    }.get(module, r"(weight|bias)_\w+")
    names = [n for n in left if n.startswith(prefix) and re.fullmatch(pattern, n[len(prefix) :])]
    if not names:
        raise InputError(f"has no weights {prefix}...")
    return {name[len(prefix) :]: left.pop(name) for name in names}


def _add_linear(chain: Chain, arrays: Arrays, entry: Mapping[str, str]) -> None:
    if "weight" not in arrays:
        raise InputError("weight is missing")
    matrix = reals(arrays["weight"], (None, None), "weight")
    bias = np.zeros(len(matrix))
    if "bias" in arrays:
        bias = reals(arrays["bias"], (len(matrix),), "bias")
    chain.dense(matrix, bias)


def _add_recurrent(chain: Chain, arrays: Arrays, entry: Mapping[str, str]) -> None:
    """Add the layers of RNN, GRU or LSTM: weight_ih_l0, weight_hh_l0, bias_ih_l0, ..."""
    for name in arrays:
        if name.startswith("weight_hr"):
            raise InputError(f"weight {name} is a projection, expected proj_size 0")
    both = "weight_ih_l0_reverse" in arrays
    index = 0
    while arrays:
        layer = _layer(entry["module"], arrays, f"_l{index}")
        if both:
            second = _layer(entry["module"], arrays, f"_l{index}_reverse")
            layer = replace(layer, direction="bidirectional", backward=second.weights)
        chain.layer(layer)
        index += 1
    if both and entry["output"] == LAST_STEP:
        raise InputError(
            f"output is {LAST_STEP!r} of a bidirectional module, expected {FINAL_STATE!r} (h_n): "
            "the second direction begins with the last step"
        )


def _layer(module: str, arrays: Arrays, suffix: str) -> Layer:
    """Make one direction of a layer; remove its arrays from ``arrays``."""
    for what in ("weight_ih", "weight_hh"):
        if what + suffix not in arrays:
            raise InputError(f"weight {what}{suffix} is missing")
    names = GATES[module]
    matrix = reals(arrays.pop(f"weight_ih{suffix}"), (None, None), f"weight_ih{suffix}")
    rows = len(matrix)
    if rows % len(names):
        raise InputError(f"weight_ih{suffix} has {rows} rows, expected {len(names)} x units")
    shape = (rows, rows // len(names))
    x = split(matrix, names)
    h = split(reals(arrays.pop(f"weight_hh{suffix}"), shape, f"weight_hh{suffix}"), names)
    b_x, b_h = (
        split(reals(arrays.pop(name, np.zeros(rows)), (rows,), name), names)
        for name in (f"bias_ih{suffix}", f"bias_hh{suffix}")
    )
    gates = {n: GateWeights(x=x[n], h=h[n], b=b_x[n] + b_h[n]) for n in names}
    if module == "RNN":
        return make_layer(RNN(), LOGISTIC, gates)
    if module == "LSTM":
        return make_layer(LSTM(), LOGISTIC, gates)
    gates["n"] = GateWeights(x=x["n"], b=b_x["n"])
    gates["m"] = GateWeights(h=h["n"], b=b_h["n"])
    return make_layer(GRU(reset="after"), LOGISTIC, gates, complement=("z",))


def _add_litelstm(chain: Chain, arrays: Arrays, entry: Mapping[str, str]) -> None:
    """Add the layers of :class:`litelstm.torch.Recurrent`, which has golden.network's names."""
    gate, cell = entry["gate"], described_cell(entry)
    indices = sorted({int(name.split(".")[1]) for name in arrays})
    if indices != list(range(len(indices))):
        raise InputError(f"has layers {indices}, expected 0, 1, ...")
    for index in indices:
        prefix = f"layers.{index}."
        weights = {
            name.removeprefix(prefix): reals(value, (None,) * value.ndim, name)
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        try:
            layer = Layer(cell=cell, sigmoid=gate, weights=weights)
        except InputError as error:
            raise InputError(f"layers.{index}: {error}") from None
        order = weight_shapes(cell, layer.inputs, layer.units)
        ordered = {name: weights[name] for name in order}
        chain.layer(Layer(cell=cell, sigmoid=gate, weights=ordered))


_ADD: dict[str, Callable[[Chain, Arrays, Mapping[str, str]], None]] = {
    "RNN": _add_recurrent,
    "GRU": _add_recurrent,
    "LSTM": _add_recurrent,
    "Linear": _add_linear,
    "Recurrent": _add_litelstm,
}
"""Function that adds a module to a chain, by the module's name."""


def _array(value: Any) -> NDArray[Any]:
    """Convert a tensor or array to an array of the same kind of numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    return np.asarray(value)


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    numpy = packages.load("safetensors.numpy", extra="import")
    try:
        return numpy.load(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from None
    except Exception:
        raise InputError(
            "is not a readable .safetensors file of floats (foreign, damaged or cut short)"
        ) from None


def _read_pickle(path: Path) -> Mapping[str, Any]:
    torch = packages.load("torch", extra="train")
    try:
        with path.open("rb") as file:
            if _is_torchscript(file):
                raise InputError(
                    "is a TorchScript file, expected a state dict: "
                    "torch.save(module.state_dict(), ...), or an ONNX file"
                )
            state = torch.load(file, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    except Exception:
        raise InputError(
            "is not a readable state dict (foreign, damaged, cut short, or more than tensors)"
        ) from None
    if not isinstance(state, Mapping) or not all(torch.is_tensor(v) for v in state.values()):
        raise InputError(f"holds {_described(state)}, expected a state dict of tensors")
    return state


def _is_torchscript(file: BinaryIO) -> bool:
    """Whether a file is an archive of ``torch.jit.save``; ``file`` is at its start afterwards."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    finally:
        file.seek(0)


def _described(state: Any) -> str:
    if isinstance(state, Mapping):
        odd = next(k for k, v in state.items() if not hasattr(v, "detach"))
        return f"a dict with {odd!r} that is no tensor"
    return f"a {type(state).__name__}"
