"""Points near the front: synthesized, routed, run in the RTL, and judged on the test samples."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from golden import files
from litelstm.energy.samples import of_samples
from litelstm.explore.evaluate import Request, answers, cycles_of
from litelstm.explore.front import order
from litelstm.explore.limits import Limits
from litelstm.explore.source import Source
from litelstm.explore.study import USUAL, Point, Tell
from litelstm.fpga.errors import DoesNotFitError, SynthesisError
from litelstm.fpga.families import LUT, MULTIPLIER, RAM
from litelstm.fpga.targets import TARGETS
from sim.jobs import work_through
from sim.tools.errors import SimulationError

COUNTED = 5
"""Samples whose switching activity is counted."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A point that was synthesized, and routed with one seed.

    Attributes:
        values: objectives; the accuracy is that on the test samples.
        used: amount of each resource.
        mhz: clock, ``None`` where there is no core.
        range_nj: range of the energy.
        problem: why there is no such core, and the others are empty; or the limits that it breaks.
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
    network = request.choice.with_thresholds(request.network)
    plan = request.choice.plan(network, target)
    try:
        found = flow.measure(
            network,
            Flow(target=target),
            options=plan.options,
            seeds=1,
            steps=samples.x.shape[1],
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
    assert found.clock is not None
    mhz = found.clock.median
    used = found.netlist.used
    return Measured(
        values={
            "accuracy": float(np.mean(answers(network, samples.x) == samples.y)),
            "rate": mhz * 1e6 / cycles_of(plan, samples.x),
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
        limits: what cores must keep.
        where: see :func:`sim.jobs.work_through`.
    """

    def __init__(
        self, folder: Path, source: Source, limits: Limits, where: Mapping[str, Any]
    ) -> None:
        self._folder = files.make_folder(folder / "measured")
        self._source, self._limits, self._where = source, limits, where
        self._reference = source.reference(source.test)

    def run(self, points: Sequence[Point], count: int, tell: Tell) -> dict[int, Measured]:
        """Measure points in their order until so many have no problem; return them by number.

        The usual core comes first and does not count. Those that were measured before are not
        measured again.
        """
        found: dict[int, Measured] = {}
        left = [points[place] for place in order([point.values for point in points])]
        left.sort(key=lambda point: point.number != USUAL)
        count += bool(count and left and left[0].number == USUAL)
        while left and (missing := count - _good(found)) > 0:
            now, left = left[:missing], left[missing:]
            kept = {p.number: made for p in now if (made := self._load(p.number))}
            requests = {self._request(p): p.number for p in now if p.number not in kept}
            found |= {number: self._judged(made) for number, made in kept.items()}
            for request, made in work_through(measure, list(requests), **self._where):
                number = requests[request]
                found[number] = self._judged(made)
                text = json.dumps(asdict(made), indent=1) + "\n"
                files.replace(self._path(number), files.content(text))
                tell(_good(found))
            tell(_good(found))
        return found

    def _judged(self, made: Measured) -> Measured:
        """Judge a measured core by the limits of this run."""
        if made.problem:
            return made
        return replace(made, problem=self._limits.broken(made.values, self._reference))

    def _request(self, point: Point) -> Request:
        return Request(
            choice=point.choice,
            network=self._source.integers(point.choice),
            target=self._limits.target.name,
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
