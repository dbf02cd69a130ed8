"""Progress of a regression in a small JSON file, so that it can go on later."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golden import files
from golden.errors import InputError
from sim.regress.trials import Outcome


@dataclass(kw_only=True)
class State:
    """The finished cases.

    Attributes:
        seed, bench: of the regression; `load` refuses the state of another.
        done: numbers of the finished cases.
        failed: problem of each failed case, by number.
        words, cycles: output words compared, clock cycles simulated.
    """

    seed: int
    bench: str
    done: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    words: int = 0
    cycles: int = 0

    def add(self, outcome: Outcome) -> None:
        """Enter a finished case."""
        self.done.add(outcome.number)
        self.words += outcome.words
        self.cycles += outcome.cycles
        if outcome.problem:
            self.failed[outcome.number] = outcome.problem

    def save(self, path: Path) -> None:
        """Write the file completely or not at all.

        Raises:
            InputError: it cannot be written.
        """
        text = json.dumps({**vars(self), "done": spans(self.done)}, indent=2)
        files.replace(path, files.content(text + "\n"))

    @classmethod
    def load(cls, path: Path, *, seed: int, bench: str) -> State:
        """The state in a file, or a new one if there is no such file.

        Raises:
            InputError: the file is damaged, or another regression's.
        """
        if not path.exists():
            return cls(seed=seed, bench=bench)
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            state = cls(
                seed=int(found["seed"]),
                bench=str(found["bench"]),
                done={n for first, last in found["done"] for n in range(first, last + 1)},
                failed={int(number): str(text) for number, text in found["failed"].items()},
                words=int(found["words"]),
                cycles=int(found["cycles"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: is no state of a regression") from None
        for name, got, wanted in (("seed", state.seed, seed), ("bench", state.bench, bench)):
            if got != wanted:
                raise InputError(f"{path}: is of {name} {got}, not {wanted}")
        return state


def spans(numbers: Iterable[int]) -> list[list[int]]:
    """Return the numbers as (first, last) of runs without a gap."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
