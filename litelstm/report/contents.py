"""Contents of a report, computed before the page is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from golden.losses import TensorLoss, losses
from golden.network import Network
from golden.quantized import Integers, QuantizedNetwork
from hdl import cycles, verilog
from hdl.cycles.spans import Timeline, timeline
from hdl.export.description import describe
from hdl.plan import Plan
from litelstm import samples
from litelstm.batches import BATCH, results
from litelstm.energy.model import Energy
from litelstm.energy.samples import of_samples
from litelstm.samples import Samples

if TYPE_CHECKING:
    from sim.samples import SampleRun

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows progress, like :func:`litelstm.console.progress`."""

COUNTED = 10
"""Most samples whose switching activity is counted."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Input of a report.

    Attributes:
        path, plan: the quantized network's file and its core.
        floats: the float network, if known.
        source, data: name of the samples, and the samples, if there are any.
        checked: command that runs these samples through the RTL.
        steps: length of the sequences that count as inferences.
        chosen: the core's options as they are typed, for the commands that the report shows.
    """

    path: Path
    plan: Plan
    floats: Network | None
    source: str
    data: Samples | None
    checked: str
    steps: int
    chosen: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything that a page shows.

    Attributes:
        request: the report's input.
        description: the core's JSON description.
        steady: cycles of a step.
        sequence: cycles of a sequence, in a series of such.
        schedule: two steps.
        accuracy: share of right answers by source, if there are labels.
        agreement: share of samples on which float network and integers decide alike, if known.
        confusion: number of samples by (label, answer), if there are labels.
        tensors: error of each tensor, the worst first, if the float network is known.
        run: samples through the RTL, if any ran.
        measured: report of ``litelstm synth``, if there is a target.
        energy: energy of an inference, if samples ran through the RTL.
    """

    request: Request
    description: dict[str, Any]
    steady: cycles.SteadyState
    sequence: int
    schedule: Timeline
    accuracy: dict[str, float] | None
    agreement: float | None
    confusion: NDArray[np.int64] | None
    tensors: tuple[TensorLoss, ...]
    run: SampleRun | None
    measured: dict[str, Any] | None
    energy: Energy | None


def gather(
    request: Request,
    progress: Progress,
    *,
    answers: Mapping[str, NDArray[Any]] | None = None,
    run: SampleRun | None = None,
    measured: dict[str, Any] | None = None,
    energy: Energy | None = None,
) -> Contents:
    """Collect what the page shows.

    Args:
        request: the network, its core and the samples.
        progress: shows progress.
        answers: results of the samples, see :func:`answers_of`.
        run: samples that ran through the RTL.
        measured: report of ``litelstm synth``.
        energy: energy of an inference.
    """
    plan, data = request.plan, request.data
    answers = answers or {}
    tensors: tuple[TensorLoss, ...] = ()
    if data is not None and request.floats:
        with progress("float network", None):
            tensors = _tensors(request.floats, plan.network, data.x)
    decides = plan.network.classes and plan.network.outputs > 1
    labels = data.y if data is not None and decides else None
    return Contents(
        request=request,
        description=describe(plan, name="litelstm_core"),
        steady=cycles.steady_state(plan),
        sequence=cycles.cycles_per_sequence(plan, request.steps),
        schedule=timeline(plan),
        accuracy=samples.accuracies(answers, labels, classes=False) if answers else None,
        agreement=_agreement(answers) if decides else None,
        confusion=None if labels is None else _confusion(answers["golden"], labels),
        tensors=tensors,
        run=run,
        measured=measured,
        energy=energy,
    )


def answers_of(request: Request, progress: Progress) -> dict[str, NDArray[Any]]:
    """Compute the samples' results by source: ``float``, if that network is known, and ``golden``.

    They are real numbers and raw words, (samples, words), of each sequence's last step.
    """
    answers: dict[str, NDArray[Any]] = {}
    if request.data is None:
        return answers
    if request.floats:
        with progress("float network", None):
            answers["float"] = results(request.floats, request.data.x)
    with progress("golden model", len(request.data.x)) as tell:
        answers["golden"] = results(request.plan.network, request.data.x, tell)
    return answers


def _tensors(
    floats: Network, network: QuantizedNetwork, x: NDArray[np.float64]
) -> tuple[TensorLoss, ...]:
    """Measure each tensor's error on the first samples; return the worst first."""
    few = x[:BATCH]
    found = losses(floats, network, few, floats.run(few))
    return tuple(sorted(found, key=lambda one: one.sqnr_db))


def through_rtl(plan: Plan, x: NDArray[np.float64], progress: Progress) -> SampleRun:
    """Run samples through the RTL in the compiled bench."""
    from sim.samples import run_compiled

    plan.check_steps(x.shape[1])
    integers = plan.network.quantize_input(x)
    expected = samples.expected(plan, integers)
    with progress("generate", None):
        core = verilog.generated(plan)
    with progress("RTL, compiled bench", len(x)) as tell:
        return run_compiled(core, list(integers), expected, jobs=1, progress=tell)


def energy_of(plan: Plan, x: NDArray[np.float64], progress: Progress) -> Energy:
    """Compute the energy of an inference from the activity of the first samples in the RTL."""
    with progress("RTL, switching activity", None):
        return of_samples(plan, x[:COUNTED])


def _agreement(answers: Mapping[str, NDArray[Any]]) -> float | None:
    if "float" not in answers:
        return None
    float_class, golden_class = (answers[name].argmax(axis=1) for name in ("float", "golden"))
    return float(np.mean(float_class == golden_class))


def _confusion(words: Integers, labels: NDArray[Any]) -> NDArray[np.int64]:
    """Count the samples by label and answer."""
    classes = max(words.shape[1], int(labels.max()) + 1)
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (labels.astype(np.int64), words.argmax(axis=1)), 1)
    return table
