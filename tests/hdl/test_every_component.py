"""Each Component of hdl has a test file of its name, in the folder of the same name."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from amaranth.lib import wiring

import hdl

HERE = Path(__file__).parent


def test_every_component_has_a_test_file() -> None:
    names = [info.name for info in pkgutil.walk_packages(hdl.__path__, "hdl.")]
    found: dict[str, list[str]] = {}
    for module in map(import_module, names):
        for value in vars(module).values():
            is_component = isinstance(value, type) and issubclass(value, wiring.Component)
            if is_component and value.__module__ == module.__name__:
                found.setdefault(module.__name__, []).append(value.__name__)
    assert len(found) > 40
    lacking = {
        name: classes for name, classes in found.items() if not (HERE / _test_file(name)).is_file()
    }
    assert not lacking, f"Components without a test file: {lacking}"


def _test_file(module: str) -> Path:
    """``hdl.array.lanes`` is tested in ``array/test_lanes.py``."""
    *folders, name = module.split(".")[1:]
    return Path(*folders, f"test_{name}.py")
