"""The search: Optuna asks for points, workers evaluate them, a journal in the folder keeps all."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from filelock import FileLock, Timeout
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from golden import files
from golden.errors import InputError
from litelstm.explore.evaluate import Estimate, Request, evaluate
from litelstm.explore.limits import Limits
from litelstm.explore.source import Source, rounded, train
from litelstm.explore.space import Choice, Shape, Space
from litelstm.fpga.families import LUT, MULTIPLIER, RAM
from sim.jobs import work_through

USUAL = 0
"""Number of the point that a search begins with."""

ROUND = 8
"""Points that are asked for together. The search does not depend on the number of workers."""

RANDOM = 24
"""Points that are drawn at random before the sampler learns from them."""

CLOCK = 0.8
"""Clock of a core that is not routed, as a share of the one that the router aims at."""

OBJECTIVES: dict[str, Literal["minimize", "maximize"]] = {
    "accuracy": "maximize",
    "rate": "maximize",
    "luts": "minimize",
    "multipliers": "minimize",
    "rams": "minimize",
    "nj": "minimize",
}
"""Objectives of the search. ``rate`` is in inferences per second."""

Tell = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point that was evaluated.

    Attributes:
        number: of the trial.
        choice: what was chosen.
        values: by the names of ``OBJECTIVES``.
        used: amount of each resource.
        cycles: of an inference.
        fits: whether it keeps all limits.
    """

    number: int
    choice: Choice
    values: dict[str, float]
    used: dict[str, int]
    cycles: int
    fits: bool


class Exploration:
    """A search in a folder; one process at a time.

    Args:
        folder: for the journal and the trained networks.
        source: where networks come from.
        limits: what cores must keep.
        storage: see :class:`litelstm.explore.space.Space`.
        seed: decides the points.
        where: ``jobs`` and ``scheduler``, see :func:`sim.jobs.work_through`.

    Raises:
        InputError: the folder is of another search.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        limits: Limits,
        *,
        storage: str | None = None,
        seed: int,
        where: Mapping[str, Any],
    ) -> None:
        self.folder, self.source, self.limits = files.make_folder(folder), source, limits
        self._space = Space(target=limits.target, shaped=source.shaped, storage=storage)
        self._seed, self._where = seed, where
        identity = {"target": limits.target.name, "storage": storage, "seed": seed}
        self._check_identity({**source.identity, **identity})
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        journal = JournalFileBackend(str(folder / "journal.log"))
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(journal),
            study_name="explore",
            directions=list(OBJECTIVES.values()),
            load_if_exists=True,
        )

    def _check_identity(self, identity: dict[str, Any]) -> None:
        path = self.folder / "study.json"
        if not path.exists():
            files.replace(path, files.content(json.dumps(identity, indent=1) + "\n"))
            return
        found = json.loads(path.read_text(encoding="utf-8"))
        for name, value in identity.items():
            if found.get(name) != value:
                raise InputError(f"{path}: {name} is {found.get(name)}, expected {value}")

    @property
    def finished(self) -> int:
        """Number of points that were evaluated or refused."""
        return len(self._ended())

    def _ended(self) -> list[FrozenTrial]:
        return [trial for trial in self._study.trials if "estimate" in trial.user_attrs]

    def prepare(self) -> float:
        """Train the network that others are compared with; return its accuracy in floats."""
        if shape := self.source.default:
            self._train([shape])
        return self.source.reference(self.source.samples)

    def run(self, trials: int, reference: float, tell: Tell) -> None:
        """Evaluate points until there are so many; one that was interrupted is begun anew."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
        waiting = self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if not self.finished and not waiting:
            self._study.enqueue_trial(self._space.usual(self.source.default).parameters)
        while (done := self.finished) < trials:
            self._round(min(ROUND, trials - done), done, reference)
            tell(self.finished)

    def _round(self, count: int, done: int, reference: float) -> None:
        """Ask for points, evaluate them, and tell them in the order in which they were asked."""
        self._study.sampler = self._sampler(done)
        asked = [self._study.ask() for _ in range(count)]
        choices = [self._space.draw(trial) for trial in asked]
        self._train([choice.shape for choice in choices if choice.shape])
        for rounding, network in work_through(
            rounded, self.source.not_rounded(choices), **self._where
        ):
            network.save(rounding.path)
        requests = [
            Request(
                choice=choice,
                network=self.source.integers(choice),
                target=self.limits.target.name,
                samples=self.source.samples,
            )
            for choice in choices
        ]
        found = dict(work_through(evaluate, requests, **self._where))
        for trial, choice, request in zip(asked, choices, requests, strict=True):
            self._tell(trial, choice, found[request], reference)

    def _sampler(self, done: int) -> optuna.samplers.BaseSampler:
        """Make the sampler of a round: it depends on the seed and on what was told before."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                seed=(self._seed * 1_000_003 + done) % 2**32,
                n_startup_trials=RANDOM,
                constant_liar=True,
            )

    def _train(self, shapes: list[Shape]) -> None:
        trainings = self.source.missing(shapes)
        for training, network in work_through(train, trainings, **self._where):
            self.source.keep(training, network)

    def _tell(self, trial: Any, choice: Choice, estimate: Estimate, reference: float) -> None:
        trial.set_user_attr("choice", choice.parameters)
        if estimate.refused:
            trial.set_user_attr("estimate", asdict(estimate))
            self._study.tell(trial, state=TrialState.FAIL)
            return
        values = values_of(estimate, self.limits.target.mhz * CLOCK)
        for name, over in self.limits.excess(values, estimate.used, reference).items():
            trial.set_constraint(name, over)
        trial.set_user_attr("estimate", asdict(estimate))
        self._study.tell(trial, list(values.values()))

    def points(self, reference: float) -> list[Point]:
        """List what was evaluated and not refused, judged by the limits of this run."""
        found = []
        for trial in self._ended():
            estimate = Estimate(**trial.user_attrs["estimate"])
            if estimate.refused:
                continue
            values = values_of(estimate, self.limits.target.mhz * CLOCK)
            excess = self.limits.excess(values, estimate.used, reference)
            found.append(
                Point(
                    number=trial.number,
                    choice=Choice.of(trial.user_attrs["choice"]),
                    values=values,
                    used=estimate.used,
                    cycles=estimate.cycles,
                    fits=max(excess.values()) <= 0,
                )
            )
        return found


def values_of(estimate: Estimate, mhz: float) -> dict[str, float]:
    """Return the objectives of an estimate at a clock."""
    return {
        "accuracy": estimate.accuracy,
        "rate": mhz * 1e6 / estimate.cycles,
        "luts": estimate.used[LUT],
        "multipliers": estimate.used[MULTIPLIER],
        "rams": estimate.used[RAM],
        "nj": estimate.nj,
    }


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Own a study's folder while the block runs.

    Raises:
        InputError: another process does.
    """
    lock = FileLock(files.make_folder(folder) / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{folder}: another process explores here") from None
    try:
        yield
    finally:
        lock.release()
