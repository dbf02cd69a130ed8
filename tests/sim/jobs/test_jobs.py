"""Independent jobs: on this machine and on a cluster, with workers that die."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from golden.errors import InputError
from sim.jobs import cluster, work_through
from sim.tools.cache import cache_root, cached_folder
from sim.tools.errors import SimulationError

pytestmark = pytest.mark.slow

SHORT, LONG = 15, 60
"""Jobs that take so many seconds."""


def double(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    if number == 14:
        os._exit(1)
    if number >= 15:
        time.sleep(number)
    return 2 * number


def test_all_tasks_are_done() -> None:
    assert sorted(work_through(double, [3, 1, 2], jobs=2)) == [(1, 2), (2, 4), (3, 6)]
    assert list(work_through(double, [], jobs=2)) == []


def test_an_error_and_a_death_are_told() -> None:
    with pytest.raises(ValueError, match="thirteen"):
        list(work_through(double, [1, 13], jobs=1))
    with pytest.raises(SimulationError, match="a process died at 14"):
        list(work_through(double, [1, 14], jobs=1))


def seconds_to_stop(job: int, **where: Any) -> float:
    """Take one result while another job runs; measure how long the loop's end waits."""
    start = time.monotonic()
    results = work_through(double, [job, 1], **where)
    assert next(results) == (1, 2)
    results.close()  # type: ignore[attr-defined]
    return time.monotonic() - start


def test_whoever_stops_listening_ends_the_processes() -> None:
    assert seconds_to_stop(LONG, jobs=2) < LONG / 2


# A cluster


@dataclass(frozen=True)
class Text:
    """A text to hash in a worker's own cache; the worker dies first while ``trap`` exists."""

    content: str
    trap: str = ""


def hashed(text: Text) -> tuple[str, str]:
    """Return the digest of a text, and the cache in which it was made."""
    if text.trap and Path(text.trap).exists():
        Path(text.trap).unlink()
        os.kill(os.getpid(), signal.SIGKILL)

    def make(folder: Path) -> None:
        (folder / "digest").write_text(hashlib.sha256(text.content.encode()).hexdigest())

    folder, _ = cached_folder(cache_root() / "hash", text.content, make)
    time.sleep(0.1)  # so that both workers get some
    return (folder / "digest").read_text(), str(cache_root())


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two workers in folders of their own: they share no disk with each other or with the test."""
    import dask.config
    from distributed import Nanny, Scheduler, SpecCluster

    workers = {}
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp(name)
        env = {"LITELSTM_CACHE": str(folder), "HOME": str(folder)}
        options = {"nthreads": 1, "env": env, "local_directory": str(folder)}
        workers[name] = {"cls": Nanny, "options": {**options, "dashboard_address": None}}
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        made: Any = SpecCluster(
            scheduler={"cls": Scheduler, "options": {"dashboard": False, "host": "127.0.0.1"}},
            workers=workers,
        )
        with made:
            yield made.scheduler_address


def test_the_cluster_gives_the_same_though_a_worker_dies(scheduler: str, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    tasks = [Text(f"text{n}", str(trap) if n == 3 else "") for n in range(12)]
    here = dict(work_through(hashed, tasks, jobs=1))
    trap.touch()
    there = dict(work_through(hashed, tasks, scheduler=scheduler))
    assert not trap.exists(), "no worker died"
    assert {task: digest for task, (digest, _) in there.items()} == {
        task: digest for task, (digest, _) in here.items()
    }
    folders = {folder for _, folder in there.values()}
    assert len(folders) == 2
    assert not folders & {folder for _, folder in here.values()}


def test_the_cluster_tells_errors_and_deaths(scheduler: str) -> None:
    with pytest.raises(ValueError, match="thirteen"):
        list(work_through(double, [1, 13], scheduler=scheduler))
    with pytest.raises(SimulationError, match="2 workers died at 14"):
        list(work_through(double, [14], scheduler=scheduler))


def test_a_worker_with_other_sources_is_refused(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "sources", lambda: "others")
    with pytest.raises(InputError, match="has other sources of litelstm"):
        list(work_through(double, [1], scheduler=scheduler))


def test_a_missing_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match="--scheduler tcp://127.0.0.1:9: no answer"):
        list(work_through(double, [1], scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(InputError, match="--scheduler nonsense://: no answer"):
        list(work_through(double, [1], scheduler="nonsense://"))


def test_the_cluster_is_left_at_once(scheduler: str) -> None:
    """The last test: its job still runs for a while."""
    assert seconds_to_stop(SHORT, scheduler=scheduler) < SHORT / 2


def test_a_worker_ends_though_python_deletes_an_object() -> None:
    """An exception in ``__del__`` is lost, and would be printed."""
    program = """
import os, signal, time
from multiprocessing import Pipe
from sim.jobs import local

class Ends:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

def work(task):
    Ends()
    time.sleep(30)

line, other = Pipe()
line.send(1)
local._loop(other, work)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=SHORT, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
