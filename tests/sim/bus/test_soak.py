"""A short soak of cores with AXI buses, and that it sees what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdl.bus.marks import Marks
from sim.bus import episodes
from sim.bus.bench import ACCESS, BusBench, Traffic, bus_library
from sim.bus.checked_bench import DifferentError
from sim.bus.cores import CORES
from sim.bus.episodes import Soak
from sim.bus.soak import PIECES
from sim.bus.soak import soak as run_soak
from sim.tools.errors import SimulationError

pytestmark = pytest.mark.simulator

PLAIN = CORES[0]


@pytest.fixture(scope="module")
def library() -> Path:
    return bus_library({core.name: core.verilog() for core in CORES}, optimize=False)


def play(soak: Soak, episodes: int) -> None:
    for _ in range(episodes):
        soak.episode()


def test_short_soak() -> None:
    total = run_soak(9_000, 1, noise=30_000, optimize=False)
    for core in CORES:
        done = total[core.name]
        assert done["noise"] == PIECES
        assert done["operations"] >= 3_000
        assert done["run"]
        assert done["soft"]
        if core.storage.loadable:
            assert done["weights good"]
            assert done["weights cut"] + done["weights long"] + done["weights bits"]


def test_a_wrong_word_is_seen(library: Path) -> None:
    """The model has the other network."""
    with BusBench(library, 0) as bench:
        soak = Soak(PLAIN, bench, 1)
        soak.follow(1)
        with pytest.raises(DifferentError, match=r"plain, seed 1, episode \d+: y is"):
            play(soak, 20)


def test_a_lost_mark_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Marks.elaborate

    def broken(self: Marks, platform: object) -> object:
        m = right(self, platform)
        m.d.comb += self.first.eq(0)
        return m

    monkeypatch.setattr(Marks, "elaborate", broken)
    wrong = bus_library({PLAIN.name: PLAIN.verilog()}, optimize=False)
    with BusBench(wrong, 0) as bench:
        soak = Soak(PLAIN, bench, 1)
        with pytest.raises(DifferentError, match="y is"):
            play(soak, 40)


def test_a_mark_that_golden_does_not_expect_is_seen(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Golden believes that every state is right; the core marks what begins from others."""
    right = episodes.state_frames

    def believing(*arguments: Any) -> Any:
        beats, taken, counts = right(*arguments)
        return beats, [(state, False) for state, _ in taken], counts

    monkeypatch.setattr(episodes, "state_frames", believing)
    with BusBench(library, 1) as bench:
        soak = Soak(CORES[1], bench, 1)
        with pytest.raises(DifferentError, match="y is"):
            play(soak, 60)


def test_a_core_that_hangs_is_seen(library: Path) -> None:
    """A sequence while none may begin."""
    with BusBench(library, 0) as bench:
        beats = np.zeros(2, np.uint64), np.array([0, 1], np.uint32)
        writes = np.zeros(1, ACCESS)
        with pytest.raises(SimulationError, match=r"the core hangs .*'x': 2"):
            bench.play(Traffic(x=beats, writes=writes, cycles=None))


def test_noise_without_a_reset_is_seen(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with BusBench(library, 0) as bench:
        soak = Soak(PLAIN, bench, 1)
        monkeypatch.setattr(bench, "reset", lambda: None)
        with pytest.raises(DifferentError):
            soak.noise(1_000)
