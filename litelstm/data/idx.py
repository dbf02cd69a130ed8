"""Loader of MNIST's idx files: a folder with all four, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np

from golden.errors import InputError
from golden.store import most_bytes
from litelstm.data.dataset import Array

PARTS = {"train": "train", "test": "t10k"}
KINDS = {"x": ("images-idx3-ubyte", 3), "y": ("labels-idx1-ubyte", 1)}

UNSIGNED_BYTE = 8
"""Type code of the only element type in MNIST's files."""


def load(folder: Path) -> dict[str, Array]:
    """Read images x_train, x_test (samples, rows, columns), uint8, and labels y_train, y_test.

    Raises:
        InputError: a file is missing, damaged or of another kind.
    """
    arrays = {}
    for part, prefix in PARTS.items():
        for letter, (suffix, dimensions) in KINDS.items():
            arrays[f"{letter}_{part}"] = read(_find(folder, f"{prefix}-{suffix}"), dimensions)
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if len(images) != len(labels):
            raise InputError(
                f"{folder}: {prefix} has {len(images)} images and {len(labels)} labels, "
                "expected as many"
            )
    return {name: a.astype(np.int64) if name[0] == "y" else a for name, a in arrays.items()}


def _find(folder: Path, name: str) -> Path:
    names = [name, f"{name}.gz"]
    names += [other.replace("-idx", ".idx") for other in names]
    for candidate in names:
        if (folder / candidate).is_file():
            return folder / candidate
    raise InputError(f"{folder}: has no {name} or {name}.gz, expected MNIST's four idx files")


def read(path: Path, dimensions: int) -> Array:
    """Read one idx file of unsigned bytes.

    Args:
        path: the file; gzipped if its name ends in ``.gz``.
        dimensions: expected number of dimensions.

    Raises:
        InputError: the file is of another kind, or damaged.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            limit = most_bytes(len(data))
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(limit)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if data[:4] != magic or len(data) < header:
        raise InputError(
            f"{path}: begins with {data[:4].hex() or 'nothing'}, expected {magic.hex()} "
            f"(an idx file of bytes in {dimensions} dimensions)"
        )
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    expected = int(np.prod(shape, dtype=object))
    if len(data) - header != expected or not expected:
        raise InputError(
            f"{path}: holds {len(data) - header} bytes, expected {expected} (shape {shape})"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
