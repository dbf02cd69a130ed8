"""Builds of a design for a simulator, kept in the cache and shared between processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from golden.errors import InputError
from sim.errors import SimulationError
from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.simulators import WAVE_FORMATS, WaveFormat, build_command, execute, write_sources
from sim.tools.toolchain import (
    Simulator,
    check_simulator,
    compile_environment,
    environment,
    require,
    versions,
)

_BUILD_TIMEOUT_S = 1800.0


@dataclass(frozen=True, kw_only=True)
class Build:
    """A design compiled for one simulator, to be run by `sim.cocotb_bench.runner.run`.

    `folder` belongs to the cache: never write there. `seconds` is the time of this call, `cached`
    whether the build existed before.
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
    if chosen == "verilator" and len(str(root).split()) > 1:
        raise SimulationError(
            f"make, and so Verilator, cannot build in {root}: expected a name without spaces; "
            "LITELSTM_CACHE names another folder"
        )

    def make(folder: Path) -> None:
        write_sources(chosen, folder, verilog, top=top, waves=wave_format)
        run_build([command], folder, what=f"{top} for {chosen}")
        if chosen == "verilator":
            keep_only(folder, "sim", "design.v", "build.log")

    folder, cached = cached_folder(root / chosen, key, make)
    return Build(
        simulator=chosen,
        top=top,
        folder=folder,
        waves=wave_format,
        cached=cached,
        seconds=time.perf_counter() - start,
    )


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


def run_build(commands: Sequence[list[str]], folder: Path, *, what: str) -> None:
    """Run the commands of a build in its folder, one after another, into its ``build.log``.

    Raises:
        SimulationError: one of them failed or took too long; the end of the log is in the message.
    """
    log_path = folder / "build.log"
    env = {**environment(), **compile_environment(cache_root() / "ccache")}
    status: int | None = 0
    with log_path.open("a", encoding="utf-8") as log:
        for command in commands:
            status = execute(command, cwd=folder, env=env, log=log, timeout_s=_BUILD_TIMEOUT_S)
            if status != 0:
                break
    if status != 0:
        how = "took too long" if status is None else f"ended with status {status}"
        raise SimulationError(f"building {what} {how} ({log_path})\n{last_lines(log_path)}")


def keep_only(folder: Path, *names: str) -> None:
    """Delete all other files: objects and headers are 100 times as large as the result."""
    for path in folder.iterdir():
        if path.name not in names and path.is_file():
            path.unlink()
