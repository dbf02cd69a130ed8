"""Evaluation of a point without tools: exact but for area, energy and clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.changes import changes
from golden.errors import InputError
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl import cycles, verilog
from hdl.plan import Plan
from litelstm.energy.model import FIGURES, Energy, product_bits
from litelstm.explore import area
from litelstm.explore.space import Choice
from litelstm.fpga.targets import TARGETS

ACTIVITY = 0.35
"""Share of the bits of registers and memories' outputs that change in a cycle: 0.34 to 0.42 in the
cells of ``litelstm compare --energy``."""

BATCH = 1000

TIMED = 8
"""Samples whose cycles are counted in a delta core, where they differ."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Samples that judge a point: inputs (samples, steps, inputs), and right answers."""

    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """A point to evaluate or to measure; it travels to a worker by content."""

    choice: Choice
    network: QuantizedNetwork
    target: str
    samples: Samples


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Properties of a point before synthesis.

    Attributes:
        accuracy: share of right answers of the integers.
        cycles: clock cycles of an inference in a series, exact; of a delta core the mean of the
            first ``TIMED`` samples.
        used: amount of each resource, by the area model.
        nj: energy of an inference, by counts that are estimated.
        refused: why there is no such core; the others are then 0.
    """

    accuracy: float = 0.0
    cycles: int = 0
    used: dict[str, int]
    nj: float = 0.0
    refused: str = ""


def evaluate(request: Request) -> Estimate:
    """Evaluate a point."""
    target, samples = TARGETS[request.target], request.samples
    try:
        network = request.choice.with_thresholds(request.network)
        plan = request.choice.plan(network, target)
        core = verilog.generated(plan)
    except InputError as error:
        return Estimate(used={}, refused=str(error))
    found = area.estimate(core.verilog, area.multipliers(plan), target)
    taken = cycles_of(plan, samples.x)
    return Estimate(
        accuracy=float(np.mean(answers(network, samples.x) == samples.y)),
        cycles=taken,
        used=dict(found.used),
        nj=_energy(found, plan, samples.x[:TIMED], taken).nj,
    )


def cycles_of(plan: Plan, x: NDArray[Any]) -> int:
    """Count the clock cycles of an inference in a series of samples."""
    steps = x.shape[1]
    if not plan.options.delta or len(x) == 1:
        return cycles.cycles_per_sequence(plan, steps)
    words = plan.network.quantize_input(x[:TIMED])
    controls = cycles.controls_of([steps] * len(words))
    ends = cycles.count_inputs(plan, words.reshape(-1, words.shape[2]), controls).outputs
    ends = ends.reshape(len(words), -1)[:, -1]
    return round((ends[-1] - ends[0]) / (len(ends) - 1))


def answers(network: QuantizedNetwork, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class that the integers choose for each sample."""
    model = IntegerModel(network)
    parts = [
        model.forward(network.quantize_input(x[n : n + BATCH])) for n in range(0, len(x), BATCH)
    ]
    return np.concatenate(parts).argmax(axis=1)


def _energy(found: area.Area, plan: Plan, x: NDArray[Any], taken: int) -> Energy:
    counts = dict.fromkeys(FIGURES, 0.0)
    counts["toggles"] = ACTIVITY * (found.registers + found.read_bits) * taken
    counts["reads"] = found.read_bits * taken
    sent = changes(plan.network, plan.network.quantize_input(x)) if plan.options.delta else None
    counts["products"] = product_bits(plan.network, len(x) * x.shape[1], len(x), sent) / len(x)
    return Energy(parts={"core": counts}, cycles=taken)
