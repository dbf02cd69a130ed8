"""The stand-in core `echo_core.v`: its text for given parameters, and its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.compiled.adapter import Design
from sim.patterns import IDLE_PATTERNS, READY_PATTERNS
from sim.run import Reset
from sim.streams import Record

TOP = "echo_core"
_SOURCE = Path(__file__).with_name("echo_core.v")
_MASK = 0xFFFF_FFFF


class Fault(IntEnum):
    """Faults, chosen by the core's first beat. The first three strike a word that waits."""

    NONE = 0
    DROPS_VALID = 1
    CHANGES_DATA = 2
    CHANGES_LAST = 3
    DEAF = 4  # takes nothing after two sequences
    WRONG_WORD = 5  # word 1 of the second sequence
    EXTRA_WORD = 6  # after the second sequence's
    STALE_STATE = 7  # rst does not clear the sum
    FINISHES = 8  # $finish in the second sequence
    UNKNOWN_WORD = 9
    UNKNOWN_VALID = 10
    UNKNOWN_READY = 11  # after two sequences
    EARLY_DATA = 12  # looks at data one cycle before valid


@dataclass(frozen=True, kw_only=True)
class Echo:
    """Parameters of the core, named as in the Verilog (which has them in capitals)."""

    x: int = 8
    y: int = 16
    beats: int = 4
    busy: int = 20
    words: int = 3
    combinational: int = 0

    def verilog(self) -> str:
        """The module's text with these parameters as its defaults."""
        text = _SOURCE.read_text(encoding="utf-8")
        for name, value in asdict(self).items():
            text, count = re.subn(rf"(parameter {name.upper()} =) \d+", rf"\g<1> {value}", text)
            assert count == 1, name
        return text

    def design(self) -> Design:
        """The module for the compiled bench."""
        ports = {"i_data": self.x, "i_last": 1, "o_data": self.y, "o_last": 1}
        return Design(top=TOP, verilog=self.verilog(), ports=ports)

    def sequences(
        self, count: int, *, seed: int = 1, steps: int = 3, fault: Fault = Fault.NONE
    ) -> NDArray[np.int32]:
        """Random sequences, (count, steps, beats), that reach both ends of the input's range."""
        bound = 1 << (self.x - 1)
        rng = np.random.default_rng(seed)
        values = rng.integers(-bound, bound, (count, steps, self.beats), dtype=np.int64)
        values[0, 0, 0], values[-1, -1, -1] = fault or -bound, bound - 1
        return values.astype(np.int32)

    def answer(self, sequence: NDArray[np.int32]) -> list[int]:
        """Return a faultless core's answer to one sequence: `words` raw values."""
        total = 0
        for beat in sequence.reshape(-1).tolist():
            total = (total * 31 + beat + 1) & _MASK
        raw = [(total * 0x9E3779B1 + word * 0x3C6EF35F) & _MASK for word in range(self.words)]
        return [((value ^ 0x8000_0000) - 0x8000_0000) >> (32 - self.y) for value in raw]

    def answers(self, sequences: NDArray[np.int32]) -> NDArray[np.int32]:
        """`answer` to each of them, (count, words)."""
        return np.array([self.answer(sequence) for sequence in sequences], np.int32)


ECHO = Echo()
SIMULATED = ECHO.sequences(6)
SEED = 5
CROSSINGS = [(idle, ready) for idle in IDLE_PATTERNS for ready in READY_PATTERNS]
RESETS = [
    *(Reset(cycle=cycle, hold=1 + cycle % 3) for cycle in (0, 1, 2, 5, 17, 40, 75, 76, 77, 100)),
    Reset(cycle=200, beat=24, word=6),
]


def pack(runs: Mapping[str, Record]) -> dict[str, list[int]]:
    """Cycles of several runs, as JSON can hold them."""
    return {
        name: [*run.accepted.tolist(), *run.taken.tolist(), int(run.cycles)]
        for name, run in runs.items()
    }
