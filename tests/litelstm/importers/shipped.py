"""The files that ``make_files`` wrote, with what the frameworks computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.litelstm.importers.cases import Floats

FOLDER = Path(__file__).parent / "files"

FILES = (
    "torch_lstm.onnx",
    "torch_litelstm.onnx",
    "keras_gru.keras",
    "keras_lstm.h5",
    "torch_gru.safetensors",
    "torch_rnn.pt",
)


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """One file.

    Attributes:
        path: the file.
        description: the one beside it, or ``None``.
        x, y: samples, and the framework's results.
        cells: as ``cases.cells_of`` gives them.
        end: what the results have behind the network's output.
    """

    path: Path
    description: Path | None
    x: Floats
    y: Floats
    cells: tuple[str, ...]
    end: str | None


def shipped(name: str, folder: Path = FOLDER) -> Shipped:
    """One of ``FILES``."""
    path = folder / name
    description = path.with_suffix(".json")
    with np.load(folder / "expected.npz") as expected:
        return Shipped(
            path=path,
            description=description if description.exists() else None,
            x=expected[f"{name}.x"].astype(np.float64),
            y=expected[f"{name}.y"].astype(np.float64),
            cells=tuple(str(cell) for cell in expected[f"{name}.cells"]),
            end=str(expected[f"{name}.end"]) or None,
        )
