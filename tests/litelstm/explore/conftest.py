"""Searches on the tiny network, in this process and in rounds of two points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from litelstm.explore import finalists, study

Here = Callable[..., Iterator[tuple[Any, Any]]]


def here(work: Callable[[Any], Any], tasks: Sequence[Any], **_: Any) -> Iterator[tuple[Any, Any]]:
    """Do jobs in this process, the last one first: results must not depend on their order."""
    for task in reversed(tasks):
        yield task, work(task)


@pytest.fixture
def small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "ROUND", 2)
    monkeypatch.setattr(study, "RANDOM", 3)
    for module in (study, finalists):
        monkeypatch.setattr(module, "work_through", here)
