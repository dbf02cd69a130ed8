"""Import of other tools' files; the suffix of the name selects the importer."""

from __future__ import annotations

import warnings
from pathlib import Path

from golden.errors import InputError
from litelstm.importers import keras, onnx, torch
from litelstm.importers.layers import Imported

KERAS = (".keras", ".h5", ".hdf5")
STATE_DICTS = (".safetensors", ".pt", ".pth")
SUFFIXES = (".onnx", *KERAS, *STATE_DICTS)
"""Suffixes of files that can be imported."""


def import_network(path: str | Path, *, description: str | Path | None = None) -> Imported:
    """Import a trained network from a file of another tool.

    Args:
        path: an ONNX, Keras or PyTorch file, see ``SUFFIXES``.
        description: JSON file with the modules of a PyTorch state dict, see
            :mod:`litelstm.importers.torch_description`.

    Raises:
        InputError: the file cannot be read, or something in it cannot be mapped.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # hide other tools' warnings: the import succeeds or fails with one line
        return _import(path, description)


def _import(path: str | Path, description: str | Path | None) -> Imported:
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: name ends in {suffix!r}, expected {', '.join(SUFFIXES)}")
    if suffix in STATE_DICTS:
        return torch.load(path, description)
    if description is not None:
        raise InputError(f"{path}: has its own description; {description} is for a state dict")
    return keras.load(path) if suffix in KERAS else onnx.load(path)
