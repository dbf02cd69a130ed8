"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from golden.errors import InputError


def replace(path: str | Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file and put it in place of an older one only when it is complete.

    Args:
        path: the file; its folder must exist.
        write: called with the open binary file.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    replace_all({Path(path): write})


def replace_all(files: dict[Path, Callable[[BinaryIO], None]]) -> None:
    """As :func:`replace` for several files, none of which is replaced before all are written."""
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
    """A writer of some text or bytes, for :func:`replace`."""
    encoded = data.encode("utf-8") if isinstance(data, str) else data

    def write(file: BinaryIO) -> None:
        file.write(encoded)

    return write


def make_folder(path: str | Path) -> Path:
    """Make a folder and those above it.

    Raises:
        InputError: it cannot be made or written.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made: {error.strerror}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written: Permission denied")
    return path
