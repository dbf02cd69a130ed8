"""Packages that only importers need, loaded when a file asks for them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from golden.errors import InputError


def load(name: str, extra: str = "import") -> Any:
    """A package (or a module of one) of an optional extra.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is missing: pip install 'litelstm[{extra}]'") from None
