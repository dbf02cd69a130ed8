"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from golden.errors import InputError


def replace(path: str | Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file; replace an older one only when the new one is complete.

    Args:
        path: the file; its folder must exist.
        write: called with the open binary file.

    Raises:
        InputError: the folder does not exist or is not writable.
    """
    replace_all({Path(path): write})


def replace_all(files: dict[Path, Callable[[BinaryIO], None]]) -> None:
    """Write several files; replace the older ones only when all new ones are complete.

    Raises:
        InputError: a folder does not exist or is not writable.
    """
    done: dict[str, Path] = {}
    try:
        for path, write in files.items():
            try:
                handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
                done[name] = path
                with os.fdopen(handle, "wb") as file:
                    write(file)
                os.chmod(name, 0o644)
                if path.is_dir():
                    raise IsADirectoryError(None, "Is a directory")
            except OSError as error:
                raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        for name, path in list(done.items()):
            os.replace(name, path)
            del done[name]
    finally:
        for name in done:
            os.unlink(name)


def content(data: str | bytes) -> Callable[[BinaryIO], None]:
    """Make the ``write`` argument of :func:`replace` for a text or for bytes."""
    encoded = data.encode("utf-8") if isinstance(data, str) else data

    def write(file: BinaryIO) -> None:
        file.write(encoded)

    return write


def make_folder(path: str | Path) -> Path:
    """Make a folder and its parents.

    Raises:
        InputError: the folder cannot be made, or is not writable.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made: {error.strerror}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written: Permission denied")
    return path
