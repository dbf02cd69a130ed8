"""Job of a core: steps, expected words and cycles, and its file for a simulator's process.

A cocotb test runs in the simulator's process. It finds the job through the environment variable
``LITELSTM_JOB`` and writes the result to the file that ``LITELSTM_RESULT`` names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.interface import Control
from golden.sessions import Service
from golden.store import load_arrays
from hdl.timing.latency import ACTIVATE
from sim.run import Run, Source, Terms
from sim.streams import Record, of_steps

if TYPE_CHECKING:
    from hdl.plan import Plan

JOB = "LITELSTM_JOB"
RESULT = "LITELSTM_RESULT"
PROGRESS = "LITELSTM_PROGRESS"


@dataclass(frozen=True, kw_only=True)
class CoreJob:
    """Steps for a core, its expected answers, and the cycle of each transfer.

    Attributes:
        inputs: raw input words of all steps, (steps, inputs).
        controls: fields of each step, (steps, 5), in the order of
            :class:`golden.interface.Control`.
        expected: raw output words, (results, words).
        ends: whether each result is its sequence's last.
        streams: stream of each result.
        loads, saves: raw state words into and from the core, (times, words).
        weights: the image to load first; empty if the Verilog holds the weights.
        accepted: cycle of each input beat without stalls, 0 for the first.
        taken, loaded, saved: cycle of each output and state word without stalls.
        start: number of the first sequence, if this job is a share of a larger one.
    """

    inputs: NDArray[np.int64]
    controls: NDArray[np.int64]
    expected: NDArray[np.int64]
    ends: NDArray[np.int64]
    streams: NDArray[np.int64]
    loads: NDArray[np.int64]
    saves: NDArray[np.int64]
    weights: NDArray[np.uint32]
    accepted: NDArray[np.int64]
    taken: NDArray[np.int64]
    loaded: NDArray[np.int64]
    saved: NDArray[np.int64]
    start: int = 0

    @classmethod
    def make(
        cls,
        plan: Plan,
        sequences: Sequence[NDArray[Any]],
        expected: Sequence[NDArray[Any]] | NDArray[Any],
        *,
        start: int = 0,
    ) -> CoreJob:
        """Make a job of whole sequences, with the cycles of the plan.

        Sequences run side by side, one per stream of the core, and take turns step by step. One
        that is longer than the core can buffer is cut.

        Args:
            plan: the core's plan.
            sequences: raw input words, each (steps, inputs), of any lengths.
            expected: the golden model's words for each, (words,), or (steps, words) if the core
                answers every step; of a sequence that is cut, those of the steps that fit.
            start: number of the first sequence.
        """
        places = list(_in_turns([len(s) for s in sequences], plan.options.interface.streams))
        ends = [step == len(sequences[sequence]) - 1 for sequence, step in places]
        every_step, most = plan.options.interface.every_step, plan.options.max_steps
        first = plan.network.first
        kept = [min(len(sequence), most or len(sequence)) for sequence in sequences]
        given = [
            (sequence, step)
            for sequence, step in places
            if step == kept[sequence] - 1 or (every_step and first <= step < kept[sequence])
        ]
        answers = [
            np.atleast_2d(expected[sequence])[step - first if every_step else 0]
            for sequence, step in given
        ]
        streams = [sequence % plan.options.interface.streams for sequence, _ in places]
        service = Service(
            words=np.array(answers, dtype=np.int64),
            streams=np.array([sequence % plan.options.interface.streams for sequence, _ in given]),
            last=np.array([int(step == kept[sequence] - 1) for sequence, step in given]),
            saved=np.zeros((0, 0), np.int64),
        )
        controls = [
            Control(last=end, stream=stream) for end, stream in zip(ends, streams, strict=True)
        ]
        x = np.array([sequences[sequence][step] for sequence, step in places])
        return cls.of_steps(plan, x, controls, service.saved, service, start=start)

    @classmethod
    def of_steps(
        cls,
        plan: Plan,
        x: NDArray[Any],
        controls: Sequence[Control],
        loads: NDArray[Any],
        service: Service,
        *,
        start: int = 0,
    ) -> CoreJob:
        """Make a job of steps (steps, inputs) and golden answers, with the cycles of the plan."""
        # Simulators' processes only read jobs; Amaranth's import would double their start-up time.
        from hdl import cycles
        from hdl.layout.weight_image import image

        timing = cycles.count_inputs(plan, x, controls)
        return cls(
            inputs=x.astype(np.int64),
            controls=np.array([astuple(control) for control in controls], dtype=np.int64),
            expected=service.words,
            ends=service.last,
            streams=service.streams,
            loads=loads,
            saves=service.saved,
            weights=image(plan),
            accepted=timing.inputs,
            taken=timing.outputs,
            loaded=timing.loaded,
            saved=timing.saved,
            start=start,
        )

    @property
    def count(self) -> int:
        """Number of sequences."""
        return int(self.ends.sum())

    @property
    def steps_after_first_result(self) -> int:
        """Number of steps after the end of the first sequence."""
        return len(self.controls) - 1 - int(self.controls[:, 0].argmax())

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of steps of each sequence; only for a job on one stream."""
        return np.diff(np.flatnonzero(self.controls[:, 0]), prepend=-1)

    @property
    def sequences(self) -> list[NDArray[np.int64]]:
        """Inputs by sequence, each (steps, inputs)."""
        return np.split(self.inputs, np.cumsum(self.lengths)[:-1])

    def request(self, *, weights: ArrayLike | None = None, **terms: Unpack[Terms]) -> Run:
        """Make the job's run for either bench; ``weights``: another image, or none."""
        controls = [
            Control(
                last=bool(last), stream=stream, keep=bool(keep), load=bool(load), save=bool(save)
            )
            for last, stream, keep, load, save in self.controls.tolist()
        ]
        beats = self.inputs.reshape(-1)
        sources = {
            "i": Source(beats, of_steps(controls, self.inputs.shape[1])),
            "i_state": Source(self.loads.reshape(-1)),
            "i_weights": Source(self.weights if weights is None else weights),
        }
        sinks = {"o": self.expected.size, "o_state": self.saves.size}
        return Run(sources=sources, sinks=sinks, **terms)

    def first(self, count: int) -> CoreJob:
        """Select the first ``count`` sequences (at most all) of a job that :meth:`make` made."""
        steps = int(self.lengths[:count].sum())
        expected = self.expected[:count]
        return replace(
            self,
            inputs=self.inputs[:steps],
            controls=self.controls[:steps],
            expected=expected,
            ends=self.ends[:count],
            streams=self.streams[:count],
            accepted=self.accepted[: steps * self.inputs.shape[1]],
            taken=self.taken[: expected.size],
        )

    def save(self, path: Path) -> None:
        """Write the job to an ``.npz`` file."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> CoreJob:
        """Read a job that :meth:`save` wrote."""
        arrays = load_arrays(path)
        start = int(arrays.pop("start"))
        return cls(**arrays, start=start)

    @classmethod
    def of_environment(cls) -> CoreJob:
        """Read the job of this simulator process."""
        return cls.load(os.environ[JOB])

    def wrong_cycle(self, run: Record) -> str | None:
        """Describe the first transfer in a wrong cycle of an unstalled run; None if all match."""
        start = int(run.accepted[0])
        if wrong := _wrong_load(run):
            return wrong
        for what, stream, wanted in (
            ("input beat", "i", self.accepted),
            ("output word", "o", self.taken),
            ("state word in", "i_state", self.loaded),
            ("state word out", "o_state", self.saved),
        ):
            # A wrong word may have stopped the bench before the end.
            cycle = run[stream].cycles.astype(np.int64) - start
            differ = np.flatnonzero(cycle != wanted[: len(cycle)])
            if differ.size:
                at = int(differ[0])
                since = f", counted from sequence {self.start}" if self.start else ""
                return f"{what} {at} moved in cycle {cycle[at]}, expected {wanted[at]}{since}"
        return None


def _wrong_load(run: Record) -> str | None:
    """Describe the first late word of weights, or late input after them; None if there is none."""
    written = run["i_weights"].cycles
    into = np.append(written, run.accepted[0]).astype(np.int64)
    expected = np.ones(into.size - 1, np.int64)
    expected[-1:] = ACTIVATE
    late = np.flatnonzero(np.diff(into) != expected)
    if not late.size:
        return None
    at = int(late[0])
    what = f"word {at + 1} of weights" if at + 1 < written.size else "the first input beat"
    return (
        f"{what} moved {into[at + 1] - into[at]} cycles after the word before it, "
        f"expected {expected[at]}"
    )


def _in_turns(lengths: Sequence[int], streams: int) -> Iterator[tuple[int, int]]:
    """Yield (sequence, step) of each step; ``streams`` sequences take turns."""
    for first in range(0, len(lengths), streams):
        group = range(first, min(first + streams, len(lengths)))
        for step in range(max(lengths[sequence] for sequence in group)):
            yield from ((sequence, step) for sequence in group if step < lengths[sequence])
