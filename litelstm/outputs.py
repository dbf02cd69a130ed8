"""Output of commands: places are checked before long work; reports are text or JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from golden import files
from golden.errors import InputError

STDOUT = Path("-")
"""Name of standard output for ``--json``."""


def give(report: Mapping[str, Any], path: Path | None, show: Callable[[], None]) -> None:
    """Write a command's report.

    Args:
        report: what JSON takes.
        path: file for the JSON; :data:`STDOUT` prints it in place of the text; ``None`` is no JSON.
        show: prints the text.
    """
    text = json.dumps(report, indent=2)
    if path == STDOUT:
        click.echo(text)
        return
    if path is not None:
        files.replace(path, files.content(f"{text}\n"))
    show()


def check_file(path: Path | None) -> None:
    """Refuse a file that cannot be written; ``None`` is fine.

    Raises:
        InputError: it is a folder, or its folder does not exist or cannot be written.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: Is a directory")
    _check_writable(path.parent, path)


def check_folder(path: Path | None) -> None:
    """Refuse a folder that cannot be made or written, without making it; ``None`` is fine.

    Raises:
        InputError: it cannot.
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
