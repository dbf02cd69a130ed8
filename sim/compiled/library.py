"""Verilated designs and a C++ file in one shared library, without cocotb."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.errors import SimulationError
from sim.tools.process import keep_only, run_build
from sim.tools.toolchain import find_tool, require
from sim.tools.verilator import build_key, compile_models, runtime, verilate

_LIBRARY = "library.so"

TOGGLES = ("--coverage-toggle", "--coverage-underscore", "--coverage-max-width", "65536")
"""Verilator's options that count the changes of every bit, also of names that Yosys made."""

LINES = ("--coverage-line",)
"""Verilator's option that counts how often each branch of a process is taken."""


def verilator_library(
    designs: Mapping[str, str],
    *,
    harness: Path,
    headers: Mapping[str, str] | None = None,
    optimize: bool = True,
    counting: tuple[str, ...] = (),
    cache: Path | None = None,
) -> Path:
    """Verilate designs into a shared library together with a C++ file.

    The C++ file is compiled after the models, so it can use their classes ``V<top>`` (a port a__b
    is a___05Fb there). ``VERILATED_MODELS(macro)`` calls a macro with each class. The file's
    `extern "C"` functions can be called through ctypes.

    Args:
        designs: Verilog texts by name of the top module.
        harness: the C++ file.
        headers: texts of the headers that it includes, by name.
        optimize: whether to spend seconds of compiling on models that run about ten times as fast.
        counting: what the models count, of ``TOGGLES`` and ``LINES``.
        cache: folder of builds, see `sim.tools.build.build`.

    Returns:
        Path of the library in the cache; callers must not change the file.

    Raises:
        MissingToolError: Verilator or a compiler is not installed.
        SimulationError: the harness cannot be read, or it or a design does not compile.
    """
    require("verilator")
    try:
        harness_text = harness.read_text(encoding="utf-8")
    except OSError as error:
        raise SimulationError(f"cannot read the harness {harness}: {error.strerror}") from error
    what = f"{', '.join(designs)} with {harness.name}"
    texts = {**(headers or {}), "harness.cpp": harness_text}
    sources = {f"{top}.v": verilog for top, verilog in designs.items()}

    parts = ("verilated_cov",) if counting else ()

    def make(folder: Path) -> None:
        for name, text in {**texts, **sources}.items():
            (folder / name).write_text(text, encoding="utf-8")
        verilates = [
            verilate(f"{top}.v", prefix=f"V{top}", top=top, options=counting) for top in designs
        ]
        run_build(verilates, folder, what=what)
        models = " ".join(f"X(V{top})" for top in designs)
        tail = [f"#define VERILATED_MODELS(X) {models}", '#include "harness.cpp"']
        prefixes = [f"V{top}" for top in designs]
        commands = compile_models(folder, prefixes, tail, optimize=optimize, waves=None)
        link = [find_tool("g++"), "-shared", "-Wl,-Bsymbolic", "-o", _LIBRARY, "model.o"]
        run_build([*commands, [*link, *runtime(*parts)]], folder, what=what)
        keep_only(folder, _LIBRARY, "build.log", *texts, *sources)

    key = content_key("library", dict(designs), texts, build_key(optimize=optimize), counting)
    folder, _ = cached_folder(cache_root(cache) / "library", key, make)
    return folder / _LIBRARY
