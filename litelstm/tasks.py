"""Tasks of ``litelstm train`` and of the paper's tables: data, network and recipe of each.

Validation accuracy decided the recipes; the loss of its integers decided the intrusion task's
limits of weights and c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.packages import load
from litelstm.data import arrays, idx, speech, tables
from litelstm.data.dataset import Array, Dataset, split_test


@dataclass(frozen=True, kw_only=True)
class Task:
    """One classification task.

    Attributes:
        name: name on the command line.
        title: name in reports.
        classes: names of the classes, by number, in the project's own arrays.
        files: description of the public files, for messages.
        steps, inputs: shape of a sample in the project's own arrays.
        span: smallest and largest input in these arrays.
        units, layers: sizes of the network.
        recipe: fields of :class:`litelstm.torch.training.Recipe` that differ from its defaults.
        input_scale: factor from stored inputs to those that a network is trained on.
        read: function that reads the public files, a file or a folder; ``None`` if there are none.
        file_classes: classes in those files, if they differ.
        shipped: function that loads a package's samples, for calls without ``--data``.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    files: str
    steps: int
    inputs: int
    span: tuple[float, float]
    units: int
    layers: int = 1
    recipe: Mapping[str, Any] = field(default_factory=dict)
    input_scale: float = 1.0
    read: Callable[[Path], dict[str, Array]] | None = None
    file_classes: tuple[str, ...] | None = None
    shipped: Callable[[], dict[str, Array]] | None = None

    def load(self, path: Path | None) -> Dataset:
        """Load the task's samples.

        Args:
            path: an ``.npz`` of the project, or the public files; ``None`` for the samples of a
                package.

        Raises:
            InputError: the file is not as expected, or ``path`` is ``None`` but the task needs one.
        """
        if path is None:
            if self.shipped is None:
                raise InputError(f"task {self.name} needs --data: an .npz, or {self.files}")
            return self._dataset(self.shipped(), self.classes)
        if path.suffix == ".npz":
            return arrays.load(path, self.classes, input_scale=self.input_scale)
        if not path.exists():
            raise InputError(f"{path}: does not exist")
        if self.read is None:
            raise InputError(
                f"{path}: is not an .npz file, the only kind that task {self.name} has"
            )
        return self._dataset(self.read(path), self.file_classes or self.classes)

    def random(self, count: int, seed: int) -> Array:
        """Make up inputs (count, steps, inputs) within ``span``; they have no labels."""
        rng = np.random.default_rng(seed)
        return rng.uniform(*self.span, size=(count, self.steps, self.inputs)).astype(np.float32)

    def _dataset(self, parts: dict[str, Array], classes: tuple[str, ...]) -> Dataset:
        """Make a data set with only the classes that occur, numbered from 0."""
        present = np.unique(np.concatenate([parts["y_train"], parts["y_test"]]))
        for name in ("y_train", "y_test"):
            parts[name] = np.searchsorted(present, parts[name])
        names = tuple(classes[n] for n in present)
        return Dataset(**parts, classes=names, input_scale=self.input_scale)


def _folder(read: Callable[[Path], dict[str, Array]], expected: str) -> Any:
    """Make a reader that refuses a path that is no folder."""

    def checked(path: Path) -> dict[str, Array]:
        if not path.is_dir():
            raise InputError(f"{path}: is not a folder, expected {expected}")
        return read(path)

    return checked


def _small_digits() -> dict[str, Array]:
    """Load scikit-learn's 1,797 digits: 8 rows of 8 pixels, 0 to 16."""
    digits = load("sklearn.datasets", extra="train").load_digits()
    return split_test(digits.images, digits.target.astype(np.int64))


DIGITS = tuple("0123456789")

_TASKS = (
    Task(
        name="mnist",
        title="MNIST digits, row by row",
        classes=DIGITS,
        files="a folder of MNIST's four idx files",
        steps=28,
        inputs=28,
        span=(0, 255),
        units=64,
        layers=2,
        recipe={"epochs": 20, "augment": "images", "weight_limit": 127 / 128},
        input_scale=1 / 255,
        read=_folder(idx.load, "one with MNIST's four idx files"),
    ),
    Task(
        name="iot",
        title="IoT intrusion, two classes",
        classes=("normal", "attack"),
        files="a CSV of flows (IoTID20, IEEE IoT)",
        steps=7,
        inputs=4,
        span=(0, 1),
        units=16,
        recipe={"epochs": 30, "batch": 64, "lr": 5e-3},
        read=tables.load_flows,
    ),
    Task(
        name="intrusion",
        title="NSL-KDD, five classes",
        classes=tables.KDD_CLASSES,
        files="a folder with KDDTrain+.txt and KDDTest+.txt (NSL-KDD)",
        steps=8,
        inputs=15,
        span=(0, 1),
        units=32,
        recipe={
            "epochs": 10,
            "lr": 3e-3,
            "weight_limit": 127 / 128,
            "c_limit": 4.0,
            "c_penalty": 0.1,
        },
        read=_folder(tables.load_nsl_kdd, "one with KDDTrain+.txt and KDDTest+.txt"),
    ),
    Task(
        name="speech",
        title="Spoken digits",
        classes=speech.DIGITS,
        files="a folder of FSDD's wav files",
        steps=40,
        inputs=13,
        span=(-1, 1),
        units=32,
        recipe={
            "epochs": 40,
            "patience": 40,
            "batch": 64,
            "lr": 4e-3,
            "weight_decay": 0.2,
            "label_smoothing": 0.1,
            "augment": "spectra",
            "weight_limit": 127 / 128,
        },
        read=_folder(speech.load_digits, "one with FSDD's wav files"),
    ),
    Task(
        name="emotion",
        title="Emotions of speech, seven classes",
        classes=("anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral"),
        files="a folder of wav files of TESS or the Berlin database",
        steps=96,
        inputs=20,
        span=(-1, 1),
        units=32,
        recipe={
            "epochs": 60,
            "patience": 60,
            "batch": 32,
            "lr": 5e-3,
            "weight_decay": 0.5,
            "label_smoothing": 0.1,
            "weight_limit": 127 / 128,
        },
        read=_folder(speech.load_emotions, "one with wav files of TESS or the Berlin database"),
        file_classes=speech.EMOTIONS,
    ),
    Task(
        name="digits",
        title="Digits of 8 x 8 pixels, row by row",
        classes=DIGITS,
        files="nothing: scikit-learn ships them",
        steps=8,
        inputs=8,
        span=(0, 16),
        units=24,
        recipe={
            "epochs": 60,
            "patience": 60,
            "batch": 32,
            "lr": 5e-3,
            "weight_decay": 0.2,
            "label_smoothing": 0.1,
            "weight_limit": 127 / 128,
        },
        input_scale=1 / 16,
        shipped=_small_digits,
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _TASKS}
"""Tasks by name."""
