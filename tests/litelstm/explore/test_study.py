"""The search: it goes on after an interrupt as if there had been none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from golden.errors import InputError
from litelstm.explore import study
from litelstm.explore.evaluate import evaluate
from litelstm.explore.limits import Limits
from litelstm.explore.source import Given, Trained
from litelstm.explore.space import Space
from litelstm.explore.study import Exploration, owned
from litelstm.fpga.targets import TARGETS
from litelstm.tasks import TASKS
from tests.litelstm.conftest import Files
from tests.litelstm.explore.conftest import here

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_rounds")]

LIMITS = Limits(target=TARGETS["ecp5-25f"], max_drop=100, min_rate=0, max_luts=None)


def search(folder: Path, files: Files, *, limits: Limits = LIMITS, seed: int = 1) -> Exploration:
    source = Given(files.floats, files.samples, folder / "networks")
    return Exploration(folder, source, limits, seed=seed, where={})


def quiet(done: int) -> None:
    pass


def test_an_interrupted_search_finds_the_same(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(tmp_path / "whole", files)
    reference = whole.prepare()
    whole.run(5, reference, quiet)
    assert whole.finished == 5

    cut = search(tmp_path / "cut", files)
    calls = 0

    def interrupted(work: Any, tasks: Any, **more: Any) -> Iterator[tuple[Any, Any]]:
        nonlocal calls
        calls += work is evaluate
        for result in here(work, tasks, **more):
            if calls == 2:
                raise KeyboardInterrupt
            yield result

    with monkeypatch.context() as patched:
        patched.setattr(study, "work_through", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cut.run(5, reference, quiet)
    assert cut.finished == 2
    again = search(tmp_path / "cut", files)
    assert again.finished == 2
    again.run(5, reference, quiet)
    found, expected = again.points(reference), whole.points(reference)
    assert [(p.choice, p.values) for p in found] == [(p.choice, p.values) for p in expected]
    assert len(found) > 1
    assert found[0].choice == Space(target=LIMITS.target, shaped=False).usual(None)


def test_points_keep_the_limits(files: Files, tmp_path: Path) -> None:
    first = search(tmp_path, files)
    reference = first.prepare()
    assert 0 <= reference <= 1
    first.run(4, reference, quiet)
    points = first.points(reference)
    assert all(point.fits for point in points)
    least = min(point.values["luts"] for point in points)
    narrow = Limits(target=LIMITS.target, max_drop=100, min_rate=0, max_luts=int(least))
    judged = search(tmp_path, files, limits=narrow).points(reference)
    assert [p.fits for p in judged] == [p.values["luts"] <= least for p in points]
    fast = Limits(target=LIMITS.target, max_drop=100, min_rate=1e12, max_luts=None)
    assert not any(p.fits for p in search(tmp_path, files, limits=fast).points(reference))


def test_a_folder_has_one_search_and_one_process(files: Files, tmp_path: Path) -> None:
    search(tmp_path, files)
    with pytest.raises(InputError, match=r"study\.json: seed is 1, expected 2"):
        search(tmp_path, files, seed=2)
    with (
        owned(tmp_path),
        pytest.raises(InputError, match="another process explores here"),
        owned(tmp_path),
    ):
        pass


@pytest.mark.frameworks
def test_networks_are_trained_once(tmp_path: Path) -> None:
    source = Trained(TASKS["digits"], None, tmp_path, {"epochs": 1})
    made = Exploration(tmp_path, source, LIMITS, seed=1, where={})
    reference = made.prepare()
    assert 0 < reference < 1
    assert source.default is not None
    default = source.path(source.default)
    before = default.stat().st_mtime_ns
    made.prepare()
    assert default.stat().st_mtime_ns == before
    made.run(1, reference, quiet)
    (point,) = made.points(reference) or (None,)
    if point:
        shape = point.choice.shape
        assert shape is not None
        assert source.path(shape).exists()
        assert len(source.network(shape).body) == shape[2]
