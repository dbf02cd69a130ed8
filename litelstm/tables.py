"""Look-up of names that a user gives: tasks, targets, boards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from golden.errors import InputError

Entry = TypeVar("Entry")


def entry(what: str, name: str, table: Mapping[str, Entry]) -> Entry:
    """Find an entry by name.

    Raises:
        InputError: no entry has this name; the message has ``what`` and all names.
    """
    if name not in table:
        raise InputError(f"{what} is {name!r}, expected one of {', '.join(table)}")
    return table[name]
