"""Reports and files of commands: paths are checked before long work begins."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType

from golden import files
from golden.errors import InputError
from litelstm.console import out

STDOUT = Path("-")
"""Name of standard output for ``--json``."""


def give(
    report: Mapping[str, Any],
    path: Path | None,
    lines: Iterable[RenderableType],
    console: Console = out,
) -> None:
    """Print a command's report, and write it as JSON if there is a path for it.

    Args:
        report: the report as JSON values.
        path: file for the JSON; :data:`STDOUT` prints it in place of the text.
        lines: the report as text: lines and tables.
        console: where the text goes.
    """
    text = json.dumps(report, indent=2)
    if path == STDOUT:
        click.echo(text)
        return
    if path is not None:
        files.replace(path, files.content(f"{text}\n"))
    for line in lines:
        console.print(line)


def check_file(path: Path | None) -> None:
    """Check that a file can be written; ``None`` stands for no file.

    Raises:
        InputError: it is a folder, or its folder does not exist or cannot be written.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: Is a directory")
    _check_writable(path.parent, path)


def check_folder(path: Path | None) -> None:
    """Check that a folder can be made and written, without making it; ``None`` stands for none.

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
