"""Independent jobs with a result each: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from sim.jobs import cluster, local

Task = TypeVar("Task")
Result = TypeVar("Result")

POSITIVE = click.IntRange(min=1)

SCHEDULER = "Address of a Dask scheduler whose workers run the jobs, instead of this machine."
"""Help of the option ``--scheduler``."""


def work_through(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with the result of ``work`` on it, as soon as it is there.

    However the loop over the results ends (also by Ctrl-C), no further job begins, and processes of
    this machine end.

    Args:
        work: a function of a module; its result must depend on the task alone, and on no file that
            the task only names. Its output is dropped.
        tasks: picklable; begun in this order.
        jobs: processes, 1 or more; without effect on a cluster.
        scheduler: address of a Dask scheduler; ``None`` for this machine.

    Raises:
        SimulationError: a process died; on a cluster, several in a row at the same task.
        InputError: there is no such scheduler, or a worker is not fit.
        Exception: what ``work`` raised.
    """
    if scheduler is None:
        return local.work_through(work, tasks, jobs=jobs)
    return cluster.work_through(work, tasks, scheduler=scheduler)


def core_options(*, cores: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the options of commands whose jobs are a core each; by default there are ``cores``."""
    options = (
        click.option("--cores", "number", type=POSITIVE, default=cores, show_default=True),
        click.option(
            "--seconds",
            type=POSITIVE,
            default=10,
            show_default=True,
            help="CPU time of each proof, or of each attempt at one.",
        ),
        click.option("--jobs", type=POSITIVE, default=1, show_default=True, help="Cores at once."),
        click.option("--scheduler", help=SCHEDULER),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
