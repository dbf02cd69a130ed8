"""Mutants of Python modules that decide numbers, judged by the tests next to them.

    python -m bench.python_mutants [--mutants 8] [--seed 1] [MODULE ...]

mutmut's operators change one node of a module: a number, an operator, an argument, a keyword, an
assigned value. Each mutant gets a process of its own, forked from one that has the libraries, and
is killed if a test fails or takes ten times its CPU time. Words in strings are not changed: most
are messages. Annotations do not count either. Prints a line per
module and each survivor as a change of a line; exits with 1 if fewer than 90 % were killed.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

import click
import hypothesis  # noqa: F401  # these are imported once, before the forks
import libcst as cst
import numpy as np  # noqa: F401
import pytest
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

MODULES = {
    "golden/formats.py": ("tests/golden/test_formats.py", "tests/golden/test_model.py"),
    "golden/layer_arithmetic.py": (
        "tests/golden/test_layer_arithmetic.py",
        "tests/golden/test_model.py",
        "tests/golden/test_model_cells.py",
        "tests/golden/test_first_states.py",
    ),
    "golden/cells.py": (
        "tests/golden/test_model_cells.py",
        "tests/golden/test_network.py",
        "tests/golden/test_quantized.py",
        "tests/golden/test_windows.py",
    ),
    "hdl/cycles/run.py": (  # few of the tests that simulate
        "tests/hdl/test_cycles.py::test_whole_sequences_of_two_layers_with_head",
        "tests/hdl/test_cycles.py::test_the_core_keeps_to_the_count[no head]",
        "tests/hdl/test_cycles.py::test_a_single_step[three layers]",
        "tests/hdl/test_interface.py::test_a_state_loaded_before_anything_else",
        "tests/hdl/test_interface.py::test_a_state_is_saved_after_a_final_column_of_one_cycle",
        "tests/hdl/test_interface.py::test_interleaving_hides_the_drain",
        "tests/hdl/test_repeats.py",
    ),
    "litelstm/importers/layers.py": ("tests/litelstm/importers/test_layers.py",),
}
"""Modules, each with the tests that judge it."""

WANTED = 90.0
"""Percentage of mutants that must be killed."""

SPARE = 10
"""A mutant that takes so many times the tests' CPU time hangs."""


class Mutated(SourceFileLoader):
    """Loads a module from a text instead of its file; also finds it, first of all finders."""

    def __init__(self, path: Path, text: str) -> None:
        name = ".".join(path.with_suffix("").parts)
        super().__init__(name, str(path))
        self.text = text

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find the module alone."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, Path(self.path).resolve(), loader=self)

    def get_code(self, fullname: str):  # a code object
        """Compile the text; there is no cache."""
        return compile(self.text, self.path, "exec")


def mutants(path: Path, count: int, seed: object) -> list[str]:
    """Draw mutants of a module, all if it has no more; return the text of each."""
    text = path.read_text(encoding="utf-8")
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module = cst.MetadataWrapper(cst.parse_module(text)).visit(visitor)
    found = [m for m in visitor.mutations if not isinstance(m.original_node, cst.BaseString)]
    random.Random(str(seed)).shuffle(found)
    changed: list[str] = []
    for mutation in found:
        if len(changed) == count:
            break
        node = module.deep_replace(mutation.original_node, mutation.mutated_node)
        if isinstance(node, cst.Module) and node.code != text:
            changed.append(node.code)
    return changed


def passes(path: Path, text: str, tests: Sequence[str], limit: int) -> tuple[bool, float]:
    """Run tests in a fork whose module is a text; tell whether they pass, and their CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if not child:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(quiet, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        sys.meta_path.insert(0, Mutated(path, text))  # pyright: ignore[reportArgumentType]
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))
    _, status = os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return status == 0, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def survivors(path: Path, tests: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    """Yield the mutants that no test kills, each as the lines that differ."""
    own = path.read_text(encoding="utf-8")
    passed, seconds = passes(path, own, tests, 600)
    if not passed:
        raise SystemExit(f"{path}: its tests fail without a mutant: {' '.join(tests)}")
    for text in texts:
        if passes(path, text, tests, int(SPARE * seconds) + 1)[0]:
            changes = difflib.unified_diff(own.splitlines(), text.splitlines(), n=0, lineterm="")
            yield "\n".join(line for line in changes if not line.startswith(("---", "+++")))


@click.command()
@click.option("--mutants", "count", default=8, show_default=True, help="Mutants per module.")
@click.option("--seed", default=1, show_default=True, help="Seed of their choice.")
@click.argument("modules", nargs=-1, type=click.Choice(list(MODULES)))
def main(count: int, seed: int, modules: tuple[str, ...]) -> None:
    """Judge mutants of Python modules by their tests."""
    killed = drawn = 0
    for name in modules or MODULES:
        path, start = Path(name), time.monotonic()
        chosen = mutants(path, count, (seed, name))
        left = []
        for survivor in survivors(path, MODULES[name], chosen):
            left.append(survivor)
            print(f"{name}: survived:\n{survivor}", flush=True)
        drawn, killed = drawn + len(chosen), killed + len(chosen) - len(left)
        told = f"{len(chosen) - len(left)} of {len(chosen)} mutants killed"
        print(f"{name}: {told} ({time.monotonic() - start:.0f} s)", flush=True)
    share = 100 * killed / max(1, drawn)
    print(f"all: {killed} of {drawn} killed ({share:.1f} %)")
    sys.exit(share < WANTED)


if __name__ == "__main__":
    main()
