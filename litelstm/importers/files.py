"""Import of other tools' files; the suffix of the name selects the reader."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from golden.errors import InputError
from litelstm.importers import keras, onnx, tflite, torch_files
from litelstm.importers.proof import Imported
from litelstm.importers.text import layer_text, reads_of, reads_text

KERAS = (".keras", ".h5", ".hdf5")
TORCH = (".safetensors", ".pt", ".pth", ".ckpt", ".pt2")
SUFFIXES = (".onnx", *KERAS, *TORCH, ".tflite")
"""Suffixes of files that can be imported."""


def import_network(
    path: str | Path,
    *,
    description: str | Path | None = None,
    start: str | None = None,
    until: str | None = None,
) -> Imported:
    """Import a trained network from a file of another tool.

    Args:
        path: an ONNX, Keras, TFLite or PyTorch file, see ``SUFFIXES``.
        description: JSON file with the modules of a PyTorch state dict, see
            :mod:`litelstm.importers.torch_description`.
        start: operator or tensor of an ONNX file with which the part begins that is imported; by
            default all of it.
        until: operator or tensor with which that part ends.

    Raises:
        InputError: the file cannot be read, or something in it cannot be mapped.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # hide other tools' warnings: the import succeeds or fails with one line
        return _import(path, description, start, until)


def _import(
    path: str | Path, description: str | Path | None, start: str | None, until: str | None
) -> Imported:
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: name ends in {suffix!r}, expected {', '.join(SUFFIXES)}")
    if (start or until) and suffix != ".onnx":
        raise InputError(f"{path}: --from and --until are for ONNX files; export it as one")
    if suffix in TORCH:
        return torch_files.load(path, description)
    if description is not None:
        raise InputError(f"{path}: has its own description; {description} is for a state dict")
    if suffix in KERAS:
        return keras.load(path)
    return tflite.load(path) if suffix == ".tflite" else onnx.load(path, start=start, until=until)


def inspect(
    path: str | Path,
    *,
    description: str | Path | None = None,
    start: str | None = None,
    until: str | None = None,
) -> Iterator[str]:
    """Yield lines that describe a file: its operators, what each becomes, what stops the import.

    Raises:
        InputError: the file cannot be read.
    """
    if Path(path).suffix.lower() == ".onnx":
        yield from onnx.inspect(path, start=start, until=until)
    try:
        made = import_network(path, description=description, start=start, until=until)
    except InputError as error:
        yield f"refused: {error}"
        return
    network = made.network
    for index, (layer, read) in enumerate(zip(network.layers, reads_of(network), strict=True)):
        result = ", a result" if index + 1 in (network.results or ()) else ""
        yield f"layer{index}: {layer_text(layer, reads_text(*read))}{result}"
    yield from made.notes
