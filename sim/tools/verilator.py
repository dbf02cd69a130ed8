"""C++ of designs by Verilator, compiled as one source.

One source, so that the compiler reads Verilator's headers once, and starts once; without
optimization it finds them precompiled. Verilator's runtime is compiled once and kept.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache as memoize
from pathlib import Path

from sim.errors import SimulationError
from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.process import run_build
from sim.tools.toolchain import environment, find_tool, native_target, versions

# Amaranth describes all registers' starts, so x is only what a case leaves open.
VERILATE = ("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--assert", "--no-timing")
# Amaranth's Verilog has casez with overlaps and comparisons of unequal widths; the log keeps them.
VERILATE += ("-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEOVERLAP", "-Wno-CASEINCOMPLETE")

# As Verilator's own makefile has it; two libraries in one process share nothing.
_FLAGS = ("-std=gnu++17", "-fPIC", "-fno-gnu-unique", "-faligned-new", "-fcf-protection=none")
_FLAGS += ("-fno-semantic-interposition",)  # so that an evaluation is compiled into the bench
_FLAGS += ("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0")

_FAST = ("-O3", "-march=native", "-mtune=generic")
"""Flags for speed: lanes are computed in this machine's vector registers."""

_QUICK = ("-O0",)
_HEADERS = '#include "verilated.h"\n#include "verilated_vpi.h"\n'


def verilate(source: str, *, prefix: str, top: str, options: Sequence[str] = ()) -> list[str]:
    """The command that writes a design's C++ into its folder: class ``prefix``."""
    names = ("-Mdir", ".", "--prefix", prefix, "--top-module", top)
    return [find_tool("verilator"), *VERILATE, *options, *names, source]


def build_key(*, optimize: bool, waves: str | None = None) -> list[object]:
    """Return everything that a build depends on, apart from its sources."""
    machine = native_target() if optimize else ""
    return [VERILATE, _FLAGS, waves, _FAST, optimize, machine, versions("verilator")]


def compile_models(
    folder: Path, prefixes: Sequence[str], tail: Sequence[str], *, optimize: bool, waves: str | None
) -> list[list[str]]:
    """Write what the compiler needs beside the C++ of models; the commands that make ``model.o``.

    Args:
        folder: where `verilate` wrote.
        prefixes: of the models.
        tail: lines of C++ that come after the models.
        optimize: spend seconds on models that are some ten times as fast.
        waves: format of the traces in the models' C++.
    """
    start, run = [], []
    for prefix in prefixes:
        # Each model's files begin with a header of their own, meant to be precompiled.
        for lines in (start, run):
            lines.append("#undef VL_PCH_INCLUDED")
        for path in sorted([folder / f"{prefix}.cpp", *folder.glob(f"{prefix}__*.cpp")]):
            unit = start if path.stem.endswith("__Slow") else run
            unit.append(f'#include "{path.name}"')
    run += tail
    if not optimize:
        units = {"model": ([*start, *run], _QUICK)}
    else:  # start-up code is long and runs once: not worth the compiler's time
        units = {"start": (start, _QUICK), "run": (run, _FAST)}
    for name, (lines, _) in units.items():
        (folder / f"{name}.cpp").write_text("\n".join([*lines, ""]), encoding="utf-8")
    headers = ("-include", str(_precompiled()))
    commands = [
        _compile(
            f"{name}.cpp",
            f"{name}.o",
            *(headers if flags == _QUICK else ()),
            *flags,
            *_traced(waves),
        )
        for name, (_, flags) in units.items()
    ]
    if optimize:
        commands.append([find_tool("ld"), "-r", "-o", "model.o", "start.o", "run.o"])
    return commands


def runtime(*parts: str, waves: str | None = None) -> list[str]:
    """Verilator's runtime, compiled: the objects of some of its parts, and the libraries."""
    names = ["verilated", "verilated_threads", *parts]
    names += [f"verilated_{waves}_c"] if waves else []
    libraries = ["-llz4", "-lz"] if waves == "fst" else []
    return [*map(_runtime_object, names), *libraries, "-pthread"]


def _runtime_object(name: str) -> str:
    source, result = str(_include() / f"{name}.cpp"), f"{name}.o"
    return str(_compiled_once(name, source, result, "-O2") / result)


def _precompiled() -> Path:
    """Verilator's headers, a second of each build: a header that g++ finds precompiled."""
    name = "headers.h"
    return _compiled_once(_HEADERS, name, f"{name}.gch", "-x", "c++-header", *_QUICK) / name


def _compiled_once(text: str, source: str, result: str, *flags: str) -> Path:
    """The folder of a part of the runtime, or of headers with this text."""

    def make(folder: Path) -> None:
        (folder / "headers.h").write_text(text, encoding="utf-8")
        run_build([_compile(source, result, *flags)], folder, what="Verilator's runtime")

    key = content_key("runtime", text, flags, _FLAGS, versions("verilator"))
    return cached_folder(cache_root() / "runtime", key, make)[0]


def _traced(waves: str | None) -> tuple[str, ...]:
    """Flags for a model's traces; the runtime does not look at them.

    Without traces none, since g++ takes the precompiled headers only where each flag is theirs.
    """
    return ("-DVM_TRACE=1", f"-DVM_TRACE_{waves.upper()}=1") if waves else ()


def _compile(source: str, result: str, *flags: str) -> list[str]:
    include = _include()
    folders = ("-I.", f"-I{include}", f"-I{include / 'vltstd'}")
    return [find_tool("g++"), *_FLAGS, *folders, *flags, "-c", source, "-o", result]


@memoize
def _include() -> Path:
    """Folder of Verilator's headers."""
    command = [find_tool("verilator"), "--getenv", "VERILATOR_ROOT"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    include = Path(done.stdout.strip()) / "include"
    if not (include / "verilated.h").exists():
        raise SimulationError(f"{' '.join(command)} names no folder with verilated.h: {include}")
    return include
