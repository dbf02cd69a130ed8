"""Pools of processes side by side: how soon they start, and what they leave when they are left.

    python -m bench.pools

*Start*: 8 trivial jobs on 2 processes. *Left*: a loop over results ends, as by Ctrl-C, while a job
of ``LONG`` seconds runs: seconds until the processes are gone, and whether the job's temporary
folder is. *Death*: whether the error of a process that dies names the task that it had.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from joblib.externals import loky

from litelstm.console import out, table
from sim.jobs import local

LONG = 8.0
DEATH = -1.0


def sleep(seconds: float) -> float:
    """Keep a temporary folder for a while; die if ``seconds`` is ``DEATH``."""
    if seconds == DEATH:
        os._exit(1)
    with tempfile.TemporaryDirectory(prefix="litelstm-pools-"):
        time.sleep(seconds)
    return seconds


Pool = Callable[[Sequence[float]], Iterator[Any]]


def ours(tasks: Sequence[float]) -> Iterator[Any]:
    """Run tasks in sim/jobs/local.py."""
    return local.work_through(sleep, tasks, jobs=2)


def futures(tasks: Sequence[float]) -> Iterator[Any]:
    """Run tasks in concurrent.futures."""
    pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    return _drained(pool, tasks, lambda: pool.shutdown(cancel_futures=True))


def reusable(tasks: Sequence[float]) -> Iterator[Any]:
    """Run tasks in loky, which joblib and scikit-learn use."""
    pool: Any = loky.ProcessPoolExecutor(2)
    return _drained(pool, tasks, lambda: pool.shutdown(kill_workers=True))


def _drained(
    pool: Executor, tasks: Sequence[float], end: Callable[[], None]
) -> Iterator[tuple[float, float]]:
    running = {pool.submit(sleep, task): task for task in tasks}
    try:
        for future in as_completed(running):
            yield running[future], future.result()
    finally:
        end()


def measure(pool: Pool) -> tuple[str, ...]:
    """Measure one pool: seconds to start and to leave, folders left, and an error's text."""
    start = time.monotonic()
    list(pool([0.0] * 8))
    started = time.monotonic() - start
    before = _folders()
    results: Any = pool([LONG, 0.5, 0.5])
    next(results)
    start = time.monotonic()
    results.close()
    left = time.monotonic() - start
    kept = len(_folders() - before)
    try:
        list(pool([DEATH, 0.5, 0.5]))
    except Exception as error:
        named = str(DEATH) in str(error)
    else:
        named = False
    return f"{started:.2f}", f"{left:.1f}", f"{kept}", "yes" if named else "no"


def _folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("litelstm-pools-*"))


def main() -> None:
    """Measure and print."""
    made = table("pool", "start, s", "left, s", "folders left", "death named")
    pools = {"sim/jobs/local.py": ours, "concurrent.futures": futures, "loky": reusable}
    for name, pool in pools.items():
        made.add_row(name, *measure(pool))
    out.print(made)


if __name__ == "__main__":
    main()
