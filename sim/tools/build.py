"""Build a design for a simulator; the cache keeps builds and shares them between processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cocotb_tools import config

from golden.errors import InputError
from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.process import keep_only, run_build
from sim.tools.simulators import WAVE_FORMATS, WaveFormat
from sim.tools.toolchain import Simulator, check_simulator, find_tool, require, versions
from sim.tools.verilator import build_key, compile_models, runtime, verilate

_DUMP = """\
module litelstm_dump;
  string path;
  initial if ($value$plusargs("dumpfile=%s", path)) begin
    $dumpfile(path);
    $dumpvars(0, {top});
  end
endmodule
"""


@dataclass(frozen=True, kw_only=True)
class Build:
    """A design compiled for one simulator; `sim.cocotb_bench.runner.run` runs it.

    `folder` belongs to the cache; never write there. `seconds` is the time of the call of `build`,
    `cached` whether the build existed before.
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
    optimize: bool = True,
    cache: Path | None = None,
) -> Build:
    """Compile Verilog text for cocotb, or find it in the cache.

    Any number of processes may call this at once, even for one design.

    Args:
        verilog: the whole design.
        top: its top module.
        simulator: "icarus" or "verilator".
        waves: "fst" or "vcd" for a build that can record waves in that format. Under Verilator such
            a build is slower even when it records none.
        internals: whether benches can access signals below the top. Under Icarus they always can;
            under Verilator it costs speed.
        optimize: False for short runs under Verilator, which compiles faster and runs at a fifth of
            the speed.
        cache: the folder of builds; by default $LITELSTM_CACHE, else ~/.cache/litelstm.

    Raises:
        InputError: (a ValueError) the simulator or the wave format is unknown.
        MissingToolError: the simulator or the compiler is not installed.
        SimulationError: the design does not compile; the message has the end of the log.
    """
    start = time.perf_counter()
    chosen = check_simulator(simulator)
    wave_format = _check_waves(waves)
    require(chosen)
    if chosen == "icarus":
        depends: list[object] = [versions(chosen)]
    else:
        depends = [internals, *build_key(optimize=optimize, waves=wave_format)]
    key = content_key(chosen, verilog, top, wave_format, depends, version("cocotb"))
    root = cache_root(cache)

    def make(folder: Path) -> None:
        (folder / "design.v").write_text(verilog, encoding="utf-8")
        if chosen == "icarus":
            _icarus(folder, top, wave_format)
        else:
            _verilator(folder, top, wave_format, internals=internals, optimize=optimize)
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


def _check_waves(waves: str | None) -> WaveFormat | None:
    for wave_format in WAVE_FORMATS:
        if waves == wave_format:
            return wave_format
    if waves is None:
        return None
    raise InputError(f"waves must be {' or '.join(WAVE_FORMATS)} or None, not {waves!r}")


def _icarus(folder: Path, top: str, waves: WaveFormat | None) -> None:
    """Compile ``design.v`` into ``sim``."""
    (folder / "flags.f").write_text("+timescale+1ns/1ps\n", encoding="utf-8")
    command = [find_tool("iverilog"), "-g2012", "-o", "sim", "-s", top, "-f", "flags.f", "design.v"]
    if waves:
        (folder / "dump.v").write_text(_DUMP.replace("{top}", top), encoding="utf-8")
        command += ["-s", "litelstm_dump", "dump.v"]
    run_build([command], folder, what=f"{top} for icarus")


def _verilator(
    folder: Path, top: str, waves: WaveFormat | None, *, internals: bool, optimize: bool
) -> None:
    """Compile ``design.v`` and cocotb's main program into ``sim``."""
    what, prefix = f"{top} for verilator", "Vtop"
    # cocotb needs the top's ports; every other public signal costs speed.
    public = ["--public-flat-rw"] if internals else ["--public-depth", "1"]
    options = ["--timescale", "1ns/1ps", "--vpi", *public, *([f"--trace-{waves}"] if waves else [])]
    run_build([verilate("design.v", prefix=prefix, top=top, options=options)], folder, what=what)
    main = config.share_dir / "lib" / "verilator" / "verilator.cpp"
    commands = compile_models(
        folder, [prefix], [f'#include "{main}"'], optimize=optimize, waves=waves
    )
    link = [find_tool("g++"), "-o", "sim", "model.o", *runtime("verilated_vpi", waves=waves)]
    # No path to the library: the cache outlives virtual environments, see `cocotb_environment`.
    link += [f"-L{config.libs_dir}", "-lcocotbvpi_verilator"]
    run_build([*commands, link], folder, what=what)
