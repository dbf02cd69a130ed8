"""Reader of Keras files: ``.keras`` of Keras 3 (and 2.13 or later), and the older ``.h5``.

It reads the files' JSON and HDF5 without Keras, and executes nothing in them (lambdas, custom
classes). :mod:`litelstm.importers.keras_model` follows the layers.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

from golden import packages
from golden.errors import InputError
from golden.store import check_expansion, most_bytes
from litelstm.importers.keras_graph import convert
from litelstm.importers.keras_layers import Arrays
from litelstm.importers.keras_model import Model
from litelstm.importers.proof import Imported
from litelstm.importers.reading import of_file

_DAMAGED = (
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions from reading a damaged or foreign file."""


def load(path: str | Path) -> Imported:
    """Import a ``.keras`` or ``.h5`` file of a whole model.

    Raises:
        InputError: the file cannot be read or mapped; the message names file and layer.
    """
    path = Path(path)
    h5py = packages.load("h5py", extra="import")
    with of_file(path):
        data = path.read_bytes()
        try:
            read = _read_zip if zipfile.is_zipfile(io.BytesIO(data)) else _read_h5
            return convert(read(h5py, data), path)
        except InputError:
            raise
        except _DAMAGED:
            raise InputError(
                "is not a readable Keras model (foreign, damaged or cut short)"
            ) from None


def _read_zip(h5py: Any, data: bytes) -> Model:
    """Read a ``.keras`` file."""
    check_expansion(io.BytesIO(data))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        metadata, config = (json.loads(archive.read(n)) for n in ("metadata.json", "config.json"))
        weights = archive.read("model.weights.h5")
    version = _version(metadata)
    with h5py.File(io.BytesIO(weights), "r") as file:
        _check_sizes(h5py, file, len(weights))
        return _model_of_groups(h5py, file, config, version)


def _model_of_groups(h5py: Any, parent: Any, config: Any, version: int) -> Model:
    """Read a model whose layers' weights are numbered by class: ``layers/dense_1``."""
    groups = parent.get("layers")
    if not isinstance(groups, h5py.Group):
        raise InputError("has no group layers in model.weights.h5")
    model, counts = Model(config, version), {}
    for entry in model.entries:
        base = _snake_case(entry.kind)
        count = counts[base] = counts.get(base, -1) + 1
        group = groups.get(f"{base}_{count}" if count else base)
        if entry.inner is not None and group is not None:
            entry.inner = _model_of_groups(h5py, group, entry.inner, version)
        else:
            entry.arrays = _arrays(h5py, group, entry.name)
    known = {f"{base}_{n}" if n else base for base, most in counts.items() for n in range(most + 1)}
    _refuse_others(groups, known)
    return model


def _read_h5(h5py: Any, data: bytes) -> Model:
    """Read an ``.h5`` file."""
    with h5py.File(io.BytesIO(data), "r") as file:
        if "model_config" not in file.attrs or "model_weights" not in file:
            raise InputError("has no model_config and model_weights, expected a whole saved model")
        model = Model(json.loads(file.attrs["model_config"]), _version(dict(file.attrs)))
        _check_sizes(h5py, file, len(data))
        groups = file["model_weights"]
        for entry in model.entries:
            if entry.inner is not None:
                raise InputError(f"{entry.kind} {entry.name!r} is a model inside; save as .keras")
            entry.arrays = _arrays(h5py, groups.get(entry.name), entry.name)
        _refuse_others(
            groups, {entry.name for entry in model.entries} | {"top_level_model_weights"}
        )
        return model


def _check_sizes(h5py: Any, file: Any, size: int) -> None:
    """Refuse arrays that are far larger than their file: of one value, or compressed."""
    sizes: list[int] = []

    def visit(_path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            sizes.append(item.size * item.dtype.itemsize)

    file.visititems(visit)
    if sum(sizes) > most_bytes(size):
        raise InputError(f"has arrays of {sum(sizes)} bytes in {size}")


def _version(fields: dict[str, Any]) -> int:
    """Read Keras' major version, which decides the slope of its hard sigmoid."""
    text = fields.get("keras_version")
    found = re.match(r"(\d+)\.", str(text))
    if found is None or found[1] not in ("2", "3"):
        raise InputError(f"keras_version is {text!r}, expected 2.x or 3.x")
    return int(found[1])


def _snake_case(kind: str) -> str:
    """Make Keras' name of a layer's group: simple_rnn, gru, dense."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _arrays(h5py: Any, group: Any, layer: str) -> Arrays:
    """Read a layer's arrays in Keras' order: kernel, recurrent kernel, bias."""
    if group is None:
        return []
    found: dict[str, Any] = {}
    named: list[str] = []

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            name = item.attrs.get("name")
            if path == "vars" and name not in (None, layer):
                named.append(str(name))
        elif "seed_generator" not in path:
            if item.external or item.is_virtual:
                raise InputError(f"weight {item.name} lies in another file")
            found[path] = item

    group.visititems(visit)
    if named:
        raise InputError(f"layer {layer!r} has the weights of {named[0]!r}")
    order = list(found)
    if "weight_names" in group.attrs:
        listed = group.attrs["weight_names"]
        order = [name.decode() if isinstance(name, bytes) else str(name) for name in listed]
        if sorted(order) != sorted(found):
            raise InputError(f"layer {layer!r} has weights that its weight_names do not list")
    return [(name, found[name][()]) for name in order]


def _refuse_others(groups: Any, known: set[str]) -> None:
    for name in groups:
        if name not in known:
            raise InputError(f"weights {name} belong to no layer of the model")
