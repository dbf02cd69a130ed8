"""Errors of readers: each names its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golden.errors import InputError


@contextmanager
def of_file(path: str | Path) -> Iterator[None]:
    """Name the file in the errors of a block.

    Raises:
        InputError: the block raises one, or the system cannot read the file.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
