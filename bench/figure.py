"""Figures on a page, the commands that make them, and their comparison."""

from __future__ import annotations

import json
import operator
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import pages


class NotMadeError(Exception):
    """A command failed, or its output lacks the value."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Command that makes figures.

    Attributes:
        run: text for the shell, in a folder with only the project's ``models``. Its output, or the
            file behind its ``--json``, is JSON. ``{data}`` is the folder of the data.
        seconds: approximate time that it takes.
        before: commands that make its input files.
        prints: output of a command without JSON, with a name in braces for each number.
        known_as: its name on pages, if it stands for another command.
    """

    run: str
    seconds: int = 2
    before: tuple[str, ...] = ()
    prints: str = ""
    known_as: str = ""

    @property
    def told(self) -> str:
        """Return the program without options, as a page with its figures shows it."""
        found = re.match(r"litelstm [a-z]+|python -m [\w.]+", self.run)
        return self.known_as or (found[0] if found else self.run)

    @property
    def needs_data(self) -> bool:
        return any("{data}" in line for line in (*self.before, self.run))

    def made(self, folder: Path, data: Path | None) -> Any:
        """Run the command, and return its JSON.

        Raises:
            NotMadeError: the command failed.
        """
        environment = {**os.environ, "PYTHONPATH": str(pages.ROOT)}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        printed = ""
        for line in (*self.before, self.run):
            text = line.replace("{data}", str(data))
            done = subprocess.run(
                text,
                shell=True,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise NotMadeError(f"status {done.returncode}: {said[-1] if said else text}")
            printed = done.stdout
        if self.prints:
            found = pages.numbers(printed, self.prints)
            if found is None:
                raise NotMadeError("it does not print what is read from it")
            values = (float(number.replace(",", "")) for number in found)
            return dict(zip(pages.holes(self.prints), values, strict=True))
        named = re.search(r"--json (\S+\.json)", self.run)
        try:
            return json.loads((folder / named[1]).read_text() if named else printed)
        except (OSError, ValueError):
            raise NotMadeError("it gave no JSON") from None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Numbers on a page and the command that makes them.

    Attributes:
        page: the page's path from the project's folder.
        shows: text of the page from the row's label on, with a hole in braces for each number:
            ``{PATH}`` in the command's JSON; ``{PATH * 100}``, ``{PATH - PATH}`` or similar for
            another unit or a difference; ``{PATH ~5%}`` if it may differ by 5 %. ``...`` stands
            for any text.
        command: the command that makes the numbers.
        at: common start of the paths of all holes.
    """

    page: str
    shows: str
    command: Command
    at: str = ""

    @property
    def label(self) -> str:
        """The text before the first hole."""
        return " ".join(self.shows.partition("{")[0].strip(" |").split())

    def differences(self, report: Any) -> Iterator[tuple[str, str]]:
        """Yield the printed and the made value of each number that differs.

        Raises:
            NotMadeError: the report lacks a value, or the page lacks the text.
        """
        printed = pages.numbers(pages.read(self.page), self.shows)
        if printed is None:
            raise NotMadeError("the page does not show this")
        for hole, shown in zip(pages.holes(self.shows), printed, strict=True):
            found = re.fullmatch(r"(.+?)(?: ([-*/]) (.+?))?(?: ~(\d+)%)?", hole)
            assert found, hole
            path, sign, operand, spread = found.groups()
            value = _value(report, self.at, path)
            if sign:
                value = _OPERATORS[sign](value, _value(report, self.at, operand))
            if not _agrees(value, shown, spread=int(spread or 0) / 100):
                yield shown, _as_printed(value, shown)


_OPERATORS = {"-": operator.sub, "*": operator.mul, "/": operator.truediv}


def _value(report: Any, at: str, path: str) -> float:
    """Evaluate a number, or look up a path of keys and places separated by points."""
    with suppress(ValueError):
        return float(path)
    keys = f"{at}.{path}".removeprefix(".").split(".")
    while keys:
        rest = ".".join(keys)
        key = rest if isinstance(report, dict) and rest in report else keys[0]
        keys = [] if key == rest else keys[1:]
        try:
            report = report[int(key) if isinstance(report, list) else key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotMadeError(f"the command's JSON has no {path}") from None
    return float(report)


def _agrees(value: float, shown: str, *, spread: float) -> bool:
    """Return whether a value equals the shown one, or lies in the shown range."""
    low, _, high = (part.replace(",", "") for part in shown.partition(" to "))
    if not high and not spread:
        return _as_printed(value, shown) == shown
    least, most = float(low), float(high or low)
    return least - spread * abs(least) <= value <= most + spread * abs(most)


def _as_printed(value: float, shown: str) -> str:
    """Format a value with as many digits as the page shows."""
    first = shown.partition(" to ")[0]
    if "e" in first:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:{',' if value >= 1000 or ',' in first else ''}.{len(first.partition('.')[2])}f}"
