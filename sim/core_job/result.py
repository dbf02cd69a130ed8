"""Result of a core's job: words, differences, and cycles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golden.store import load_arrays
from sim.core_job.job import CoreJob
from sim.core_job.scoreboard import Scoreboard
from sim.streams import Record


@dataclass(frozen=True, kw_only=True)
class CoreResult:
    """Result of a job.

    Attributes:
        words: raw output words, (results, words).
        compared, mismatched: number of output and state words compared with the golden model, and
            of those that differ.
        first_mismatch: place and values of the first mismatch, or "".
        wrong_cycle: first difference from the cycle count, or "" (always "" with stalls).
        taken: cycle of each output word, counted from the first input beat.
    """

    words: NDArray[np.int32]
    compared: int
    mismatched: int
    first_mismatch: str
    wrong_cycle: str
    taken: NDArray[np.int64]

    @classmethod
    def judge(cls, job: CoreJob, run: Record, *, stalled: bool) -> CoreResult:
        """Compare the record of a bench with the job's expectations."""
        board = Scoreboard(job.expected, last=job.ends, streams=job.streams)
        board.add(run.words, run.last, run.streams)
        first = board.first and replace(board.first, sequence=board.first.sequence + job.start)
        text = str(first or "")
        state = run["o_state"].words
        wrong = np.flatnonzero(state != job.saves.reshape(-1)[: state.size])
        if wrong.size and not text:
            at = int(wrong[0])
            text = f"state word {at}: expected {job.saves.flat[at]}, got {state[at]}"
        return cls(
            words=run.words.reshape(-1, job.expected.shape[1]),
            compared=board.compared + state.size,
            mismatched=board.different + wrong.size,
            first_mismatch=text,
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
