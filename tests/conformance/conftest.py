"""PyTorch and Keras as the tests want them, and the errors that docs/conformance.md shows.

PyTorch on one thread, since pytest runs as many workers as there are cores; Keras on PyTorch, with
its own settings and not those of the user's home.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

torch.set_num_threads(1)
os.environ["KERAS_BACKEND"] = "torch"
os.environ["KERAS_HOME"] = tempfile.mkdtemp(prefix="keras-")
atexit.register(shutil.rmtree, os.environ["KERAS_HOME"], ignore_errors=True)


Within = Callable[[str, float, float], None]
"""Fixture that asserts that an error is below a bound, and records it under a name."""


@pytest.fixture
def within(record_property: Callable[[str, object], None]) -> Within:
    def check(name: str, error: float, bound: float) -> None:
        assert error < bound, name
        record_property(name, error)

    return check


def largest(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Return the largest absolute difference of the pairs' elements."""
    found = 0.0
    for got, want in pairs:
        assert got.shape == want.shape
        found = max(found, float(np.abs(got - want).max()))
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the extremes of each property that passed tests recorded."""
    found: dict[str, list[float]] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            found.setdefault(name, []).append(float(value))
    for name, values in found.items():
        terminalreporter.write_line(
            f"{name}: {len(values)} cases, {min(values):.3g} to {max(values):.3g}"
        )
