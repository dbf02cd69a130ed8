"""Points near the front: synthesized, routed, run in the RTL, and judged on the test samples."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden import files
from golden.network import Network
from litelstm.energy.samples import of_samples
from litelstm.explore.evaluate import Samples, answers, quantized
from litelstm.explore.front import order
from litelstm.explore.source import Source, shape_of
from litelstm.explore.space import Choice
from litelstm.explore.study import Point, Tell
from litelstm.fpga.errors import DoesNotFitError, SynthesisError
from litelstm.fpga.families import LUT, MULTIPLIER, RAM
from litelstm.fpga.targets import TARGETS
from sim.errors import SimulationError
from sim.jobs import work_through

COUNTED = 5
"""Samples whose switching activity is counted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """A point to measure; it travels to a worker by content."""

    choice: Choice
    network: Network
    target: str
    samples: Samples


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A point that was synthesized and, if the part is routed, routed with one seed.

    Attributes:
        values: objectives; the accuracy is that on the test samples.
        used: amount of each resource.
        mhz: clock, ``None`` if the part is not routed.
        range_nj: range of the energy.
        problem: why there is no such core; the others are then empty.
    """

    values: dict[str, float]
    used: dict[str, int]
    mhz: float | None
    range_nj: tuple[float, float]
    problem: str = ""


def measure(request: Request) -> Measured:
    """Measure a point."""
    from litelstm.fpga import measure as flow
    from litelstm.fpga.flow import Flow

    target, samples = TARGETS[request.target], request.samples
    network = quantized(request.network, request.choice, samples.calibration)
    plan = request.choice.plan(network, target)
    steps = samples.x.shape[1]
    try:
        found = flow.measure(
            network,
            Flow(target=target),
            options=plan.options,
            seeds=1,
            steps=steps,
            bare_array=False,
            bitstream=False,
            progress=_silent,
        )
    except (DoesNotFitError, SynthesisError) as error:
        return _none(str(error).splitlines()[0])
    try:
        energy = of_samples(plan, samples.x[:COUNTED])
    except SimulationError as error:
        return _none(str(error).splitlines()[0])
    mhz = found.clock.median if found.clock else None
    used = found.netlist.used
    return Measured(
        values={
            "accuracy": float(np.mean(answers(network, samples.x) == samples.y)),
            "rate": (mhz or 0) * 1e6 / found.cycles_per_sequence,
            "luts": used.get(LUT, 0),
            "multipliers": used.get(MULTIPLIER, 0),
            "rams": used.get(RAM, 0),
            "nj": energy.nj,
        },
        used=used,
        mhz=mhz,
        range_nj=energy.range,
    )


def _none(problem: str) -> Measured:
    return Measured(values={}, used={}, mhz=None, range_nj=(0.0, 0.0), problem=problem)


@contextmanager
def _silent(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


class Finalists:
    """Measured points of a study, kept in its folder.

    Args:
        folder: the study's.
        source: where networks come from.
        target: name of the part.
        where: see :func:`sim.jobs.work_through`.
    """

    def __init__(self, folder: Path, source: Source, target: str, where: Mapping[str, Any]) -> None:
        self._folder = files.make_folder(folder / "measured")
        self._source, self._target, self._where = source, target, where

    def run(self, points: Sequence[Point], count: int, tell: Tell) -> dict[int, Measured]:
        """Measure points in their order until so many have no problem; return them by number.

        Those that were measured before are not measured again.
        """
        found: dict[int, Measured] = {}
        left = [points[place] for place in order([point.values for point in points])]
        while left and (missing := count - _good(found)) > 0:
            now, left = left[:missing], left[missing:]
            found |= {p.number: made for p in now if (made := self._load(p.number))}
            todo = [point for point in now if point.number not in found]
            requests = {self._request(point): point.number for point in todo}
            for request, made in work_through(measure, list(requests), **self._where):
                number = requests[request]
                found[number] = made
                text = json.dumps(asdict(made), indent=1) + "\n"
                files.replace(self._path(number), files.content(text))
                tell(_good(found))
            tell(_good(found))
        return found

    def _request(self, point: Point) -> Request:
        return Request(
            choice=point.choice,
            network=self._source.network(shape_of(point.choice)),
            target=self._target,
            samples=self._source.test,
        )

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.json"

    def _load(self, number: int) -> Measured | None:
        path = self._path(number)
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        return Measured(**{**found, "range_nj": tuple(found["range_nj"])})


def _good(found: Mapping[int, Measured]) -> int:
    return sum(not measured.problem for measured in found.values())
