"""What a simulation of a core is to do, as a file: the job goes in, the result comes out.

A cocotb test runs in the simulator's process. It finds the job through the environment variable
``LITELSTM_JOB`` and leaves the result in the file that ``LITELSTM_RESULT`` names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.store import load_arrays
from hdl import cycles
from hdl.plan import Plan
from sim.scoreboard import Scoreboard
from sim.streams import StreamRun

JOB = "LITELSTM_JOB"
RESULT = "LITELSTM_RESULT"
PROGRESS = "LITELSTM_PROGRESS"


@dataclass(frozen=True, kw_only=True)
class CoreJob:
    """Sequences for a core, and what it must answer, and when.

    Attributes:
        inputs: raw input words of all steps of all sequences, (steps, inputs).
        lengths: steps of each sequence.
        expected: raw output words, (sequences, outputs).
        accepted: cycle in which each input beat is taken if nothing stalls, 0 for the first.
        taken: cycle in which each output word is given if nothing stalls.
        start: number of the first sequence, if these are a share of more.
    """

    inputs: NDArray[np.int64]
    lengths: NDArray[np.int64]
    expected: NDArray[np.int64]
    accepted: NDArray[np.int64]
    taken: NDArray[np.int64]
    start: int = 0

    @classmethod
    def make(
        cls,
        plan: Plan,
        sequences: Sequence[NDArray[Any]],
        expected: NDArray[np.int64],
        *,
        start: int = 0,
    ) -> CoreJob:
        """A job of sequences (steps, inputs) of any lengths, with the cycles of the plan."""
        lengths = [len(sequence) for sequence in sequences]
        timing = cycles.count(plan, lengths)
        return cls(
            inputs=np.concatenate(sequences).astype(np.int64),
            lengths=np.array(lengths),
            expected=np.asarray(expected),
            accepted=timing.inputs,
            taken=timing.outputs,
            start=start,
        )

    @property
    def sequences(self) -> list[NDArray[np.int64]]:
        """Inputs by sequence, each (steps, inputs)."""
        return np.split(self.inputs, np.cumsum(self.lengths)[:-1])

    def first(self, count: int) -> CoreJob:
        """The job's first ``count`` sequences, or all if there are fewer."""
        lengths = self.lengths[:count]
        steps = int(lengths.sum())
        expected = self.expected[:count]
        return CoreJob(
            inputs=self.inputs[:steps],
            lengths=lengths,
            expected=expected,
            accepted=self.accepted[: steps * self.inputs.shape[1]],
            taken=self.taken[: expected.size],
            start=self.start,
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
        """The job that this simulator process was started for."""
        return cls.load(os.environ[JOB])

    def wrong_cycle(self, run: StreamRun) -> str | None:
        """Where a run without stalls left the cycle count; None if it kept to it exactly."""
        start = int(run.accepted[0])
        for what, got, wanted in (
            ("input beat", run.accepted, self.accepted),
            ("output word", run.taken, self.taken),
        ):
            # The bench may have been stopped by a wrong word before the end.
            cycle = got.astype(np.int64) - start
            differ = np.flatnonzero(cycle != wanted[: len(cycle)])
            if differ.size:
                at = int(differ[0])
                since = f", counted from sequence {self.start}" if self.start else ""
                return f"{what} {at} moved in cycle {cycle[at]}, expected {wanted[at]}{since}"
        return None


@dataclass(frozen=True, kw_only=True)
class CoreResult:
    """What came out of a job.

    Attributes:
        words: raw output words, (sequences, outputs).
        compared, mismatched: output words compared with the golden model, and how many differed.
        first_mismatch: where the first one is, or "".
        wrong_cycle: where the run left the cycle count, or "" (also if it had stalls).
        taken: cycle of each output word, counted from the first input beat.
    """

    words: NDArray[np.int32]
    compared: int
    mismatched: int
    first_mismatch: str
    wrong_cycle: str
    taken: NDArray[np.int64]

    @classmethod
    def judge(cls, job: CoreJob, run: StreamRun, *, stalled: bool) -> CoreResult:
        """Compare what a bench saw with what the job expects."""
        board = Scoreboard(job.expected)
        board.add(run.words, run.last)
        first = board.first and replace(board.first, sequence=board.first.sequence + job.start)
        return cls(
            words=run.words.reshape(-1, job.expected.shape[1]),
            compared=board.compared,
            mismatched=board.different,
            first_mismatch=str(first or ""),
            wrong_cycle="" if stalled else job.wrong_cycle(run) or "",
            taken=run.taken.astype(np.int64) - int(run.accepted[0]),
        )

    def save(self, path: str | Path) -> None:
        """Write the result to an ``.npz`` file."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> CoreResult:
        """Read a result that :meth:`save` wrote."""
        arrays = load_arrays(path)
        return cls(
            words=arrays["words"],
            compared=int(arrays["compared"]),
            mismatched=int(arrays["mismatched"]),
            first_mismatch=str(arrays["first_mismatch"]),
            wrong_cycle=str(arrays["wrong_cycle"]),
            taken=arrays["taken"],
        )
