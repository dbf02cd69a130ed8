"""Convert designs to C++ with Verilator, and compile it as one source.

With one source, the compiler starts once and reads Verilator's headers once; without optimization
they are precompiled. Verilator's runtime is compiled once and kept.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache as memoize
from pathlib import Path

from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.errors import SimulationError
from sim.tools.process import run_build
from sim.tools.toolchain import environment, find_tool, native_target, versions

# Amaranth gives every register an initial value, so x comes only from what a case leaves open.
VERILATE = ("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--assert", "--no-timing")
# Amaranth's Verilog has overlapping casez and comparisons of unequal widths: only logged.
VERILATE += ("-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEOVERLAP", "-Wno-CASEINCOMPLETE")

# Flags of Verilator's own makefile; with no-gnu-unique two libraries in a process share nothing.
_FLAGS = ("-std=gnu++17", "-fPIC", "-fno-gnu-unique", "-faligned-new", "-fcf-protection=none")
_FLAGS += ("-fno-semantic-interposition",)  # lets the compiler inline evaluations into the bench
_FLAGS += ("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0")

_FAST = ("-O3", "-march=native", "-mtune=generic")
"""Flags for speed: this machine's vector registers compute several lanes at once."""

_QUICK = ("-O0",)
_HEADERS = '#include "verilated.h"\n#include "verilated_vpi.h"\n'


def verilate(source: str, *, prefix: str, top: str, options: Sequence[str] = ()) -> list[str]:
    """Return the command that writes a design's C++, class ``prefix``, to its working folder."""
    names = ("-Mdir", ".", "--prefix", prefix, "--top-module", top)
    return [find_tool("verilator"), *VERILATE, *options, *names, source]


def build_key(*, optimize: bool, waves: str | None = None) -> list[object]:
    """List everything but the sources that a build depends on."""
    machine = native_target() if optimize else ""
    return [VERILATE, _FLAGS, waves, _FAST, optimize, machine, versions("verilator")]


def compile_models(
    folder: Path, prefixes: Sequence[str], tail: Sequence[str], *, optimize: bool, waves: str | None
) -> list[list[str]]:
    """Write the C++ that includes the models; return the commands that make ``model.o``.

    Args:
        folder: folder with the output of `verilate`.
        prefixes: the models' prefixes.
        tail: lines of C++ after the models.
        optimize: whether to spend seconds of compiling on models that run about ten times as fast.
        waves: format of the waves that the models can record.
    """
    start, run = [], []
    for prefix in prefixes:
        # Each model's files begin with its own header, which is meant to be precompiled.
        for lines in (start, run):
            lines.append("#undef VL_PCH_INCLUDED")
        for path in sorted([folder / f"{prefix}.cpp", *folder.glob(f"{prefix}__*.cpp")]):
            unit = start if path.stem.endswith("__Slow") else run
            unit.append(f'#include "{path.name}"')
    run += tail
    if not optimize:
        units = {"model": ([*start, *run], _QUICK)}
    else:  # start-up code is long and runs once: not worth optimizing
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
    """Compile Verilator's runtime; return its objects, ``parts`` included, and the libraries."""
    names = ["verilated", "verilated_threads", *parts]
    names += [f"verilated_{waves}_c"] if waves else []
    libraries = ["-llz4", "-lz"] if waves == "fst" else []
    return [*map(_runtime_object, names), *libraries, "-pthread"]


def _runtime_object(name: str) -> str:
    source, result = str(_include() / f"{name}.cpp"), f"{name}.o"
    return str(_compiled_once(name, source, result, "-O2") / result)


def _precompiled() -> Path:
    """Precompile Verilator's headers, which saves a second per build; return the header for g++."""
    name = "headers.h"
    return _compiled_once(_HEADERS, name, f"{name}.gch", "-x", "c++-header", *_QUICK) / name


def _compiled_once(text: str, source: str, result: str, *flags: str) -> Path:
    """Compile a part of the runtime, or headers with some text, once; return the folder."""

    def make(folder: Path) -> None:
        (folder / "headers.h").write_text(text, encoding="utf-8")
        run_build([_compile(source, result, *flags)], folder, what="Verilator's runtime")

    key = content_key("runtime", text, flags, _FLAGS, versions("verilator"))
    return cached_folder(cache_root() / "runtime", key, make)[0]


def _traced(waves: str | None) -> tuple[str, ...]:
    """Return the flags for a model's waves; the runtime ignores them.

    Without waves there are none: g++ uses precompiled headers only with exactly their flags.
    """
    return ("-DVM_TRACE=1", f"-DVM_TRACE_{waves.upper()}=1") if waves else ()


def _compile(source: str, result: str, *flags: str) -> list[str]:
    include = _include()
    folders = ("-I.", f"-I{include}", f"-I{include / 'vltstd'}")
    return [find_tool("g++"), *_FLAGS, *folders, *flags, "-c", source, "-o", result]


@memoize
def _include() -> Path:
    """Find the folder of Verilator's headers."""
    command = [find_tool("verilator"), "--getenv", "VERILATOR_ROOT"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    include = Path(done.stdout.strip()) / "include"
    if not (include / "verilated.h").exists():
        raise SimulationError(f"{' '.join(command)} names no folder with verilated.h: {include}")
    return include
