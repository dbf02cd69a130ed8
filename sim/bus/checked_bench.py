"""Bench of a core in a soak: checks and counts every play and access."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.bus.accesses import REGISTERS
from sim.bus.bench import ACCESS, BusBench, Played, Traffic
from sim.tools.errors import SimulationError


class DifferentError(Exception):
    """A core differs from the golden model."""


class CheckedBench:
    """A core's bench under random traffic.

    Args:
        bench: the core's bench.
        name: the core's name.
        seed: seed of the traffic; part of every message.

    Attributes:
        episode: number of the current episode.
        operations: number of accesses and beats played.
    """

    def __init__(self, bench: BusBench, name: str, seed: int) -> None:
        self._bench = bench
        self._name, self._seed = name, seed
        self.episode = 0
        self.operations = 0

    def reset(self) -> None:
        """Reset the core by its pin."""
        self._bench.reset()

    def noise(self, cycles: int) -> None:
        """Put random values on every input."""
        self._bench.noise(self._seed * 2**32 + self.episode, cycles)

    def check(self, what: str, got: Any, expected: Any) -> None:
        """Raise a DifferentError unless a value equals the expected one; ``what`` names it."""
        if got != expected:
            raise DifferentError(
                f"{self._name}, seed {self._seed}, episode {self.episode}: {what} is {got}, "
                f"expected {expected}"
            )

    def play(self, traffic: Traffic) -> Played:
        """Play traffic, and count its operations.

        Raises:
            DifferentError: the core hangs, or breaks its streams' rules.
        """
        try:
            played = self._bench.play(traffic)
        except SimulationError as error:
            where = f"{self._name}, seed {self._seed}, episode {self.episode}"
            raise DifferentError(f"{where}: {error}") from error
        self.operations += played.operations
        return played

    def set(self, **words: int) -> None:
        """Write registers by name."""
        writes = np.zeros(len(words), ACCESS)
        writes["address"] = [REGISTERS[name].address for name in words]
        writes["data"], writes["strobe"] = list(words.values()), 15
        self.play(Traffic(writes=writes, quiet=2))
        self.check("response", writes["response"].tolist(), [0] * len(words))

    def get(self, *names: str, settle: int = 40) -> dict[str, int]:
        """Read registers by name, the first one after ``settle`` cycles."""
        reads = np.zeros(len(names), ACCESS)
        reads["address"] = [REGISTERS[name].address for name in names]
        reads["delay"][0] = settle  # a counter is up to date one round later
        self.play(Traffic(reads=reads, quiet=2, pause=0.1))
        self.check("response", reads["response"].tolist(), [0] * len(names))
        return dict(zip(names, reads["answer"].tolist(), strict=True))

    def clean(self) -> None:
        """Clear all errors and interrupts."""
        self.set(ERRORS=0xFFFFFFFF, IRQ_STATUS=0xFFFFFFFF)
