"""Network files: one ``.npz`` each, without pickles, every field checked when read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from golden import files
from golden.errors import InputError

VERSION = 2
"""Version of the file format, which every file names. :class:`Reader` also reads version 1."""


def write(path: str | Path, kind: str, fields: Mapping[str, Any]) -> None:
    """Write a file of ``fields`` (scalars, texts, arrays), complete or not at all.

    Raises:
        InputError: the folder does not exist or is not writable.
    """
    arrays = {"kind": kind, "version": VERSION, **fields}
    files.replace(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


class Reader:
    """The fields of one file, each read through a method that checks it.

    Every method raises :class:`InputError` naming the file, the field, the value and the
    expectation. Call :meth:`finish` after the last read: it refuses fields that were not read.

    Args:
        path: the file.
        kinds: acceptable values of the field ``kind``.
    """

    def __init__(self, path: str | Path, kinds: Sequence[str]) -> None:
        self.path = Path(path)
        self._arrays = _load_all(self.path)
        self._asked: set[str] = set()
        self.kind = self.text("kind", kinds)
        version = self.integer("version", 0, 10**6)
        if not 1 <= version <= VERSION:
            raise self.error("version", version, f"1 to {VERSION}")
        if version == 1:
            self._upgrade()

    def _upgrade(self) -> None:
        """Convert the dense head of a version 1 file to a dense layer."""
        if not self.flag("head"):
            return
        layer = f"layer{self.integer('layers', 1, 10**6)}."
        moved = {
            "head.W": "W_yx",
            "head.b": "b_y",
            "head.out": "h",
            "head.weight_width": "weight_width",
            "head.product_frac": "product_frac",
        }
        for old, new in moved.items():
            if old in self._arrays:
                self._arrays[layer + new] = self._arrays.pop(old)
        self._arrays["layers"] = self._arrays["layers"] + 1
        told = {"cell": "dense", "activation": "linear", "slope": "1/2", "sigmoid": "logistic"}
        self._arrays.update((layer + name, np.array(value)) for name, value in told.items())

    def error(self, field: str, value: object, expected: str) -> InputError:
        """Make the exception for a field with an unexpected value."""
        return InputError(f"{self.path}: {field} is {value}, expected {expected}")

    @contextmanager
    def placed(self, place: str = "") -> Iterator[None]:
        """Prefix an error's message with the file and a place in it, unless it names the file.

        Raises:
            InputError: for any ``ValueError`` inside.
        """
        try:
            yield
        except ValueError as error:
            text = str(error)
            known = text.startswith(f"{self.path}: ")
            raise InputError(text if known else f"{self.path}: {place}{text}") from None

    def has(self, field: str) -> bool:
        """Whether the file has an optional field."""
        return field in self._arrays

    def _raw(self, field: str) -> NDArray[Any]:
        if field not in self._arrays:
            raise InputError(f"{self.path}: field {field} is missing")
        self._asked.add(field)
        return self._arrays[field]

    def text(self, field: str, choices: Sequence[str]) -> str:
        """Read a text that is one of ``choices``."""
        array = self._raw(field)
        value = str(array) if array.shape == () and array.dtype.kind == "U" else None
        if value is None or value not in choices:
            shown = repr(value) if value is not None else f"{array.dtype} of shape {array.shape}"
            raise self.error(field, shown, " or ".join(choices))
        return value

    def integer(self, field: str, low: int, high: int) -> int:
        """Read a scalar integer from ``low`` to ``high``, both included."""
        array = self._raw(field)
        expected = f"an integer from {low} to {high}"
        if array.shape != () or array.dtype.kind not in "iu":
            raise self.error(field, f"{array.dtype} of shape {array.shape}", expected)
        if not low <= int(array) <= high:
            raise self.error(field, int(array), expected)
        return int(array)

    def integer_or(self, field: str, low: int, high: int, *, default: int) -> int:
        """Read a scalar integer that a file need not have."""
        return self.integer(field, low, high) if self.has(field) else default

    def flag(self, field: str) -> bool:
        """Read a scalar boolean."""
        array = self._raw(field)
        if array.shape != () or array.dtype.kind != "b":
            raise self.error(field, f"{array.dtype} of shape {array.shape}", "true or false")
        return bool(array)

    def real(self, field: str) -> float:
        """Read a scalar finite real number."""
        return float(self.reals(field, ()))

    def reals(self, field: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
        """Read finite real numbers of ``shape`` (``None``: any size from 1 up) as float64."""
        array = self._shaped(field, shape, "fiu", "real numbers")
        bad = ~np.isfinite(array)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise self.error(f"{field}{list(place)}", array[place], "a finite number")
        return array.astype(np.float64)

    def integers(
        self, field: str, shape: tuple[int | None, ...], low: int, high: int
    ) -> NDArray[np.int64]:
        """Read integers of ``shape`` (``None``: any size from 1 up) from ``low`` to ``high``."""
        array = self._shaped(field, shape, "iu", "integers")
        bad = (array < low) | (array > high)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            expected = f"an integer from {low} to {high}"
            raise self.error(f"{field}{list(place)}", array[place], expected)
        return array.astype(np.int64)

    def integers_or_one(self, field: str, count: int, low: int, high: int) -> list[int]:
        """Read ``count`` integers from ``low`` to ``high``, or one scalar for all of them."""
        shape = () if self._raw(field).shape == () else (count,)
        return np.broadcast_to(self.integers(field, shape, low, high), count).tolist()

    def _shaped(
        self, field: str, shape: tuple[int | None, ...], kinds: str, what: str
    ) -> NDArray[Any]:
        array = self._raw(field)
        expected = f"{what} of shape ({', '.join('any' if n is None else str(n) for n in shape)})"
        if array.dtype.kind not in kinds:
            raise self.error(field, f"of type {array.dtype}", expected)
        fits = len(array.shape) == len(shape) and all(
            have > 0 and want in (None, have) for have, want in zip(array.shape, shape)
        )
        if not fits:
            raise self.error(field, f"of shape {array.shape}", expected)
        return array

    def finish(self) -> None:
        """Refuse fields that were not read."""
        unknown = sorted(set(self._arrays) - self._asked)
        if unknown:
            raise InputError(f"{self.path}: unknown field {unknown[0]}")


LARGEST, RATIO = 1 << 28, 50
"""Bytes that any file may expand to when it is read, and the factor by which a larger one may."""


def most_bytes(size: int) -> int:
    """Return the most bytes that a file of ``size`` bytes may expand to."""
    return max(LARGEST, RATIO * size)


def check_expansion(file: BinaryIO) -> None:
    """Refuse an archive whose members expand to far more than the archive: a zip bomb.

    Args:
        file: the archive; it is at its start afterwards.

    Raises:
        ValueError: they do.
        zipfile.BadZipFile: the file is damaged.
    """
    size = file.seek(0, 2)
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        expanded = sum(member.file_size for member in archive.infolist())
    file.seek(0)
    if expanded > most_bytes(size):
        raise ValueError(f"expands to {expanded} bytes")


def _load_all(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of a ``.npz`` file; raise one clear line for any failure."""
    try:
        with path.open("rb") as file:
            check_expansion(file)
            data = np.load(file, allow_pickle=False)
            if isinstance(data, np.lib.npyio.NpzFile):
                arrays = {name: data[name] for name in data.files}
                if all(isinstance(array, np.ndarray) for array in arrays.values()):
                    return arrays
    except OSError as error:
        if error.strerror is not None:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception:  # NumPy evaluates headers as Python: many kinds
        pass
    raise InputError(
        f"{path}: is not a readable .npz file (foreign, damaged, cut short, or with pickles)"
    )


def load_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of any ``.npz`` file, e.g. of samples; never unpickles.

    Raises:
        InputError: the file is missing, foreign, damaged or has pickled objects.
    """
    return _load_all(Path(path))
