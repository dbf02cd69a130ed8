"""The command lines of both simulators under cocotb.

They are written out here, over cocotb's documented variables and `cocotb_tools.config`, because
`cocotb_tools.runner` has no time limit, takes its seed, filter and waves from the caller's
environment, passes when its filter matches nothing, and always makes every signal of a Verilated
model public, which is slower.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import IO, Literal, get_args

import find_libpython
from cocotb_tools import config

from golden.packages import missing
from sim.tools.toolchain import Simulator, find_tool

WaveFormat = Literal["fst", "vcd"]
WAVE_FORMATS: tuple[WaveFormat, ...] = get_args(WaveFormat)

# Compiler settings measured as shortest for build + run; the runtime (OPT_GLOBAL), half of the
# time of a cocotb run, is compiled once and comes from ccache after that.
_OPTIMIZE = "OPT_FAST=-O2 OPT_GLOBAL=-O2"
# Amaranth describes all registers' starts, so x is only what a case leaves open.
VERILATE = ("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--assert", "--no-timing")
# Amaranth's Verilog has casez with overlaps and comparisons of unequal widths; the log keeps them.
VERILATE += ("-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEOVERLAP", "-Wno-CASEINCOMPLETE")

_POLL_SECONDS = 0.25
"""How often `execute` looks whether it was cancelled."""

_DUMP = """\
module litelstm_dump;
  string path;
  initial if ($value$plusargs("dumpfile=%s", path)) begin
    $dumpfile(path);
    $dumpvars(0, {top});
  end
endmodule
"""


def build_command(
    simulator: Simulator, *, top: str, waves: WaveFormat | None, internals: bool
) -> list[str]:
    """Return the build command, for a folder that holds design.v (and dump.v for Icarus' waves)."""
    if simulator == "icarus":
        command = [find_tool("iverilog"), "-g2012", "-o", "sim", "-s", top, "-f", "flags.f"]
        return [*command, "design.v", *(["-s", "litelstm_dump", "dump.v"] if waves else [])]
    libraries = str(config.libs_dir)
    return [
        find_tool("verilator"),
        *VERILATE,
        *("--exe", "--build", "-j", str(os.cpu_count() or 1), "-MAKEFLAGS", _OPTIMIZE),
        *("-Mdir", ".", "--prefix", "Vtop", "--top-module", top, "-o", "sim"),
        *("--timescale", "1ns/1ps", "--vpi"),
        # cocotb needs the top's ports; each further public signal costs speed.
        *(["--public-flat-rw"] if internals else ["--public-depth", "1"]),
        *([f"--trace-{waves}"] if waves else []),
        *("-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"),
        str(config.share_dir / "lib" / "verilator" / "verilator.cpp"),
        "design.v",
    ]


def write_sources(
    simulator: Simulator, folder: Path, verilog: str, *, top: str, waves: WaveFormat | None
) -> None:
    """Write the files that `build_command` reads into a build folder."""
    (folder / "design.v").write_text(verilog, encoding="utf-8")
    if simulator == "icarus":
        (folder / "flags.f").write_text("+timescale+1ns/1ps\n", encoding="utf-8")
        if waves:
            (folder / "dump.v").write_text(_DUMP.replace("{top}", top), encoding="utf-8")


def run_command(
    simulator: Simulator, folder: Path, *, wave_file: Path | None, waves: WaveFormat | None
) -> list[str]:
    """Return the command that runs a finished build, in any working folder."""
    if simulator == "icarus":
        plugin = config.lib_entry("vpi", "icarus")
        command = [find_tool("vvp"), "-m", plugin, str(folder / "sim")]
        return [*command, *([f"-{waves}", f"+dumpfile={wave_file}"] if wave_file else ["-none"])]
    command = [str(folder / "sim")]
    return [*command, *(["--trace", "--trace-file", str(wave_file)] if wave_file else [])]


def cocotb_environment(simulator: Simulator, *, top: str, test_module: str) -> dict[str, str]:
    """Variables by which cocotb, inside the simulator, finds this Python and the tests.

    Raises:
        MissingToolError: this Python has no shared library that a simulator could load.
    """
    libpython = find_libpython.find_libpython()
    if libpython is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise missing(
            f"a shared libpython for {sys.executable}", how=f"apt-get install libpython{version}"
        )
    return {
        "GPI_USERS": f"{libpython};{config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        # Packages may be found through this process' sys.path only, and relative to its folder.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(map(os.path.abspath, sys.path))),
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": test_module,
        "TOPLEVEL_LANG": "verilog",
        # cocotb borrows pytest's asserts; pytest's plugins would take a fifth of the start.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        # Verilator's writes are inertial already: cocotb need not delay them.
        **({"COCOTB_TRUST_INERTIAL_WRITES": "1"} if simulator == "verilator" else {}),
    }


def execute(
    command: list[str],
    *,
    cwd: Path,
    env: dict[str, str],
    log: IO[str],
    timeout_s: float,
    cancel: Event | None = None,
) -> int | None:
    """Run a command, output to `log`; its status (negative: a signal).

    None if it was ended because it was out of time, or because another thread set `cancel`.
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
    finally:  # with all its children, and on Ctrl-C too
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
