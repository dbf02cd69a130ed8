"""Proof of imported ONNX files: runs them on random sequences, in chunks where state is carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import packages
from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.assemble import Assembled
from litelstm.importers.axes import BINS
from litelstm.importers.proof import LOOSE, TOLERANCE, compare

CHUNKS = 3
"""Runs of a file that carries its state."""

INPUT = ("batch", "steps", "features")
"""Order of the axes of samples."""

ORDER = ("batch", "steps", "directions", "features")
"""Order of the network's axes in its results."""

Run = Callable[[Sequence[str], Mapping[str, Any]], Sequence[Any]]


class NotRunError(InputError):
    """A file or module that cannot be run."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a file is run.

    Attributes:
        model: the file.
        made: the network.
        input, axes, dtype: name, axes and element type of the file's input.
        outputs: name and axes of its results.
        states: for each state that it takes, the output that gives it back, and its shape.
        batch, steps: sizes of the input.
        lengths: steps of each sequence, where they differ.
        loose: whether the file rounds values that the network does not.
    """

    model: Any
    made: Assembled
    input: str
    axes: tuple[str, ...]
    dtype: Any
    outputs: tuple[tuple[str, tuple[str, ...]], ...]
    states: Mapping[str, tuple[str, list[int]]]
    batch: int
    steps: int
    lengths: Sequence[int] | None
    loose: bool


def runtime() -> Any:
    """Return the module onnxruntime, or ``None`` where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    return onnxruntime


def prove(plan: Plan, run: Run | None = None) -> float:
    """Compare a network with its file.

    Args:
        plan: how to run the file.
        run: runs it, given names of outputs and inputs by name; by default onnxruntime, or ONNX's
            reference evaluator.

    Returns:
        The largest difference of results, relative to the largest one.

    Raises:
        NotRunError: the file cannot be run.
        InputError: the results differ.
    """
    run = run or _runner(plan.model)
    return compare(
        plan.made,
        lambda x: _outputs(plan, run, x),
        batch=plan.batch,
        steps=plan.steps * (CHUNKS if plan.states else 1),
        lengths=plan.lengths,
        tolerance=LOOSE if plan.loose else TOLERANCE,
    )


def _runner(model: Any) -> Run:
    """Make the function that runs a file: by onnxruntime, or by ONNX's reference evaluator."""
    onnxruntime = runtime()
    try:
        if onnxruntime is None:
            evaluator = packages.load("onnx.reference", extra="import").ReferenceEvaluator(model)
            return lambda names, feeds: evaluator.run(list(names), dict(feeds))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        # Fused operators would round values that those of the file do not round.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return lambda names, feeds: session.run(list(names), dict(feeds))
    except Exception as error:
        raise NotRunError(f"cannot be run: {_line(error)}") from None


def _outputs(plan: Plan, run: Run, samples: Floats) -> list[NDArray[Any]]:
    """Run a file on samples (batch, steps, inputs); return its results in that order of axes."""
    names = [*(name for name, _ in plan.outputs), *(output for output, _ in plan.states.values())]
    state = {name: np.zeros(shape, plan.dtype) for name, (_, shape) in plan.states.items()}
    chunks = []
    for x in np.split(samples.astype(plan.dtype), samples.shape[1] // plan.steps, axis=1):
        own = INPUT
        if len(plan.axes) > len(INPUT):  # a spectrogram of one feature
            bins = next(axis for axis in plan.axes if axis not in INPUT)
            own, x = ("batch", "steps", bins, "features"), x[..., np.newaxis]
        if "features" not in plan.axes:  # an index
            own, x = ("batch", "steps"), x[..., 0]
        order = [own.index(axis) for axis in plan.axes]
        x = x.transpose(order) if "batch" in plan.axes else x[0]
        try:
            found = run(names, {plan.input: x, **state})
        except Exception as error:
            raise NotRunError(f"cannot be run: {_line(error)}") from None
        results, states = found[: len(plan.outputs)], found[len(plan.outputs) :]
        state = dict(zip(plan.states, states, strict=True))
        chunks.append(
            [_ordered(v, axes) for v, (_, axes) in zip(results, plan.outputs, strict=True)]
        )
    if not plan.made.every_step:
        return chunks[-1]
    return [
        np.concatenate([part.reshape(plan.batch, -1, part.shape[-1]) for part in parts], axis=1)
        for parts in zip(*chunks, strict=True)
    ]


def _ordered(values: Any, axes: tuple[str, ...]) -> NDArray[Any]:
    """Bring a result's axes into the order of ``ORDER``, with the words of a result last."""
    values = np.asarray(values)
    if values.ndim != len(axes):
        return values
    places = [axes.index(name) for name in ORDER if name in axes]
    bins = [n for n, name in enumerate(axes) if name.startswith(BINS)]
    places = [n for n in range(len(axes)) if n not in (*places, *bins)] + places + bins
    values = values.transpose(places)
    words = [axes[n] in ("directions", "features") or n in bins for n in places]
    return values.reshape(*values.shape[: len(places) - sum(words)], -1)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
