"""Checks of a command's output paths before its work begins."""

from __future__ import annotations

import tempfile
from pathlib import Path

from golden.errors import InputError


def check_file(path: Path | None) -> None:
    """Refuse a file that cannot be written; ``None`` is fine.

    Raises:
        InputError: the path is a folder, or its folder does not exist or is not writable.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: Is a directory")
    _check_writable(path.parent, path)


def check_folder(path: Path | None) -> None:
    """Refuse a folder that cannot be made or written, without making it; ``None`` is fine.

    Raises:
        InputError: the folder cannot be made, or is not writable.
    """
    if path is None:
        return
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise InputError(f"{path}: cannot be made: {there} is not a folder")
    _check_writable(there, path)


def _check_writable(folder: Path, named: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{named}: cannot be written: {error.strerror}") from None
