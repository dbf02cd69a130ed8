"""Makes the figures of README and docs anew, and lists those that differ from what is printed.

    python -m bench.figures                      # those that take seconds
    python -m bench.figures --all --data-dir DIR # every one: hours
    python -m bench.figures --all icebreaker     # those with a word in their text or command

Cycles, areas and counts must be equal, to the last digit that is printed; clocks and rates may
differ by the spread that :mod:`bench.figure_list` states. The exit status is 1 if one differs, is
not on its page, or could not be made. DIR holds the data sets, see docs/training.md.
"""

from __future__ import annotations

import json
import operator
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.table import Table

from bench import pages
from litelstm.console import out, progress

QUICK_SECONDS = 10
"""What a command may take at most that is run without ``--all``."""


class NotMadeError(Exception):
    """A command failed, or what it printed has no such value."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """How figures are made.

    Attributes:
        run: for the shell, in an empty folder that has the project's ``models``. What it prints, or
            the file that it names behind ``--json``, is JSON. ``{data}`` is the data's folder.
        seconds: about how long it takes.
        before: commands that make files for it.
        prints: for a command without JSON what it prints, with a name in braces for each number.
        known_as: how pages call it, if it stands for another command.
    """

    run: str
    seconds: int = 2
    before: tuple[str, ...] = ()
    prints: str = ""
    known_as: str = ""

    @property
    def told(self) -> str:
        """What a page with its figures has as code: the program, without options."""
        found = re.match(r"litelstm [a-z]+|python -m [\w.]+", self.run)
        return self.known_as or (found[0] if found else self.run)

    @property
    def needs_data(self) -> bool:
        return any("{data}" in line for line in (*self.before, self.run))

    def made(self, folder: Path, data: Path | None) -> Any:
        """Run it, and return the JSON.

        Raises:
            NotMadeError: it failed.
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
    """Numbers on a page, with the command that makes them.

    Attributes:
        page: from the project's folder on.
        shows: the text as the page has it, from the row's label on, with a hole in braces for each
            number: ``{PATH}`` in the command's JSON; ``{PATH * 100}``, ``{PATH - PATH}`` or the
            like if the page has another unit or a difference; ``{PATH ~5%}`` if it may differ by
            as much. ``...`` is anything.
        command: what makes it.
        at: the path that all holes of this figure begin with.
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
        """What is printed and what was made, where they differ.

        Raises:
            NotMadeError: the report has no such value, or the page no such text.
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
    """A number as it stands, or the one at a path of keys and places, separated by points."""
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
    """Whether a value is the one that is shown, or lies in the range that is shown."""
    low, _, high = (part.replace(",", "") for part in shown.partition(" to "))
    if not high and not spread:
        return _as_printed(value, shown) == shown
    least, most = float(low), float(high or low)
    return least - spread * abs(least) <= value <= most + spread * abs(most)


def _as_printed(value: float, shown: str) -> str:
    """A value with as many digits as the page shows."""
    first = shown.partition(" to ")[0]
    if "e" in first:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:{',' if value >= 1000 or ',' in first else ''}.{len(first.partition('.')[2])}f}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a figure: nothing differs if there is nothing to say."""

    figure: Figure
    said: tuple[tuple[str, str], ...]


def check(figures: Sequence[Figure], data: Path | None = None) -> list[Verdict]:
    """Run each command once, and compare all its figures with their pages."""
    commands = list(dict.fromkeys(figure.command for figure in figures))
    verdicts = []
    with progress("commands", len(commands)) as done:
        for number, command in enumerate(commands, start=1):
            verdicts += _check(command, [f for f in figures if f.command == command], data)
            done(number)
    return verdicts


def _check(command: Command, figures: list[Figure], data: Path | None) -> Iterator[Verdict]:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "models").symlink_to(pages.ROOT / "models")
        try:
            report = command.made(Path(name), data)
        except NotMadeError as error:
            yield from (Verdict(figure=f, said=(("", str(error)),)) for f in figures)
            return
    for figure in figures:
        try:
            said = tuple(figure.differences(report))
        except (NotMadeError, ValueError) as error:
            said = (("", str(error)),)
        yield Verdict(figure=figure, said=said)


@click.command()
@click.option("--quick/--all", default=True, help="Those that take seconds (the default), or all.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Folder of the data sets that some commands need.",
)
@click.argument("words", nargs=-1)
def main(quick: bool, data_dir: Path | None, words: tuple[str, ...]) -> None:
    """Make the figures of README and docs anew; with WORDS only those that have one of them."""
    from bench.figure_list import FIGURES, WITHOUT_COMMAND

    wanted = [
        figure
        for figure in FIGURES
        if not words or any(word in f"{figure.shows} {figure.command.run}" for word in words)
    ]
    chosen = [f for f in wanted if not quick or f.command.seconds <= QUICK_SECONDS]
    able = [f for f in chosen if data_dir or not f.command.needs_data]
    start = time.monotonic()
    verdicts = check(able, data_dir)
    wrong = [verdict for verdict in verdicts if verdict.said]
    if wrong:
        out.print(_table(wrong))
    out.print(
        f"{len(able)} of {len(FIGURES)} figures made anew in {time.monotonic() - start:.0f} s, "
        f"{len(wrong)} differ"
    )
    if quick and len(chosen) < len(wanted):
        out.print(f"{len(wanted) - len(chosen)} take longer: --all")
    if len(able) < len(chosen):
        out.print(f"{len(chosen) - len(able)} need data sets: --data-dir")
    if not quick and not words:
        out.print("no command makes:", *WITHOUT_COMMAND, sep="\n  ")
    sys.exit(1 if wrong else 0)


def _table(wrong: list[Verdict]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False, collapse_padding=True)
    for name in ("page", "figure", "printed", "made anew"):
        table.add_column(name, overflow="fold")
    for verdict in wrong:
        for number, (shown, made) in enumerate(verdict.said):
            named = ("", "") if number else (verdict.figure.page, verdict.figure.label)
            table.add_row(*named, shown, made)
        table.add_row("", f"[{verdict.figure.command.run}]", "", "")
    return table


if __name__ == "__main__":
    main()
