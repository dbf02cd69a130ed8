"""Native Yosys and abc from the package pyosys: they start at once."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from golden.packages import missing
from sim.tools.errors import SimulationError

_RUN = "from pyosys import libyosys as y; y.run_pass('script {script}', y.Design())"

TO_GATES = """\
async2sync
simplemap
techmap
opt_expr
dffunmap
simplemap
opt_clean
"""
"""Commands that make simple gates and registers of a netlist without memories."""


def find_abc() -> str:
    """Return the path of abc.

    Raises:
        MissingToolError: pyosys is missing.
    """
    found = find_spec("pyosys")
    if found is None or found.origin is None:
        raise missing("pyosys", extra="fpga")
    return str(Path(found.origin).parent / "yosys-abc")


def run_script(script: str, folder: Path, log: str) -> None:
    """Run a script of Yosys' commands, a file in a folder; the output goes to ``log`` there.

    Raises:
        SimulationError: a command failed.
    """
    run_tool([sys.executable, "-c", _RUN.format(script=script)], folder, log)


def run_tool(command: list[str], folder: Path, log: str, *, cpu_seconds: int = 0) -> str:
    """Run a command in a folder and return its output, which also goes to ``log`` there.

    With ``cpu_seconds``, a command that takes more CPU time is stopped, which is no failure.

    Raises:
        SimulationError: the command failed.
    """
    limited = ["sh", "-c", f'ulimit -t {cpu_seconds}; exec "$@"', "sh", *command]
    run = limited if cpu_seconds else command
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    (folder / log).write_text(done.stdout + done.stderr)
    if done.returncode > 0 or (done.returncode < 0 and not cpu_seconds):
        errors = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise SimulationError((errors or [f"{command[0]} failed, see {folder / log}"])[-1].strip())
    return done.stdout
