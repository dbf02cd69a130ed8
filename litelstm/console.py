"""Consoles of the commands: results, tables and progress."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE, Box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console(highlight=False, markup=False, soft_wrap=True)
"""Console for results."""

err = Console(stderr=True, highlight=False, markup=False)
"""Console for progress, separate so that results can be piped."""


def table(
    first: str, *others: str, title: str = "", texts: Collection[str] = (), box: Box = SIMPLE
) -> Table:
    """Make an empty table.

    Args:
        first: heading of the first column, which holds text.
        others: headings of the other columns; they hold numbers and stand to the right.
        title: title of the table.
        texts: headings of those other columns that hold text.
        box: frame of the table.
    """
    made = Table(
        title=title or None,
        title_justify="left",
        title_style="",
        box=box,
        pad_edge=box is not SIMPLE,
        collapse_padding=box is SIMPLE,
    )
    made.add_column(first, overflow="fold")
    for name in others:
        made.add_column(name, justify="left" if name in texts else "right", overflow="fold")
    return made


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show progress in one line while the block runs; show none if stderr is no terminal.

    Args:
        what: description of the work.
        total: number of items to do; ``None`` if unknown.

    Yields:
        A function to call with the number of finished items.
    """
    columns = [TextColumn("{task.description}"), BarColumn()]
    columns += [MofNCompleteColumn()] if total else []
    bar = Progress(
        *columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
