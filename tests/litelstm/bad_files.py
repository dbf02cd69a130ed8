"""Files of the tiny network gone bad, each with what its refusal must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.litelstm.conftest import Files

Arrays = dict[str, NDArray[Any]]


def arrays(path: Path) -> Arrays:
    """All fields of a file."""
    with np.load(path) as data:
        return {name: data[name] for name in data.files}


@dataclass(frozen=True, kw_only=True)
class BadFile:
    """How a file is spoilt, and words of the refusal: the place, what it is, what was expected."""

    spoil: Callable[[Path], object]
    says: tuple[str, ...]


def _rewrite(change: Callable[[Arrays], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        fields = arrays(path)
        change(fields)
        np.savez(path, **fields)  # pyright: ignore[reportArgumentType]

    return spoil


def _set(name: str, value: Any) -> Callable[[Path], None]:
    return _rewrite(lambda fields: fields.update({name: np.asarray(value)}))


def _put(name: str, value: float) -> Callable[[Path], None]:
    def change(fields: Arrays) -> None:
        fields[name].reshape(-1)[1] = value

    return _rewrite(change)


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


ANY: dict[str, BadFile] = {
    "missing": BadFile(spoil=Path.unlink, says=("cannot be read", "No such file")),
    "a folder": BadFile(
        spoil=lambda path: (path.unlink(), path.mkdir()), says=("cannot be read", "directory")
    ),
    "empty": BadFile(spoil=lambda path: path.write_bytes(b""), says=("npz",)),
    "foreign": BadFile(spoil=lambda path: path.write_text("W_fx = 1\n"), says=("npz",)),
    "cut short": BadFile(spoil=_truncate, says=("npz", "cut short")),
}
"""Bad whatever the file was."""

NETWORK: dict[str, BadFile] = {
    **ANY,
    "version": BadFile(spoil=_set("version", 99), says=("version is 99", "expected 1")),
    "no version": BadFile(
        spoil=_rewrite(lambda fields: fields.pop("version")), says=("version", "missing")
    ),
    "kind": BadFile(spoil=_set("kind", "something"), says=("kind is 'something'", "expected")),
    "shape": BadFile(
        spoil=_rewrite(lambda fields: fields.update(b=fields.pop("layer0.b_f"))),
        says=("layer0.b_f", "missing"),
    ),
    "matrix": BadFile(
        spoil=_rewrite(lambda fields: fields.update({"layer0.U_fh": fields["layer0.W_fx"]})),
        says=("layer0.U_fh", "shape (4, 3)", "expected", "(4, 4)"),
    ),
    "head": BadFile(
        spoil=_rewrite(lambda fields: fields.update({"layer1.W_yx": fields["layer1.W_yx"][:, :3]})),
        says=("layer1", "3 inputs", "expected 4"),
    ),
    "sigmoid": BadFile(
        spoil=_set("layer0.sigmoid", "soft"), says=("layer0.sigmoid is 'soft'", "expected hard")
    ),
}
"""Bad float and quantized networks."""

FLOAT: dict[str, BadFile] = {
    **NETWORK,
    "NaN": BadFile(
        spoil=_put("layer0.W_fx", np.nan), says=("layer0.W_fx[0, 1] is nan", "expected a finite")
    ),
    "infinite": BadFile(
        spoil=_put("layer0.b_g", np.inf), says=("layer0.b_g[1] is inf", "expected a finite")
    ),
    "text weights": BadFile(
        spoil=_set("layer0.b_g", ["a", "b", "c", "d"]), says=("layer0.b_g", "expected real")
    ),
}

QUANTIZED: dict[str, BadFile] = {
    **NETWORK,
    "gate": BadFile(
        spoil=_set("layer0.gate", [8, 7]), says=("gate format is Q1.7", "expected", "exactly 1.0")
    ),
    "format": BadFile(spoil=_set("layer0.h", [40, 7]), says=("layer0.h", "width", "not 40")),
    "weight": BadFile(
        spoil=_rewrite(lambda fields: fields.update({"layer0.W_fx": fields["layer0.W_fx"] * 1.0})),
        says=("layer0.W_fx", "float64", "expected integers"),
    ),
    "weight too large": BadFile(
        spoil=_rewrite(
            lambda fields: fields.update(
                {"layer0.W_fx": np.full_like(fields["layer0.W_fx"], 200, dtype=np.int64)}
            )
        ),
        says=("layer0.W_fx[0, 0] is 200", "expected an integer from -128 to 127"),
    ),
    "infinite scale": BadFile(spoil=_set("input_scale", np.inf), says=("input_scale", "finite")),
}

SAMPLES: dict[str, BadFile] = {
    **ANY,
    "width": BadFile(
        spoil=_set("x", np.zeros((6, 3, 4))), says=("x", "(6, 3, 4)", "expected", "steps, 3)")
    ),
    "dimensions": BadFile(spoil=_set("x", np.zeros((6, 3))), says=("x", "(6, 3)", "expected")),
    "none": BadFile(spoil=_set("x", np.zeros((0, 3, 3))), says=("x", "(0, 3, 3)", "expected")),
    "key": BadFile(
        spoil=_rewrite(lambda fields: fields.update(inputs=fields.pop("x"))),
        says=("has y, inputs", "expected x or x_"),
    ),
    "NaN": BadFile(spoil=_put("x", np.nan), says=("x", "NaN", "expected finite")),
    "infinite": BadFile(spoil=_put("x", -np.inf), says=("x", "infinity", "expected finite")),
    "text": BadFile(spoil=_set("x", np.full((6, 3, 3), "a")), says=("x", "expected numbers")),
    "labels": BadFile(spoil=_set("y", np.zeros(5, int)), says=("y", "(5,)", "expected", "(6,)")),
    "objects": BadFile(
        spoil=lambda path: np.savez(path, x=np.array([{}, {}], dtype=object)), says=("pickle",)
    ),
}


def spoilt(files: Files, name: str, bad: BadFile, folder: Path) -> Path:
    """A copy of one of the files, spoilt."""
    path = folder / name
    path.write_bytes((files.folder / name).read_bytes())
    bad.spoil(path)
    return path
