"""Every kind of file, written by its framework here and now, against the framework's results."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.importers.files import import_network
from tests.importers import keras_files, onnx_files, torch_files
from tests.importers.cases import Case, check

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
    check(imported.network, case, x, y)
    assert any("left out" in note for note in imported.notes) == (case.end is not None)
