"""Jobs on a Dask cluster: tasks and results travel by content, so no disk is shared."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from golden import packages
from golden.errors import InputError
from sim.tools.errors import SimulationError

Task = TypeVar("Task")
Result = TypeVar("Result")

PACKAGES = ("golden", "hdl", "sim", "litelstm")
CONNECT_SECONDS = 10


def work_through(
    work: Callable[[Task], Result], tasks: Sequence[Task], *, scheduler: str
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, see :func:`sim.jobs.work_through`.

    The scheduler gives a dead worker's job to another one. Jobs that have begun run to their end
    when the loop ends; their results are dropped.
    """
    distributed = packages.load("distributed", extra="cluster")
    client = _connect(distributed, scheduler)
    futures: dict[Any, Task] = {}
    try:
        for place, task in enumerate(tasks):
            future = client.submit(run, work, task, sources(), pure=False, priority=-place)
            futures[future] = task
        for future in distributed.as_completed(list(futures), loop=client.loop):
            task = futures.pop(future)
            try:
                result = future.result()
            except distributed.KilledWorker as error:
                died = f"{error.allowed_failures + 1} workers died at {task}"
                raise SimulationError(died) from None
            yield task, result
    finally:
        client.cancel(list(futures))
        client.close()


def _connect(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"--scheduler {scheduler}: no answer ({reason})") from None


def run(work: Callable[[Task], Result], task: Task, digest: str) -> Result:
    """Run a job on a worker.

    Raises:
        InputError: the worker has other sources, or runs several jobs in one process.
    """
    _check_worker(digest)
    return work(task)


def _check_worker(digest: str) -> None:
    from distributed import get_worker

    name = f"worker {os.getpid()} on {socket.gethostname()}"
    if sources() != digest:
        raise InputError(f"{name}: has other sources of litelstm, expected those of this machine")
    if (threads := get_worker().state.nthreads) != 1:
        raise InputError(f"{name}: has {threads} threads, expected 1 (dask worker --nthreads 1)")


@cache
def sources() -> str:
    """Hash the sources of the packages that decide a result."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(root)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
