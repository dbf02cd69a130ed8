"""Results of imports: notes for the user, and the comparison with the file's own framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden.cells import Floats
from golden.errors import InputError
from golden.network import Network
from litelstm.importers.assemble import ENDS, Assembled

TOLERANCE = 1e-4
"""Largest difference of float32 results from the float reference, relative to the largest."""

LOOSE = 0.1
"""That difference where a file rounds values while it runs, to 8 bits or to 16-bit floats."""

Runner = Callable[[Floats], Sequence[Any]]
"""Function from samples (batch, steps, inputs) to the outputs of a file or module."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Result of an import.

    Attributes:
        network: the network.
        notes: one line per assumption or part of the file that is left out (a softmax at the end).
        every_step: whether the file gives every step's result; otherwise the last one's.
        state: ``keep`` if the file carries the state from run to run, otherwise ``clear``.
        order: for each output of the file, the place of its vector in the network's results.
        run: computes the file's outputs for samples, see
            :meth:`litelstm.importers.assemble.Assembled.run`; ``None`` without a file or module.
        check: runs the file in its framework, on random samples, and returns the largest difference
            of results, relative to the largest result; ``None`` where nothing can run it.
    """

    network: Network
    notes: tuple[str, ...] = ()
    every_step: bool = False
    state: str = "clear"
    order: tuple[int, ...] = (0,)
    run: Callable[..., list[Floats]] | None = field(default=None, repr=False)
    check: Callable[[], float] | None = field(default=None, repr=False)


def imported(
    assembled: Assembled,
    names: Sequence[str],
    notes: Sequence[str],
    *,
    check: Callable[[], float] | None = None,
) -> Imported:
    """Make the result of an import; ``names`` are those of the file's outputs."""
    return Imported(
        network=assembled.network,
        notes=(*notes, *_notes(assembled, names)),
        every_step=assembled.every_step,
        state="keep" if assembled.carried else "clear",
        order=assembled.order,
        run=assembled.run,
        check=check,
    )


def _notes(made: Assembled, names: Sequence[str]) -> Iterator[str]:
    """Yield notes on results and state."""
    for name, end in zip(names, made.ends, strict=True):
        if end:
            place = "at the end" if len(names) == 1 else f"at the end of {name}"
            yield f"{ENDS[end]} {place} is left out: the output is its argument"
    network = made.network
    if network.indexed:
        last = network.sizes[0] - 1
        yield f"x is an index from 0 to {last} that selects a column: a number for each step"
    if network.fold > 1:
        less = "" if network.flush else ": samples at the end that fill none are left out"
        yield (
            f"a step of the network is {network.fold} samples, one behind the other: "
            f"{network.inputs} numbers; use sequences of whole steps{less}"
        )
    if network.flush:
        zeros = "one step of zeros follows" if network.flush == 1 else f"{network.flush} steps of"
        zeros += "" if network.flush == 1 else " zeros follow"
        yield f"{zeros} each sequence, before its end"
    backward = [layer.direction for layer in network.layers if layer.direction != "forward"]
    if network.repeats or backward:
        why = "reads a final value in every step" if network.repeats else f"is {backward[0]}"
        yield (
            f"a layer {why}: generate the core with --max-steps N, the steps of the longest "
            "sequence"
        )
    if made.phases > 1:
        yield f"layers in front compute {made.phases} steps at once, each with its own weights"
    for name, sums in zip(names, made.sums, strict=True):
        if sums:
            start = network.first
            less = f" less {start}" if start else ""
            yield f"{name} is a sum over the steps: divide by their number{less} for the mean"
    if made.every_step:
        yield "the file gives every step's result: generate the core with --every-step"
    if made.carried:
        yield (
            "the state goes on from run to run: generate the core with --state keep, or with "
            "--state load to set it"
        )
    if len(names) > 1:
        words = []
        for place, vector in enumerate(made.network.results or ()):
            same = [n for n, own in zip(names, made.order, strict=True) if own == place]
            words.append(f"{' and '.join(same)} ({made.network.sizes[vector]} words)")
        yield f"a result has the outputs {', '.join(words)}, in this order"
    if made.every_step and made.last:
        yield f"of {', '.join(made.last)} the file gives the last step's result alone"


def steps_note(steps: int, *, fixed: bool = False) -> str:
    """Write the note on a file with a fixed sequence length; ``fixed`` if others are wrong."""
    if fixed:
        return f"the file's sequences have {steps} steps, and the network is right for these alone"
    return f"the file's sequences have {steps} steps; assumed that the network takes any number"


def probe(network: Network, batch: int, steps: int) -> Floats:
    """Make random samples (batch, steps, inputs) for which the first layer's sums are about 2."""
    draw, layer = np.random.default_rng(0), network.layers[0]
    if network.indexed:
        return draw.integers(network.sizes[0], size=(batch, steps, 1)).astype(np.float64)
    on_x = [layer.weights[g.matrix("x")] for g in layer.cell.gates if "x" in g.reads]
    norm = np.sqrt(np.mean([np.sum(matrix**2, axis=1) for matrix in on_x])) * network.input_scale
    values = draw.normal(size=(batch, steps, network.inputs // network.fold))
    return values * (2 / norm if norm > 0 else 1.0)


def compare(
    made: Assembled,
    run: Runner,
    *,
    batch: int,
    steps: int,
    lengths: Sequence[int] | None = None,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare a network with its file or module on random samples.

    Args:
        made: the network.
        run: runs the file; its outputs are (batch, outputs) or (batch, steps, outputs), in any
            order of axes that has the same elements in the same order.
        batch, steps: sizes of the samples.
        lengths: the steps of each sample, where they differ.
        tolerance: the largest difference that is taken.

    Returns:
        The largest difference of results, relative to the largest one.

    Raises:
        InputError: the results differ by more than ``tolerance``, or in shape.
    """
    samples = probe(made.network, batch, steps)
    wanted = made.run(samples, lengths=lengths)
    cells = ", ".join(layer.cell.kind for layer in made.network.layers)
    worst = 0.0
    for want, found in zip(wanted, run(samples), strict=True):
        found = np.asarray(found, dtype=np.float64)
        if found.size != want.size:
            last = want[:, -1] if made.every_step else want
            if found.size != last.size:
                raise InputError(
                    f"has results of shape {found.shape}, but its layers are read as {cells} with "
                    f"results of shape {want.shape}"
                )
            want = last
        difference = np.abs(found.reshape(want.shape) - want).max()
        worst = float(np.maximum(worst, difference / (np.abs(want).max() + 1e-6)))  # keeps NaN
    if not worst <= tolerance:
        why = "; an unrolled loop must start at zero, with all steps alike" if made.unrolled else ""
        raise InputError(
            f"computes something else than its layers, read as {cells}: results differ by "
            f"{worst:.1e}{why}"
        )
    return worst
