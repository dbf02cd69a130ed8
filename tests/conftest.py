"""Fixtures of several folders."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest
from amaranth.hdl import UnusedElaboratable


@pytest.fixture
def made_in_vain() -> Iterator[None]:
    """For tests that make components and never simulate them, about which Amaranth would warn."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        gc.collect()
