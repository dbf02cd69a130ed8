"""Makes the figures of README and docs again, and lists those that differ from the pages.

    python -m bench.figures                      # those that take seconds
    python -m bench.figures --all --data-dir DIR # every one: hours
    python -m bench.figures --all icebreaker     # those with a word in their text or command

Cycles, areas and counts must be equal to the last printed digit; clocks and rates may differ by
the spread that :mod:`bench.figure_list` states. The exit status is 1 if a figure differs, is not on
its page, or could not be made. It is 2 if no figure has a word, or if the options leave no figure
to make. DIR holds the data sets, see docs/training.md. Networks that benches keep in
build/paper_tables are not trained again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.table import Table

from bench import pages
from bench.figure import Command, Figure, NotMadeError
from bench.figure_list import FIGURES, QUOTED
from litelstm.console import out, progress, table

QUICK_SECONDS = 10
"""Most seconds that a command may take without ``--all``."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Outcome of a figure's check; no message means no difference."""

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
        for shared in ("models", "build/paper_tables"):  # trained networks are not trained twice
            (pages.ROOT / shared).mkdir(parents=True, exist_ok=True)
            link = Path(name) / shared
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(pages.ROOT / shared)
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
@click.option("--quick/--all", default=True, help="Only figures that take seconds, or all.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Folder of the data sets that some commands need.",
)
@click.argument("words", nargs=-1)
def main(quick: bool, data_dir: Path | None, words: tuple[str, ...]) -> None:
    """Make the figures of README and docs again; with WORDS, only those that have one of them."""
    named = {word: [figure for figure in FIGURES if _has(figure, word)] for word in words}
    if unknown := [word for word, found in named.items() if not found]:
        raise click.UsageError(f"no figure has {unknown[0]!r} in its text or command")
    wanted = [f for f in FIGURES if not words or any(f in found for found in named.values())]
    chosen = [f for f in wanted if not quick or f.command.seconds <= QUICK_SECONDS]
    able = [f for f in chosen if data_dir or not f.command.needs_data]
    skipped = []
    if len(chosen) < len(wanted):
        skipped.append(f"{len(wanted) - len(chosen)} take longer: --all")
    if len(able) < len(chosen):
        skipped.append(f"{len(chosen) - len(able)} need data sets: --data-dir")
    if not able:
        raise click.UsageError(f"nothing to make: {'; '.join(skipped)}")
    start = time.monotonic()
    verdicts = check(able, data_dir)
    wrong = [verdict for verdict in verdicts if verdict.said]
    if wrong:
        out.print(_table(wrong))
    out.print(
        f"{len(able)} of {len(FIGURES)} figures measured in {time.monotonic() - start:.0f} s, "
        f"{len(wrong)} differ"
    )
    for line in skipped:
        out.print(line)
    if not quick and not words:
        out.print("quoted, not made here:", *QUOTED, sep="\n  ")
    sys.exit(1 if wrong else 0)


def _has(figure: Figure, word: str) -> bool:
    """Whether a figure's text or command has a word."""
    return word in f"{figure.shows} {figure.command.run}"


def _table(wrong: list[Verdict]) -> Table:
    heads = ("page", "figure", "printed", "measured")
    result = table(*heads, texts=heads)
    for verdict in wrong:
        for number, (shown, made) in enumerate(verdict.said):
            named = ("", "") if number else (verdict.figure.page, verdict.figure.label)
            result.add_row(*named, shown, made)
        result.add_row("", f"[{verdict.figure.command.run}]", "", "")
    return result


if __name__ == "__main__":
    main()
