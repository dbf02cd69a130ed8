"""Noise on the lines of two cores, and that what follows is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from golden.link.access import Status
from sim.bus import lines
from sim.bus.checked_bench import DifferentError
from sim.bus.lines import LINES, LineBench, LineCore, line_library, noise

pytestmark = pytest.mark.simulator

NAMES = [core.name for core in LINES]


@pytest.fixture(scope="module")
def library() -> Path:
    return line_library({core.name: core.verilog() for core in LINES}, optimize=False)


@pytest.mark.parametrize("which", range(len(LINES)), ids=NAMES)
def test_sequences_are_right_after_noise(library: Path, which: int) -> None:
    done = noise(library, which, 8_000, 1, 2)
    assert done["noise"] == 2
    assert done["operations"] > 40


@pytest.mark.parametrize("which", range(len(LINES)), ids=NAMES)
def test_noise_without_a_reset_is_seen(
    library: Path, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame that begins amid noise is damaged."""
    monkeypatch.setattr(LineBench, "reset", lambda _: None)
    with pytest.raises(DifferentError, match=rf"{NAMES[which]}, seed 1, piece \d"):
        noise(library, which, 8_000, 1, 8)


@pytest.mark.parametrize("which", range(len(LINES)), ids=NAMES)
def test_a_wrong_word_is_seen(library: Path, which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model has other weights."""
    core = LINES[which]
    layers = tuple(
        replace(layer, weights={name: ~w for name, w in layer.weights.items()})
        for layer in core.network.layers
    )
    other = LineCore(name=core.name, bit=core.bit)
    other.__dict__["network"] = replace(core.network, layers=layers)
    monkeypatch.setattr(lines, "LINES", tuple(other if c is core else c for c in LINES))
    with pytest.raises(DifferentError, match=r"piece 0: word \d of Y is \d+ with status 0"):
        noise(library, which, 100, 1, 1)


@pytest.mark.parametrize("which", range(len(LINES)), ids=NAMES)
def test_a_register_that_does_not_exist_is_refused(
    library: Path, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = replace(lines.REGISTERS["ID"], address=0xFC)
    monkeypatch.setitem(lines.REGISTERS, "NONE", none)
    with LineBench(library, which, LINES[which]) as bench:
        assert bench.write("NONE", 1) == Status.REFUSED
        assert bench.read("NONE")[0] == Status.REFUSED
        assert bench.read("ID") == (Status.DONE, 0x4D54534C)
