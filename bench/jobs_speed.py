"""Speed of ``litelstm regress`` on one and two workers: the local pool, and a Dask cluster.

    python -m bench.jobs_speed [--cases 64] [--rounds 2] [--json PATH]

Runs the same cases in turns with each kind of workers. *Time*: from the first case's begin to the
last one's end, on a machine that does nothing else: of the busiest worker the CPU time of its jobs,
with that of their compilers and simulators, and the time between its jobs. *Wall* is what the clock
showed; other work on the machine makes it longer. Starting the workers is not part of either.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import click

from litelstm import outputs
from litelstm.console import progress, table
from litelstm.options import json_option
from sim.jobs import work_through
from sim.regress.run import Batch, batches, run_batch

SEED = 1


@dataclass(frozen=True)
class Span:
    """A job that a worker did: its process, begin and end in seconds, and CPU seconds."""

    worker: int
    begin: float
    end: float
    cpu: float


def timed(batch: Batch) -> Span:
    """Run a batch of cases, and measure it.

    Raises:
        RuntimeError: a case failed.
    """
    begin, before = time.time(), _cpu()
    failed = [outcome for outcome in run_batch(batch) if outcome.problem]
    if failed:
        raise RuntimeError(f"case {failed[0].number}: {failed[0].problem}")
    return Span(os.getpid(), begin, time.time(), _cpu() - before)


def _cpu() -> float:
    """CPU seconds of this process and of all that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def seconds(spans: Sequence[Span]) -> tuple[float, float]:
    """Return the time that jobs take on a machine of their own, and what the clock showed."""
    whole = []
    for worker in {span.worker for span in spans}:
        mine = sorted((span for span in spans if span.worker == worker), key=lambda s: s.begin)
        gaps = sum(max(0.0, b.begin - a.end) for a, b in pairwise(mine))
        whole.append(gaps + sum(span.cpu for span in mine))
    return max(whole), max(s.end for s in spans) - min(s.begin for s in spans)


@contextmanager
def pool(workers: int) -> Iterator[dict[str, Any]]:
    """Use processes of this machine."""
    yield {"jobs": workers}


@contextmanager
def cluster(workers: int) -> Iterator[dict[str, Any]]:
    """Start a Dask cluster on this machine."""
    from distributed import LocalCluster

    started: Any = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="")
    with started as made:
        yield {"scheduler": made.scheduler_address}


WAYS: dict[str, tuple[Callable[[int], Any], int]] = {
    "pool, 1 process": (pool, 1),
    "Dask, 1 worker": (cluster, 1),
    "pool, 2 processes": (pool, 2),
    "Dask, 2 workers": (cluster, 2),
}


@click.command()
@click.option("--cases", default=64, show_default=True, help="Cases per round.")
@click.option("--rounds", default=2, show_default=True)
@json_option
def main(cases: int, rounds: int, json_path: Any) -> None:
    """Measure and print."""
    tasks = batches(SEED, range(cases), "mixed")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    with progress("rounds", rounds * len(WAYS)) as tell:
        for _ in range(rounds):
            for name, (make, workers) in WAYS.items():
                with make(workers) as where:
                    spans = [span for _, span in work_through(timed, tasks, **where)]
                found[name].append(seconds(spans))
                tell(sum(map(len, found.values())))
    median = {
        name: tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for name, rows in found.items()
    }
    report = {
        "cases": cases,
        "rounds": rounds,
        "load": os.getloadavg()[1],
        "seconds": {name: {"time": one[0], "wall": one[1]} for name, one in median.items()},
        "speedup_dask": median["Dask, 1 worker"][0] / median["Dask, 2 workers"][0],
        "speedup_pool": median["pool, 1 process"][0] / median["pool, 2 processes"][0],
        "dask_to_pool": median["pool, 2 processes"][0] / median["Dask, 2 workers"][0],
    }
    outputs.give(report, json_path, _lines(report))


def _lines(report: dict[str, Any]) -> Iterator[Any]:
    made = table("workers", "time, s", "wall, s")
    for name, one in report["seconds"].items():
        made.add_row(name, f"{one['time']:.1f}", f"{one['wall']:.1f}")
    yield made
    yield (
        f"{report['cases']} cases: two Dask workers are {report['speedup_dask']:.2f} times as fast "
        f"as one, two processes of the pool {report['speedup_pool']:.2f} times; Dask is "
        f"{report['dask_to_pool']:.2f} times as fast as the pool"
    )
    yield f"medians of {report['rounds']} rounds; load of the machine {report['load']:.1f}"


if __name__ == "__main__":
    main()
