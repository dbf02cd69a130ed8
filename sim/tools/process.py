"""Run commands with a time limit, and builds of several commands."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import IO

from sim.tools.errors import SimulationError
from sim.tools.toolchain import environment

_BUILD_TIMEOUT_S = 1800.0

_POLL_SECONDS = 0.25
"""Interval at which `execute` checks for cancellation."""


def execute(
    command: list[str],
    *,
    cwd: Path,
    env: dict[str, str],
    log: IO[str],
    timeout_s: float,
    cancel: Event | None = None,
) -> int | None:
    """Run a command with its output in `log`; return its status (negative: a signal).

    Returns None if the command was killed after `timeout_s`, or because another thread set
    `cancel`.
    """
    cancel = cancel or Event()
    deadline = time.monotonic() + timeout_s
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        while not cancel.is_set() and (left := deadline - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(min(left, _POLL_SECONDS))
        return None
    finally:  # kill its children too, also on Ctrl-C
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def last_lines(log: Path, count: int = 20) -> str:
    """Read the end of a log, for an error message; empty if there is no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-count:])


def run_build(commands: Sequence[list[str]], folder: Path, *, what: str) -> None:
    """Run the commands of a build in order in its folder, with their output in ``build.log``.

    Raises:
        SimulationError: a command failed or took too long; the message has the end of the log.
    """
    log_path = folder / "build.log"
    status: int | None = 0
    with log_path.open("a", encoding="utf-8") as log:
        for command in commands:
            status = execute(
                command, cwd=folder, env=environment(), log=log, timeout_s=_BUILD_TIMEOUT_S
            )
            if status != 0:
                break
    if status != 0:
        how = "took too long" if status is None else f"ended with status {status}"
        raise SimulationError(f"building {what} {how} ({log_path})\n{last_lines(log_path)}")


def keep_only(folder: Path, *names: str) -> None:
    """Delete a folder's other files: objects and headers are 100 times as large as the result."""
    for path in folder.iterdir():
        if path.name not in names and path.is_file():
            path.unlink()
