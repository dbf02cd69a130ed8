"""Evaluation of a point without tools: exact but for area, energy and clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
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


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Samples of a search, and their right answers.

    Attributes:
        calibration: inputs that show the quantizer the ranges, (samples, steps, inputs).
        x, y: inputs and answers that judge a point.
    """

    calibration: NDArray[Any]
    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """A point to evaluate; it travels to a worker by content."""

    choice: Choice
    network: Network
    target: str
    samples: Samples


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Properties of a point before synthesis.

    Attributes:
        accuracy: share of right answers of the integers.
        cycles: clock cycles of an inference in a series, exact.
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
        network = quantized(request.network, request.choice, samples.calibration)
        plan = request.choice.plan(network, target)
        core = verilog.generated(plan)
    except InputError as error:
        return Estimate(used={}, refused=str(error))
    found = area.estimate(core.verilog, area.multipliers(plan), target.family)
    steps = samples.x.shape[1]
    taken = cycles.cycles_per_sequence(plan, steps)
    return Estimate(
        accuracy=float(np.mean(answers(network, samples.x) == samples.y)),
        cycles=taken,
        used=dict(found.used),
        nj=_energy(found, plan, steps, taken).nj,
    )


def quantized(network: Network, choice: Choice, calibration: NDArray[Any]) -> QuantizedNetwork:
    """Quantize a network as a point says."""
    return quantize(network, calibration, choice.settings)[0]


def answers(network: QuantizedNetwork, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class that the integers choose for each sample."""
    model = IntegerModel(network)
    parts = [
        model.forward(network.quantize_input(x[n : n + BATCH])) for n in range(0, len(x), BATCH)
    ]
    return np.concatenate(parts).argmax(axis=1)


def _energy(found: area.Area, plan: Plan, steps: int, taken: int) -> Energy:
    counts = dict.fromkeys(FIGURES, 0.0)
    counts["toggles"] = ACTIVITY * (found.registers + found.read_bits) * taken
    counts["reads"] = found.read_bits * taken
    counts["products"] = product_bits(plan.network, steps, 1)
    return Energy(parts={"core": counts}, cycles=taken)
