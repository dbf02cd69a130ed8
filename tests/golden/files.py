"""Network files gone bad, and what is the same for every one of them."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.errors import InputError

Load = Callable[[Path], object]
Fields = dict[str, Any]

REMOVED = object()
"""Value of a field that :func:`rewrite` shall leave out."""


def fields(path: Path) -> Fields:
    """All fields of a file."""
    with np.load(path) as data:
        return {name: data[name] for name in data.files}


def rewrite(path: Path, changes: Fields, *, allow_pickle: bool = False) -> Path:
    """Write a file again with some fields changed, added or removed."""
    changed = {k: v for k, v in (fields(path) | changes).items() if v is not REMOVED}
    np.savez(path, allow_pickle=allow_pickle, **changed)
    return path


def refusal(load: Load, path: Path) -> str:
    """The one line with which a file is refused; it begins with the file's name."""
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert caught.value.__cause__ is None  # nothing of the insides in a traceback
    return message.removeprefix(f"{path}: ")


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def _zip(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def _encrypted() -> bytes:
    """An archive that says that it needs a password."""
    content = bytearray(_zip("kind.npy", _npy()))
    content[6] |= 1  # flags, of the file itself and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _huge() -> bytes:
    """An array that says that it has 80 TB."""
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    np.lib.format.write_array_header_1_0(buffer, header)
    return _zip("kind.npy", buffer.getvalue())


FOREIGN = {
    "empty": b"",
    "text": b"W_fx = 1\n",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "zip magic alone": b"PK\x03\x04",
    "zip of text": _zip("readme.txt", b"not an array"),
    "zip of a damaged array": _zip("kind.npy", b"\x93NUMPY\x01\x00\xff\xff{"),
    "encrypted": _encrypted(),
    "huge": _huge(),
    "npy": _npy(),
    "npy magic alone": b"\x93NUMPY",
    "pickle": pickle.dumps({"layers": 1}),
    "zeros": bytes(1000),
}
"""Contents of files that are no networks."""


def check_missing(load: Load, path: Path) -> None:
    """Missing files and folders are refused."""
    missing = path.parent / "nowhere" / "net.npz"
    assert refusal(load, missing) == "cannot be read: No such file or directory"
    assert refusal(load, path.parent) == "cannot be read: Is a directory"


def check_foreign(load: Load, path: Path, content: bytes) -> None:
    """A file of foreign content is refused."""
    path.write_bytes(content)
    message = refusal(load, path)
    assert any(word in message for word in ("expected", "readable", "missing")), message


def check_truncated(load: Load, path: Path) -> None:
    """A file cut anywhere is refused."""
    whole = path.read_bytes()
    for length in {*range(0, len(whole), max(1, len(whole) // 60)), len(whole) - 1}:
        path.write_bytes(whole[:length])
        refusal(load, path)


def check_damaged(load: Load, path: Path, *, flips: int = 400) -> None:
    """A file with one bit flipped is refused, or is what it was; nothing else is raised."""
    whole = path.read_bytes()
    before = load(path)
    rng = np.random.default_rng(0)
    for position in rng.choice(8 * len(whole), size=flips, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        after: object = None
        refused = f"{path}: "
        try:
            after = load(path)
        except InputError as error:
            refused = str(error)
        assert after is None or same(after, before), f"bit {position} changed the network"
        assert refused.startswith(f"{path}: "), position
        assert "\n" not in refused, position


def check_fields(load: Load, path: Path) -> None:
    """Each field is needed, none more is taken, and none may be a pickled object."""
    whole = path.read_bytes()
    for name, value in fields(path).items():
        rewrite(path, {name: REMOVED})
        assert refusal(load, path) == f"field {name} is missing"
        path.write_bytes(whole)
        rewrite(path, {name: np.array([value], dtype=object)}, allow_pickle=True)
        assert "pickles" in refusal(load, path)
        path.write_bytes(whole)
        rewrite(path, {name: value.astype(np.complex64) if value.dtype.kind in "fiu" else 1j})
        message = refusal(load, path)
        assert message.startswith(f"{name} is ")
        assert ", expected " in message
        path.write_bytes(whole)
    rewrite(path, {"colour": 1})
    assert refusal(load, path) == "unknown field colour"
    path.write_bytes(whole)
    rewrite(path, {"version": 3})
    assert refusal(load, path) == "version is 3, expected 1 to 2"
    path.write_bytes(whole)


def check_saving(save: Callable[[Path], None], folder: Path, monkeypatch: Any) -> None:
    """Saving that fails leaves nothing behind, and what was there before as it was."""
    good = folder / "good.npz"
    good.write_bytes(b"what was there before")

    def only_good_is_left() -> bool:
        return good.read_bytes() == b"what was there before" and [*folder.iterdir()] == [good]

    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        save(folder / "nowhere" / "net.npz")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        save(good / "net.npz")
    assert only_good_is_left()
    (folder / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        save(folder / "taken")
    (folder / "taken").rmdir()
    assert only_good_is_left()
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        with monkeypatch.context() as patch:
            patch.setattr(np, "savez_compressed", _writes_half(error))
            expected = InputError if isinstance(error, OSError) else KeyboardInterrupt
            with pytest.raises(expected) as caught:
                save(good)
        if isinstance(error, OSError):
            assert str(caught.value) == f"{good}: cannot be written: No space left on device"
        assert only_good_is_left()
    save(good)
    assert [*folder.iterdir()] == [good]


def _writes_half(error: BaseException) -> Callable[..., None]:
    def fail(file: Any, **_: object) -> None:
        file.write(b"PK\x03\x04half")
        raise error

    return fail


def same(one: object, other: object) -> bool:
    """Whether two networks, or parts of them, are equal in every field and every bit."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__") and type(one) is type(other):
        return same(dict(vars(one)), dict(vars(other)))
    return type(one) is type(other) and one == other
