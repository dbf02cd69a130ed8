"""A pool of processes that end at once, together with their simulators, when told to."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from sim.tools.errors import SimulationError

Task = TypeVar("Task")
Result = TypeVar("Result")

_END_SECONDS = 10.0


def work_through(
    work: Callable[[Task], Result], tasks: Sequence[Task], *, jobs: int
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, see :func:`sim.jobs.work_through`.

    ``concurrent.futures`` cannot end a job that has begun before Python 3.14: Ctrl-C would wait for
    simulators and leave those that it interrupts.
    """
    left = list(reversed(tasks))
    workers = [_Worker(work) for _ in range(min(jobs, len(tasks)))]
    try:
        for worker in workers:
            worker.give(left.pop())
        while busy := {worker.line: worker for worker in workers if worker.task is not None}:
            for line in wait(list(busy)):
                assert isinstance(line, Connection)
                task, result = busy[line].take()
                if left:
                    busy[line].give(left.pop())
                yield task, result
    finally:
        for worker in workers:
            worker.leave()
        for worker in workers:
            worker.join()


class _Worker(Generic[Task, Result]):
    """A process and its current task."""

    def __init__(self, work: Callable[[Task], Result]) -> None:
        context = get_context("spawn")
        self.line, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_loop, args=(other, work), daemon=True)
        self.process.start()
        other.close()
        self.task: Task | None = None

    def give(self, task: Task) -> None:
        self.task = task
        self.line.send(task)

    def take(self) -> tuple[Task, Result]:
        task, self.task = self.task, None
        assert task is not None
        try:
            good, result = self.line.recv()
        except EOFError:
            raise SimulationError(f"a process died at {task}") from None
        if not good:
            raise result
        return task, result

    def leave(self) -> None:
        """Close the line, which ends an idle process, and interrupt a busy one."""
        self.line.close()
        if self.task is not None:
            self.process.terminate()

    def join(self) -> None:
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _loop(line: Connection, work: Callable[[Any], Any]) -> None:
    """Main loop of a worker. It ignores Ctrl-C: its parent ends it by SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _end)
    sys.unraisablehook = _unraised
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        sys.stdout = nothing
        while True:
            try:
                task = line.recv()
            except EOFError:
                return
            try:
                answer = True, work(task)
            except Exception as error:
                answer = False, error
            line.send(answer)


def _end(_number: int, _frame: object) -> None:
    """Exit through every ``finally``, which ends simulators and deletes temporary folders."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(1)


def _unraised(what: sys.UnraisableHookArgs) -> None:
    """Exit a moment later if the signal came while Python deleted an object: that was lost."""
    if isinstance(what.exc_value, SystemExit):
        signal.setitimer(signal.ITIMER_REAL, 0.01)
    else:
        sys.__unraisablehook__(what)
