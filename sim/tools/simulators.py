"""Command lines and environment variables of both simulators under cocotb.

This module uses cocotb's documented variables and `cocotb_tools.config`, not
`cocotb_tools.runner`. The runner has no time limit, takes its seed, filter and waves from the
caller's environment, passes when its filter matches no test, and makes every signal of a Verilated
model public, which is slower.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, get_args

import find_libpython
from cocotb_tools import config

from golden.packages import missing
from sim.tools.toolchain import Simulator, find_tool

WaveFormat = Literal["fst", "vcd"]
WAVE_FORMATS: tuple[WaveFormat, ...] = get_args(WaveFormat)


def run_command(
    simulator: Simulator, folder: Path, *, wave_file: Path | None, waves: WaveFormat | None
) -> list[str]:
    """Return the command that runs a finished build from any working folder."""
    if simulator == "icarus":
        plugin = config.lib_entry("vpi", "icarus")
        command = [find_tool("vvp"), "-m", plugin, str(folder / "sim")]
        return [*command, *([f"-{waves}", f"+dumpfile={wave_file}"] if wave_file else ["-none"])]
    command = [str(folder / "sim")]
    return [*command, *(["--trace", "--trace-file", str(wave_file)] if wave_file else [])]


def cocotb_environment(simulator: Simulator, *, top: str, test_module: str) -> dict[str, str]:
    """Make the variables by which cocotb, inside the simulator, finds this Python and the tests.

    Raises:
        MissingToolError: this Python has no shared library for a simulator to load.
    """
    libpython = find_libpython.find_libpython()
    if libpython is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise missing(
            f"a shared libpython for {sys.executable}", how=f"apt-get install libpython{version}"
        )
    libraries = [str(config.libs_dir), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
        "GPI_USERS": f"{libpython};{config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        # This process' sys.path may be the only way to a package, and relative to its folder.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(map(os.path.abspath, sys.path))),
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": test_module,
        "TOPLEVEL_LANG": "verilog",
        # cocotb uses pytest's asserts; loading pytest's plugins would take a fifth of the start-up,
        # and rewriting the asserts of all imports, NumPy's among them, most of the rest.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "COCOTB_REWRITE_ASSERTION_FILES": " ".join(
            f"{name.rpartition('.')[2]}.py" for name in test_module.split(",")
        ),
        # Verilator's writes are already inertial, so cocotb need not delay them.
        **({"COCOTB_TRUST_INERTIAL_WRITES": "1"} if simulator == "verilator" else {}),
    }
