"""Write the files that the tests keep, so that most of them run without the frameworks.

python -m tests.litelstm.importers.make_files [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.litelstm.importers import keras_files, torch_files
from tests.litelstm.importers.shipped import FILES, FOLDER

CASES = {
    "torch_lstm.onnx": torch_files.ONNX["lstm"],
    "torch_litelstm.onnx": torch_files.ONNX["litelstm"],
    "keras_gru.keras": keras_files.FILES["GRU, reset after, hard"],
    "keras_lstm.h5": keras_files.FILES["LSTM, hard"],
    "torch_gru.safetensors": torch_files.STATES["gru.safetensors"],
    "torch_rnn.pt": torch_files.STATES["rnn.pt"],
}

assert tuple(CASES) == FILES


def make(folder: Path) -> None:
    """Write all files and, in ``expected.npz``, what the frameworks compute."""
    expected: dict[str, Any] = {}
    for name, case in CASES.items():
        x, y = case.write(folder / name)
        expected |= {f"{name}.x": x, f"{name}.y": y}
        expected |= {f"{name}.cells": np.array(case.cells), f"{name}.end": str(case.end or "")}
    np.savez(folder / "expected.npz", **expected)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
