"""Waivers: points that need not be reached, by name, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from golden.errors import InputError

TABLE = Path(__file__).with_name("waivers.tsv")
"""One waiver per line: a regular expression, a tab, the reason."""


@dataclass(frozen=True)
class Waiver:
    """A waiver for the points whose whole name a pattern matches."""

    pattern: str
    reason: str

    @cached_property
    def _matches(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def covers(self, name: str) -> bool:
        """Tell whether the waiver is for a point."""
        return bool(self._matches.fullmatch(name))


def read(path: Path = TABLE) -> tuple[Waiver, ...]:
    """Read the waivers of a table.

    Raises:
        InputError: a line is not a regular expression, a tab and a reason.
    """
    waivers: list[Waiver] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        pattern, _, reason = line.partition("\t")
        try:
            re.compile(pattern)
        except re.error as error:
            raise InputError(f"{path.name}:{number}: {pattern} is no pattern: {error}") from None
        if not reason:
            raise InputError(f"{path.name}:{number}: a waiver is a pattern, a tab and a reason")
        waivers.append(Waiver(pattern, reason))
    return tuple(waivers)


def idle(waivers: Iterable[Waiver], names: Iterable[str]) -> list[Waiver]:
    """Return the waivers that are for none of the names."""
    every = list(names)
    return [waiver for waiver in waivers if not any(map(waiver.covers, every))]
