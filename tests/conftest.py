"""Fixtures of several folders, and the selection that ``make quick`` runs."""

from __future__ import annotations

import gc
import re
import signal
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import UnusedElaboratable

from golden import fused
from litelstm.driver.program import run_program
from sim.compiled.bench import bench_library
from sim.compiled.library import verilator_library
from sim.tools.build import build

LONG = ("simulator", "proof", "frameworks", "fpga", "slow")
"""Markers of tests that ``-m quick`` leaves out; pyproject.toml says what each is."""

SIMULATORS = {"iverilog", "vvp", "verilator", "sim"}
"""Names of simulators' executables; a Verilated model is called sim."""

_MARKED = re.compile(rf"^pytestmark = .*pytest\.mark\.({'|'.join(LONG)})\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m quick`` do not even import modules that are marked as a whole."""
    if config.option.markexpr != "quick" or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8").replace("[\n    ", "")
    return True if _MARKED.search(text) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark as quick whatever has no other of these markers."""
    if not any(item.get_closest_marker(name) for name in LONG):
        item.add_marker("quick")


ORDER = ("quick", "fpga", "proof", "simulator", "frameworks", "slow")
"""Quick tests find most faults; of the others those that run for half a minute come first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in an order in which no worker begins a long one while the others are done."""

    def place(item: pytest.Item) -> int:
        return min(n for n, name in enumerate(ORDER) if item.get_closest_marker(name))

    items.sort(key=place)


def pytest_configure() -> None:
    """Take Ctrl-C as usual: a shell's job in the background, and all that it starts, ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Collect garbage less often: it takes a third of the time in which a core is made.

    Objects of the imports, PyTorch's among them, are never looked at again.
    """
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def no_simulator(request: pytest.FixtureRequest) -> Iterator[None]:
    """With ``-m quick`` refuse to start a simulator: the test lacks a marker."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.option.markexpr == "quick":
            start = subprocess.Popen.__init__

            def checked(self: Any, args: Any, *rest: Any, **options: Any) -> None:
                command = [args] if isinstance(args, str) else list(map(str, args))
                name, asks = Path(command[0]).name, command[1:2] in (["--version"], ["-V"])
                assert name not in SIMULATORS or asks, f"{name} runs: mark the test as simulator"
                start(self, args, *rest, **options)

            patch.setattr(subprocess.Popen, "__init__", checked)
        yield


@pytest.fixture(autouse=True, scope="session")
def made_for_short_runs() -> Iterator[None]:
    """Compile models quickly, and golden loops late: most tests run few cycles or steps."""
    with pytest.MonkeyPatch.context() as patch:
        for function in (bench_library, verilator_library, build, run_program):
            defaults = function.__kwdefaults__
            assert defaults
            assert "optimize" in defaults
            patch.setitem(defaults, "optimize", False)
        patch.setattr(fused, "PATIENCE", 4.0)
        yield


@pytest.fixture
def made_in_vain() -> Iterator[None]:
    """For tests that make components and never simulate them, about which Amaranth would warn."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        gc.collect()
