"""Verilated designs and a C++ file in one shared library, without cocotb.

Verilator writes the C++ of each design. All of it and the C++ file are compiled as one source, so
that the compiler reads Verilator's headers once. Verilator's runtime is compiled once and kept.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from functools import cache as memoize
from pathlib import Path

from sim.errors import SimulationError
from sim.tools.build import keep_only, run_build
from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.simulators import VERILATE
from sim.tools.toolchain import environment, find_tool, native_target, require, versions

_LIBRARY = "library.so"
_RUNTIME = ("verilated", "verilated_threads")
_OPTIMIZE = ("-O3", "-march=native", "-mtune=generic")
"""Flags for speed: lanes are computed in this machine's vector registers."""
# As Verilator's own makefile has it; two libraries in one process share nothing.
_FLAGS = ("-std=gnu++17", "-fPIC", "-fno-gnu-unique", "-faligned-new", "-fcf-protection=none")
_FLAGS += ("-fno-semantic-interposition",)  # so that an evaluation is compiled into the bench
_FLAGS += ("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0")
_FLAGS += ("-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0", "-DVM_TRACE_SAIF=0")


def verilator_library(
    designs: Mapping[str, str],
    *,
    harness: Path,
    headers: Mapping[str, str] | None = None,
    optimize: bool = True,
    cache: Path | None = None,
) -> Path:
    """Verilate designs into a shared library together with a C++ file.

    The C++ file is compiled after the models: their classes, ``V<top>``, are known to it (a port
    a__b is a___05Fb there), and ``VERILATED_MODELS(macro)`` calls a macro with each of them. It
    offers `extern "C"` functions to ctypes.

    Args:
        designs: Verilog texts by the names of their top modules.
        harness: the C++ file.
        headers: texts of the headers that it includes, by name.
        optimize: spend seconds of compiling on models that are some ten times as fast.
        cache: as for `sim.tools.build.build`.

    Returns:
        The library, in the cache's folder: load it, do not change it.

    Raises:
        MissingToolError: Verilator or a compiler is not installed.
        SimulationError: no such harness, or it or a design does not compile.
    """
    require("verilator")
    try:
        harness_text = harness.read_text(encoding="utf-8")
    except OSError as error:
        raise SimulationError(f"cannot read the harness {harness}: {error.strerror}") from error
    flags = _OPTIMIZE if optimize else ("-O0",)
    machine = native_target() if optimize else ""
    what = f"{', '.join(designs)} with {harness.name}"
    texts = {**(headers or {}), "harness.cpp": harness_text}
    parts = (dict(designs), texts, VERILATE, _FLAGS, flags, machine, versions("verilator"))

    def make(folder: Path) -> None:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        run_build([_verilate(folder, top, designs[top]) for top in designs], folder, what=what)
        slow, fast = _write_units(folder, designs)
        objects = [*_runtime()]
        commands = []
        # Start-up code is long and runs once: not worth the compiler's time.
        for unit, chosen in ((slow, ("-O0",)), (fast, flags)):
            objects.append(f"{unit}.o")
            commands.append(_compile(f"{unit}.cpp", objects[-1], *chosen))
        commands.append([find_tool("g++"), "-shared", "-Wl,-Bsymbolic", "-o", _LIBRARY, *objects])
        run_build(commands, folder, what=what)
        keep_only(folder, _LIBRARY, *texts, "build.log", *map(_source, designs))

    folder, _ = cached_folder(cache_root(cache) / "library", content_key("library", *parts), make)
    return folder / _LIBRARY


def _source(top: str) -> str:
    return f"{top}.v"


def _verilate(folder: Path, top: str, verilog: str) -> list[str]:
    """The command that writes a design's C++ into `folder`."""
    (folder / _source(top)).write_text(verilog, encoding="utf-8")
    names = ("-Mdir", ".", "--prefix", f"V{top}", "--top-module", top)
    return [find_tool("verilator"), *VERILATE, *names, _source(top)]


def _write_units(folder: Path, tops: Iterable[str]) -> tuple[str, str]:
    """Write the two sources for the compiler; their names are of start and run."""
    start, run = [], []
    for top in tops:
        # Each model's files begin with a header of their own, meant to be precompiled.
        for lines in (start, run):
            lines.append("#undef VL_PCH_INCLUDED")
        for path in sorted([folder / f"V{top}.cpp", *folder.glob(f"V{top}__*.cpp")]):
            unit = start if path.stem.endswith("__Slow") else run
            unit.append(f'#include "{path.name}"')
    models = " ".join(f"X(V{top})" for top in tops)
    run += [f"#define VERILATED_MODELS(X) {models}", '#include "harness.cpp"']
    for name, lines in (("start", start), ("run", run)):
        (folder / f"{name}.cpp").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return "start", "run"


def _compile(source: str, result: str, *flags: str) -> list[str]:
    include = _include()
    folders = ("-I.", f"-I{include}", f"-I{include / 'vltstd'}")
    return [find_tool("g++"), *_FLAGS, *folders, *flags, "-c", source, "-o", result]


def _runtime() -> list[str]:
    """Verilator's runtime, compiled."""

    def make(folder: Path) -> None:
        sources = [(str(_include() / f"{name}.cpp"), f"{name}.o") for name in _RUNTIME]
        commands = [_compile(*pair, "-O2") for pair in sources]
        run_build(commands, folder, what="Verilator's runtime")

    key = content_key("runtime", _FLAGS, versions("verilator"))
    folder, _ = cached_folder(cache_root() / "runtime", key, make)
    return [str(folder / f"{name}.o") for name in _RUNTIME]


@memoize
def _include() -> Path:
    """Folder of Verilator's headers."""
    command = [find_tool("verilator"), "--getenv", "VERILATOR_ROOT"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    include = Path(done.stdout.strip()) / "include"
    if not (include / "verilated.h").exists():
        raise SimulationError(f"{' '.join(command)} names no folder with verilated.h: {include}")
    return include
