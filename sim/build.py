"""Builds of a design for a simulator, kept in the cache and shared between processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from golden.errors import InputError
from sim.cache import cache_root, cached_folder, content_key
from sim.errors import SimulationError
from sim.simulators import (
    VERILATE,
    WAVE_FORMATS,
    WaveFormat,
    build_command,
    execute,
    write_sources,
)
from sim.toolchain import (
    Simulator,
    check_simulator,
    compile_environment,
    environment,
    find_tool,
    require,
    versions,
)

_BUILD_TIMEOUT_S = 1800.0
_LIBRARY_FLAGS = "-fPIC -fno-gnu-unique"  # two libraries in one process share nothing


@dataclass(frozen=True, kw_only=True)
class Build:
    """A design compiled for one simulator; what `sim.runner.run` runs.

    `folder` belongs to the cache: nothing may be written there. `seconds` is what this call took,
    `cached` whether the build was there before.
    """

    simulator: Simulator
    top: str
    folder: Path
    waves: WaveFormat | None
    cached: bool
    seconds: float


def build(
    verilog: str,
    *,
    top: str,
    simulator: str,
    waves: str | None = None,
    internals: bool = False,
    cache: Path | None = None,
) -> Build:
    """Compile Verilog text for cocotb, or find it compiled already.

    Any number of processes may call this at once, also for the same design.

    Args:
        verilog: the whole design.
        top: its top module.
        simulator: "icarus" or "verilator".
        waves: "fst" or "vcd" for a build that can record waves in that format; under Verilator it
            is slower even while it records none.
        internals: whether benches reach signals below the top's own; under Icarus they always do,
            under Verilator it costs speed.
        cache: the folder of builds; default $LITELSTM_CACHE, or else ~/.cache/litelstm.

    Raises:
        InputError: (a ValueError) unknown simulator or wave format.
        MissingToolError: simulator or compiler not installed.
        SimulationError: the design does not compile; the end of the log is in the message.
    """
    start = time.perf_counter()
    chosen = check_simulator(simulator)
    wave_format = _check_waves(waves)
    require(chosen)
    internals = internals or chosen == "icarus"
    command = build_command(chosen, top=top, waves=wave_format, internals=internals)
    key = content_key(
        chosen, verilog, top, wave_format, command, versions(chosen), version("cocotb")
    )
    root = cache_root(cache)

    def make(folder: Path) -> None:
        write_sources(chosen, folder, verilog, top=top, waves=wave_format)
        _compile(command, folder, what=f"{top} for {chosen}")
        if chosen == "verilator":
            _keep_only(folder, "sim", "design.v", "build.log")

    folder, cached = cached_folder(root / chosen, key, make)
    return Build(
        simulator=chosen,
        top=top,
        folder=folder,
        waves=wave_format,
        cached=cached,
        seconds=time.perf_counter() - start,
    )


def verilator_library(verilog: str, *, top: str, harness: Path, cache: Path | None = None) -> Path:
    """Verilate a design into a shared library together with a C++ file, without cocotb.

    The C++ file includes the model as "V<top>.h" (a port a__b is a___05Fb there) and offers
    `extern "C"` functions to ctypes. It is one file, without headers of its own; -O3.

    Args:
        verilog: the whole design.
        top: its top module.
        harness: the C++ file.
        cache: as for `build`.

    Returns:
        The library, in the cache's folder: load it, do not change it.

    Raises:
        MissingToolError: Verilator or a compiler is not installed.
        SimulationError: no such harness, or it or the design does not compile.
    """
    require("verilator")
    try:
        harness_text = harness.read_text(encoding="utf-8")
    except OSError as error:
        raise SimulationError(f"cannot read the harness {harness}: {error.strerror}") from error
    library = f"lib{top}.so"
    command = [
        find_tool("verilator"),
        *VERILATE,
        *("--exe", "--build", "-MAKEFLAGS", "OPT_FAST=-O3 OPT_SLOW=-O1 OPT_GLOBAL=-O2"),
        *("-Mdir", ".", "--prefix", f"V{top}", "--top-module", top, "-o", library),
        *("-CFLAGS", _LIBRARY_FLAGS),
        *("-LDFLAGS", "-shared -Wl,-Bsymbolic"),
        "harness.cpp",
        "design.v",
    ]
    key = content_key("library", verilog, harness_text, top, command, versions("verilator"))
    root = cache_root(cache)

    def make(folder: Path) -> None:
        write_sources("verilator", folder, verilog, top=top, waves=None)
        (folder / "harness.cpp").write_text(harness_text, encoding="utf-8")
        _compile(command, folder, what=f"{top} with {harness.name}")
        _keep_only(folder, library, "design.v", "harness.cpp", "build.log")

    folder, _ = cached_folder(root / "library", key, make)
    return folder / library


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log, for an error message; empty if there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-count:])


def _check_waves(waves: str | None) -> WaveFormat | None:
    for wave_format in WAVE_FORMATS:
        if waves == wave_format:
            return wave_format
    if waves is None:
        return None
    raise InputError(f"waves must be {' or '.join(WAVE_FORMATS)} or None, not {waves!r}")


def _compile(command: list[str], folder: Path, *, what: str) -> None:
    log_path = folder / "build.log"
    env = {**environment(), **compile_environment(cache_root() / "ccache")}
    with log_path.open("w", encoding="utf-8") as log:
        status = execute(command, cwd=folder, env=env, log=log, timeout_s=_BUILD_TIMEOUT_S)
    if status != 0:
        how = "took too long" if status is None else f"ended with status {status}"
        raise SimulationError(f"building {what} {how} ({log_path})\n{last_lines(log_path)}")


def _keep_only(folder: Path, *names: str) -> None:
    """Drop objects and precompiled headers, which are a hundred times as large as the result."""
    for path in folder.iterdir():
        if path.name not in names and path.is_file():
            path.unlink()
