"""Every kind of file, written by its framework here and now, against the framework's results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden.importers.files import import_network
from tests.importers import keras_files, onnx_files, torch_files
from tests.importers.cases import Case, check
from tests.importers.make_files import make
from tests.importers.shipped import FILES, shipped

CASES = {
    f"{maker} {name}": case
    for maker, cases in (
        ("torch", torch_files.ONNX),
        ("torch", torch_files.STATES),
        ("keras", keras_files.FILES),
        ("keras to onnx", keras_files.ONNX),
        ("onnx", onnx_files.OPERATORS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_results(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"net{case.suffix}"
    x, y = case.write(path)
    description = tmp_path / "net.json"
    imported = import_network(path, description=description if description.exists() else None)
    check(imported.network, cells=case.cells, end=case.end, x=x, y=y)
    assert any("left out" in note for note in imported.notes) == (case.end is not None)


def test_kept_files_are_what_the_script_makes(tmp_path: Path) -> None:
    make(tmp_path)
    for name in FILES:
        kept, made = shipped(name), shipped(name, tmp_path)
        assert (kept.cells, kept.end) == (made.cells, made.end)
        assert np.array_equal(kept.x, made.x)
        assert np.abs(kept.y - made.y).max() < 1e-6  # another order of sums at most
        networks = [
            import_network(one.path, description=one.description).network for one in (kept, made)
        ]
        for a, b in zip(*(network.layers for network in networks), strict=True):
            assert all(np.array_equal(a.weights[k], b.weights[k]) for k in a.weights)
