"""Importer of Keras files: ``.keras`` of Keras 3 (and 2.13 or later), and the older ``.h5``.

It reads the files' JSON and HDF5 without Keras, and executes nothing in them (lambdas, custom
classes). :mod:`litelstm.importers.keras_layers` interprets the layers.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golden import packages
from golden.errors import InputError
from litelstm.importers.keras_layers import Arrays, KerasLayer, check_kind, to_network
from litelstm.importers.layers import Imported

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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        read = _read_zip if zipfile.is_zipfile(io.BytesIO(data)) else _read_h5
        version, layers = read(h5py, data)
        return to_network(layers, version)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except _DAMAGED:
        raise InputError(
            f"{path}: is not a readable Keras model (foreign, damaged or cut short)"
        ) from None


def _read_zip(h5py: Any, data: bytes) -> tuple[int, list[KerasLayer]]:
    """Read version and layers of a ``.keras`` file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        metadata, config = (json.loads(archive.read(n)) for n in ("metadata.json", "config.json"))
        weights = archive.read("model.weights.h5")
    entries = _entries(config)
    with h5py.File(io.BytesIO(weights), "r") as file:
        groups = file.get("layers")
        if not isinstance(groups, h5py.Group):
            raise InputError("has no group layers in model.weights.h5")
        layers, counts = [], {}
        for kind, name, options in entries:
            base = _snake_case(kind)
            count = counts[base] = counts.get(base, -1) + 1
            group = groups.get(f"{base}_{count}" if count else base)
            layers.append(KerasLayer(kind, name, options, _arrays(h5py, group, name)))
        known = {
            f"{base}_{n}" if n else base for base, most in counts.items() for n in range(most + 1)
        }
        _refuse_others(groups, known)
    return _version(metadata), layers


def _read_h5(h5py: Any, data: bytes) -> tuple[int, list[KerasLayer]]:
    """Read version and layers of an ``.h5`` file."""
    with h5py.File(io.BytesIO(data), "r") as file:
        if "model_config" not in file.attrs or "model_weights" not in file:
            raise InputError("has no model_config and model_weights, expected a whole saved model")
        entries = _entries(json.loads(file.attrs["model_config"]))
        groups, layers = file["model_weights"], []
        for kind, name, options in entries:
            layers.append(KerasLayer(kind, name, options, _arrays(h5py, groups.get(name), name)))
        _refuse_others(groups, {name for _, name, _ in entries} | {"top_level_model_weights"})
        return _version(dict(file.attrs)), layers


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


def _entries(config: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """List kind, name and options of the layers, in the order of the data."""
    if not isinstance(config, dict) or "layers" not in config.get("config", ()):
        raise InputError("has no layers in its configuration, expected a Sequential model")
    kind, model = config["class_name"], config["config"]
    layers = [
        (str(layer["class_name"]), str(layer["config"]["name"]), dict(layer["config"]), layer)
        for layer in model["layers"]
    ]
    for layer_kind, name, *_ in layers:
        check_kind(layer_kind, name)
    if kind == "Sequential":
        return [entry[:3] for entry in layers]
    if kind not in ("Functional", "Model"):
        raise InputError(f"is a {kind}, expected a Sequential or Functional model")
    after: dict[str, str] = {}
    for _, name, _, layer in layers:
        sources = list(_histories(layer.get("inbound_nodes")))
        is_input = layer["class_name"] == "InputLayer"
        if len(sources) != (not is_input):
            raise InputError(f"layer {name!r} has {len(sources)} inputs, expected one")
        for source in sources:
            if source in after:
                raise InputError(f"layer {source!r} has several readers, expected one")
            after[source] = name
    by_name = {entry[1]: entry[:3] for entry in layers}
    starts = [entry[1] for entry in layers if entry[0] == "InputLayer"]
    if len(starts) != 1:
        raise InputError(f"has {len(starts)} inputs, expected one")
    ordered, name = [], starts[0]
    while name is not None:
        ordered.append(by_name[name])
        name = after.get(name) if len(ordered) < len(layers) else None
    if len(ordered) != len(layers):
        raise InputError("has layers beside its one chain from input to output")
    outputs = list(_histories(model.get("output_layers")))
    if outputs != [ordered[-1][1]]:
        raise InputError(f"has outputs {', '.join(outputs)}, expected {ordered[-1][1]} alone")
    return ordered


def _histories(node: Any) -> Iterator[str]:
    """Yield the layers' names in a node's arguments: entries [name, node, tensor, ...]."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _histories(value)
    elif isinstance(node, (list, tuple)):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int):
            yield node[0]
            node = node[3:]
        for value in node:
            yield from _histories(value)
