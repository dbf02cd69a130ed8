"""Simulators, compilers and environment variables for building and running benches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from functools import cache
from typing import Literal, get_args

from golden.errors import InputError, MissingToolError
from golden.packages import missing
from sim.tools.errors import SimulationError

Simulator = Literal["icarus", "verilator"]
SIMULATORS: tuple[Simulator, ...] = get_args(Simulator)

_OLDEST_VERILATOR = (5, 36)  # for cocotb 2.1

_HOW_TO_INSTALL = {
    "iverilog": "apt-get install iverilog",
    "vvp": "apt-get install iverilog",
    "verilator": "`make setup` in the project's folder (Debian's Verilator is too old)",
    "g++": "apt-get install g++",
    "perl": "apt-get install perl",
}

# Variables of a user's own cocotb; each would change a run.
_FOREIGN = (
    "GPI_USERS",
    "SIM_CMD_PREFIX",
    "SIM_CMD_SUFFIX",
    "RANDOM_SEED",
    "COCOTB_RANDOM_SEED",
    "COCOTB_TESTCASE",
    "COCOTB_TEST_FILTER",
    "COCOTB_PLUSARGS",
)


def check_simulator(name: str) -> Simulator:
    """Convert a name to a `Simulator`.

    Raises:
        InputError: (a ValueError) there is no such simulator.
    """
    for simulator in SIMULATORS:
        if name == simulator:
            return simulator
    raise InputError(f"simulator is {name!r}, expected {' or '.join(SIMULATORS)}")


def search_path() -> str:
    """Return the search path for tools: this Python's folder (see `make setup`), then PATH."""
    return os.pathsep.join(
        part for part in (sysconfig.get_path("scripts"), os.environ.get("PATH", "")) if part
    )


def find_tool(name: str) -> str:
    """Find the absolute path of a simulator's or compiler's executable.

    Raises:
        MissingToolError: it is not installed.
    """
    found = shutil.which(name, path=search_path())
    if found is None:
        raise missing(name, how=_HOW_TO_INSTALL[name])
    return os.path.abspath(found)


def require(simulator: Simulator) -> None:
    """Check before a build that all tools of a simulator are installed.

    Raises:
        MissingToolError: a tool is missing, or Verilator is too old for cocotb.
    """
    if simulator == "icarus":
        find_tool("iverilog")
        find_tool("vvp")
        return
    for tool in ("g++", "perl"):
        find_tool(tool)
    path = find_tool("verilator")
    version = _first_line(path, "--version")
    number = re.search(r"(\d+)\.(\d+)", version)
    # A version without a number counts as new.
    if number is not None and tuple(map(int, number.groups())) < _OLDEST_VERILATOR:
        raise MissingToolError(
            f"{path} is {version}, cocotb needs 5.036 or newer; to install it: "
            f"{_HOW_TO_INSTALL['verilator']}"
        )


def versions(simulator: Simulator) -> list[str]:
    """Read the version line of every tool whose version can change a build."""
    if simulator == "icarus":
        return [_first_line(find_tool("iverilog"), "-V")]
    return [
        _first_line(find_tool("verilator"), "--version"),
        _first_line(find_tool("g++"), "--version"),
    ]


@cache
def native_target() -> str:
    """Return g++'s settings for ``-march=native``, whose code may not run on other machines."""
    command = [find_tool("g++"), "-march=native", "-Q", "--help=target"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if done.returncode != 0:
        raise SimulationError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


@cache
def _first_line(path: str, flag: str) -> str:
    done = subprocess.run(
        [path, flag], capture_output=True, text=True, check=False, env=environment()
    )
    if done.returncode != 0 or not done.stdout:
        raise SimulationError(f"{path} {flag} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout.splitlines()[0].strip()


def environment() -> dict[str, str]:
    """Return this process' environment, with the tools on PATH and without `_FOREIGN`."""
    env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    env["PATH"] = search_path()
    return env
