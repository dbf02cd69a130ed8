"""Tables of what a user names: tasks, targets, boards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from golden.errors import InputError

Entry = TypeVar("Entry")


def entry(what: str, name: str, table: Mapping[str, Entry]) -> Entry:
    """The entry of a name.

    Raises:
        InputError: there is none; says ``what`` was asked for, and the names that there are.
    """
    if name not in table:
        raise InputError(f"{what} is {name!r}, expected one of {', '.join(table)}")
    return table[name]
