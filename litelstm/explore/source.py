"""Where the networks of a search come from: a file, or training as the search goes on."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import files
from golden.cells import SIGMOIDS
from golden.errors import InputError
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from litelstm import samples
from litelstm.data.dataset import CALIBRATION, Dataset, hold_out, spread
from litelstm.explore.evaluate import BATCH, Samples
from litelstm.explore.space import Choice, Shape
from litelstm.tasks import Task

JUDGING = 2000
"""Most samples that judge a point during the search."""


class Source(ABC):
    """Networks of a search.

    A network is quantized once for each choice of widths, and kept in the study's folder.

    Attributes:
        folder: where networks are kept.
        calibration: inputs that show the quantizer the ranges, (samples, steps, inputs).
        shaped: whether the search also chooses the network's shape.
        default: network that stands for what accuracy can be had.
        samples: samples that judge points during the search.
        test: samples that judge the points that are measured.
        identity: facts that decide the networks, as JSON values.
    """

    folder: Path
    calibration: NDArray[Any]
    shaped: bool
    default: Shape | None
    samples: Samples
    test: Samples
    identity: dict[str, Any]

    @abstractmethod
    def missing(self, shapes: Iterable[Shape]) -> list[Training]:
        """List the trainings that some shapes still need."""

    @abstractmethod
    def keep(self, training: Training, made: Network) -> None:
        """Keep a trained network."""

    @abstractmethod
    def network(self, shape: Shape | None) -> Network:
        """Return a network that is there."""

    def not_rounded(self, choices: Iterable[Choice]) -> list[Rounding]:
        """List the quantizations that some points still need."""
        missing = {path: c for c in choices if not (path := self._integers(c)).exists()}
        return [
            Rounding(
                network=self.network(choice.shape),
                settings=choice.settings,
                calibration=self.calibration,
                path=path,
            )
            for path, choice in missing.items()
        ]

    def integers(self, choice: Choice) -> QuantizedNetwork:
        """Return a point's quantized network, without thresholds."""
        for rounding in self.not_rounded([choice]):  # somebody has deleted the file
            rounded(rounding).save(rounding.path)
        return QuantizedNetwork.load(self._integers(choice))

    def _integers(self, choice: Choice) -> Path:
        """Return the file of a quantized network: its name has all that decides it."""
        shape = "".join(f"{part}-" for part in choice.shape or ())
        widths = choice.weight_width, choice.activation_width, choice.state_width
        return files.make_folder(self.folder) / "{}w{}a{}c{}.q.npz".format(shape, *widths)

    def reference(self, samples: Samples) -> float:
        """Return the accuracy of the default network in floats."""
        return float(np.mean(decisions(self.network(self.default), samples.x) == samples.y))


@dataclass(frozen=True, kw_only=True)
class Training:
    """A network to train; it travels to a worker by content.

    Attributes:
        shape: what to train.
        data: training samples.
        recipe: fields of :class:`litelstm.torch.training.Recipe`.
        task: names the sizes that the shape leaves open.
    """

    shape: Shape
    data: Dataset
    recipe: dict[str, Any]
    task: Task


def train(training: Training) -> Network:
    """Train a network."""
    from litelstm.torch.trainers import float_trainer
    from litelstm.torch.training import Recipe, one_thread

    one_thread()
    cell, units, layers, sigmoid = training.shape
    trainer = float_trainer(
        training.task,
        training.data,
        Recipe(**training.recipe),
        cell=cell,
        units=units,
        layers=layers,
        sigmoid=sigmoid,
    )
    for _ in trainer.run():
        pass
    return trainer.model.export()  # pyright: ignore[reportCallIssue]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rounding:
    """A network to quantize; it travels to a worker by content.

    Attributes:
        network: the floats.
        settings: widths.
        calibration: see :class:`Source`.
        path: the file that will have the integers.
    """

    network: Network
    settings: Settings
    calibration: NDArray[Any]
    path: Path


def rounded(rounding: Rounding) -> QuantizedNetwork:
    """Quantize a network."""
    return quantize(rounding.network, rounding.calibration, rounding.settings)[0]


class Given(Source):
    """One float network, from a file.

    Samples without labels are judged by the float network's own decisions. A file with a part for
    training and one for tests calibrates on the first and judges on the second; of any other,
    every other sample does either.
    """

    shaped = False
    default = None

    def __init__(self, path: Path, data: Path, folder: Path) -> None:
        self._network, self.folder = Network.load(path), folder
        network = self._network
        if network.outputs < 2:
            raise InputError(f"{path}: has a single output, expected logits of classes")
        test = samples.load(data, network=network, count=None)
        training = samples.load(data, network=network, count=None, split="train")
        x, y, calibration = test.x, test.y, training.x
        if len(x) == len(calibration) and np.array_equal(x, calibration):
            x, y, calibration = x[1::2], None if y is None else y[1::2], x[::2]
        if not len(x):
            raise InputError(f"{data}: has {len(test.x)} samples, expected 2 or more")
        self.calibration = calibration[spread(len(calibration), min(CALIBRATION, len(calibration)))]
        answers = decisions(network, x) if y is None else y
        few = slice(JUDGING)
        self.samples = Samples(x=x[few], y=answers[few])
        self.test = Samples(x=x, y=answers)
        self.identity = {
            "network": _digest(path.read_bytes()),
            "samples": _digest(data.read_bytes()),
        }

    def missing(self, shapes: Iterable[Shape]) -> list[Training]:
        return []

    def keep(self, training: Training, made: Network) -> None:
        raise AssertionError("nothing is trained")

    def network(self, shape: Shape | None) -> Network:
        return self._network


class Trained(Source):
    """Networks of a task, trained when a point first needs them and kept in the study's folder.

    The samples that training holds out to choose its epoch judge points during the search; the test
    samples judge only those that are measured.
    """

    shaped = True

    def __init__(self, task: Task, data: Path | None, folder: Path, recipe: dict[str, Any]) -> None:
        from litelstm.torch.training import Recipe

        self._task, self.folder = task, folder
        self._recipe = {**task.recipe, **recipe}
        self._data = dataset = task.load(data)
        settings = Recipe(**self._recipe)
        _, held = hold_out(dataset.y_train, settings.validation, settings.seed)
        held = held[:JUDGING]
        self.default = ("litelstm", task.units, task.layers, next(iter(SIGMOIDS)))
        self.calibration = dataset.calibration
        self.samples = Samples(x=dataset.x_train[held], y=dataset.y_train[held])
        self.test = Samples(x=dataset.x_test, y=dataset.y_test)
        self.identity = {
            "task": task.name,
            "recipe": dict(self._recipe),
            "samples": _digest(dataset.x_train.tobytes() + dataset.y_train.tobytes()),
        }

    def missing(self, shapes: Iterable[Shape]) -> list[Training]:
        return [
            Training(shape=shape, data=self._data, recipe=self._recipe, task=self._task)
            for shape in dict.fromkeys(shapes)
            if not self.path(shape).exists()
        ]

    def keep(self, training: Training, made: Network) -> None:
        files.make_folder(self.folder)
        made.save(self.path(training.shape))

    def path(self, shape: Shape) -> Path:
        """Return the file of a network."""
        cell, units, layers, sigmoid = shape
        return self.folder / f"{cell}-{layers}x{units}-{sigmoid}.npz"

    def network(self, shape: Shape | None) -> Network:
        assert shape is not None
        return Network.load(self.path(shape))


def decisions(network: Network, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class that the float network chooses for each sample."""
    run: Callable[[NDArray[Any]], NDArray[Any]] = network.forward
    parts = [run(x[n : n + BATCH]) for n in range(0, len(x), BATCH)]
    return np.concatenate(parts).argmax(axis=1)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
