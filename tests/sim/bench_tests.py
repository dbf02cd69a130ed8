"""Coroutines of `test_bench.py`: the cocotb bench on the stand-in core."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.triggers import Timer

from sim.cocotb_bench.bench import Bench
from sim.core_job.scoreboard import Scoreboard
from sim.patterns import Pattern, Stalls, Trigger
from sim.run import Reset, Run, flatten
from sim.streams import CycleLimitError, ProtocolError, Record
from tests.sim.echo import CROSSINGS, ECHO, RESETS, SEED, SIMULATED, Echo, Fault, pack

SLOW_READY = Stalls(ready=Pattern(probability=1, shortest=5, longest=5, trigger=Trigger.VALID))
OUT = os.environ.get("BENCH_TEST_OUT", "")


async def finish() -> None:
    """Icarus may crash if a test ends right after a write."""
    await Timer(1, "step")


async def violation(bench: Bench, fault: Fault, stalls: Stalls) -> ProtocolError:
    count = 3 if fault is Fault.UNKNOWN_READY else 2
    beats, last = flatten(ECHO.sequences(count, fault=fault))
    with pytest.raises(ProtocolError) as caught:
        await bench.run(Run.of_beats(beats, last, outputs=count * ECHO.words, stalls=stalls))
    return caught.value


@cocotb.test()
async def crossings(dut: Any) -> None:
    """Every crossing of patterns gives the right words; their cycles go to a file."""
    bench = Bench(dut)
    runs: dict[str, Record] = {}
    for idle, ready in CROSSINGS:
        board = Scoreboard(ECHO.answers(SIMULATED))
        stalls = Stalls.named(idle, ready)
        run = await bench.run(
            Run.of_sequences(SIMULATED, words=ECHO.words, stalls=stalls, seed=SEED)
        )
        board.add(run.words, run.last)
        board.check()
        runs[f"{idle}/{ready}"] = run
    Path(OUT).write_text(json.dumps(pack(runs)))
    await finish()


@cocotb.test()
async def resets(dut: Any) -> None:
    """Resets in the middle of runs; their cycles go to a file."""
    bench = Bench(dut)
    beats, last = flatten(SIMULATED)
    runs: dict[str, Record] = {}
    for reset in RESETS:
        run = await bench.run(
            Run.of_beats(
                beats,
                last,
                outputs=last.sum() * ECHO.words,
                stalls=Stalls.named("single", "single"),
                seed=SEED,
                reset=reset,
            )
        )
        assert np.array_equal(run.answers(ECHO.words), ECHO.answers(SIMULATED))
        runs[str(reset)] = run
    Path(OUT).write_text(json.dumps(pack(runs)))
    await bench.run(
        Run.of_beats(
            beats, last, outputs=18, reset=Reset(cycle=30, hold=100), patience=ECHO.busy + 1
        )
    )
    with pytest.raises(ValueError, match="Reset in cycle 9999: the run was over before it"):
        await bench.run(Run.of_beats(beats[:4], last[:4], outputs=0, reset=Reset(cycle=9999)))
    await finish()


@cocotb.test()
async def stale_state(dut: Any) -> None:
    """A reset that leaves state behind is seen in the words."""
    x = ECHO.sequences(2, fault=Fault.STALE_STATE)
    beats, last = flatten(x)
    run = await Bench(dut).run(Run.of_beats(beats, last, outputs=6, reset=Reset(cycle=30)))
    wrong = np.any(run.answers(ECHO.words) != ECHO.answers(x), axis=1)
    assert wrong.tolist() == [True, False]
    await finish()


@cocotb.test()
async def violations(dut: Any) -> None:
    """A word on offer must stay; a surplus word is seen; afterwards the bench still works."""
    bench = Bench(dut)
    step = ECHO.beats + ECHO.busy
    for fault, kind in (
        (Fault.DROPS_VALID, "valid dropped"),
        (Fault.CHANGES_DATA, "payload changed"),
        (Fault.CHANGES_LAST, "payload changed"),
    ):
        error = await violation(bench, fault, SLOW_READY)
        assert (error.kind, error.cycle, error.run.words.size) == (kind, 3 * step + 1, 0)
    for ready in ("none", "long", "when_due"):
        error = await violation(bench, Fault.EXTRA_WORD, Stalls.named("none", ready))
        assert (error.kind, error.run.words.size) == ("surplus word", 6)
    beats, last = flatten(ECHO.sequences(3))
    with pytest.raises(ProtocolError, match="surplus word"):
        await bench.run(Run.of_beats(beats, last, outputs=4))
    run = await bench.run(Run.of_beats(beats, last, outputs=9))
    assert np.array_equal(run.answers(ECHO.words), ECHO.answers(ECHO.sequences(3)))
    await finish()


@cocotb.test()
async def long_reset(dut: Any) -> None:
    """A reset may be held, from the first edge on."""
    bench = Bench(dut)
    await bench.reset(hold=10)
    assert bench.cycle == 0
    beats, last = flatten(SIMULATED)
    run = await bench.run(Run.of_beats(beats, last, outputs=18, fresh=False))
    assert run.accepted[0] == 0
    assert np.array_equal(run.answers(ECHO.words), ECHO.answers(SIMULATED))
    await finish()


@cocotb.test()
async def unknown_bits(dut: Any) -> None:
    """X bits are a violation (Verilator has none)."""
    bench = Bench(dut)
    for fault, kind in (
        (Fault.UNKNOWN_WORD, "unknown payload"),
        (Fault.UNKNOWN_VALID, "unknown valid"),
        (Fault.UNKNOWN_READY, "unknown ready"),
    ):
        error = await violation(bench, fault, Stalls())
        assert error.kind == kind
    await finish()


@cocotb.test()
async def early_data(dut: Any) -> None:
    """A core that looks at data without valid is seen when valid has gaps."""
    x = ECHO.sequences(3, fault=Fault.EARLY_DATA)
    bench = Bench(dut)
    for idle, right in (("none", True), ("between", False)):
        run = await bench.run(
            Run.of_sequences(x, words=ECHO.words, stalls=Stalls.named(idle, "none"))
        )
        same = np.all(run.answers(ECHO.words) == ECHO.answers(x), axis=1)
        assert same.tolist() == [right] * 3
    await finish()


@cocotb.test()
async def deadlock(dut: Any) -> None:
    """Nothing moves: the run ends after as many cycles as asked for, with its record."""
    bench = Bench(dut)
    x = ECHO.sequences(5, fault=Fault.DEAF)
    with pytest.raises(CycleLimitError) as caught:
        await bench.run(Run.of_sequences(x, words=ECHO.words, patience=1000))
    board = Scoreboard(ECHO.answers(x))
    board.add(caught.value.run.words, caught.value.run.last)
    assert str(caught.value) == (
        "no transfer in 1000 cycles, after 24 input beats and 6 output words"
    )
    assert bench.cycle == caught.value.run.taken[-1] + 1001
    assert (board.compared, board.different, board.passed) == (6, 0, False)
    # The longest wait that patience allows, and one cycle less.
    beats, last = flatten(ECHO.sequences(3))
    await bench.run(Run.of_beats(beats, last, outputs=9, patience=ECHO.busy + 1))
    with pytest.raises(CycleLimitError, match="after 4 input beats and 0 output words"):
        await bench.run(Run.of_beats(beats, last, outputs=9, patience=ECHO.busy))
    await finish()


@cocotb.test()
async def wrong_word(dut: Any) -> None:
    """A difference is counted and named."""
    x = ECHO.sequences(4, fault=Fault.WRONG_WORD)
    expected = ECHO.answers(x)
    board = Scoreboard(expected)
    run = await Bench(dut).run(Run.of_sequences(x, words=ECHO.words))
    board.add(run.words, run.last)
    assert (board.compared, board.different) == (12, 1)
    assert str(board.first) == (
        f"sequence 1, word 1: expected {expected[1, 1]}, got {~expected[1, 1]}"
    )
    await finish()


@cocotb.test()
async def continued(dut: Any) -> None:
    """A run may go on in the state that the one before it left."""
    bench = Bench(dut)
    beats, last = flatten(SIMULATED)
    seen: list[tuple[int, int]] = []
    # Words may wait at a run's end, even more than it asked for: they are the next run's.
    late = Stalls(ready=Pattern(probability=1, shortest=500, longest=500, trigger=Trigger.VALID))
    await bench.run(Run.of_beats(beats[:20], last[:20], outputs=0, stalls=late, settle=0))
    run = await bench.run(Run.of_beats(beats[20:], last[20:], outputs=18, fresh=False))
    assert np.array_equal(run.answers(ECHO.words), ECHO.answers(SIMULATED))

    first = await bench.run(Run.of_beats(beats[:20], last[:20], outputs=3, settle=0))
    second = await bench.run(
        Run.of_beats(beats[20:], last[20:], outputs=len(SIMULATED) * 3 - 3, fresh=False),
        progress=lambda *so_far: seen.append(so_far),
    )
    words = np.concatenate([first.words, second.words]).reshape(-1, 3)
    assert np.array_equal(words, ECHO.answers(SIMULATED))
    assert second.accepted[0] > first.accepted[-1]
    assert seen == sorted(seen)
    assert seen[-1] == (15, 15)
    await finish()


class Counted:
    """A trigger that counts how often it was awaited."""

    def __init__(self, trigger: Any) -> None:
        self._trigger = trigger
        self.count = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        self.count += 1
        return self._trigger.__await__()


@cocotb.test()
async def sleeps(dut: Any) -> None:
    """While the core computes no Python runs: clock edges are awaited for transfers only."""
    bench = Bench(dut)
    rising = Counted(bench.clock.rising)
    bench.clock.rising = rising  # type: ignore[assignment]
    for stalls in (Stalls(), Stalls.named("none", "when_due"), Stalls.named("long", "none")):
        rising.count = 0
        run = await bench.run(Run.of_sequences(SIMULATED, words=ECHO.words, stalls=stalls))
        assert rising.count < 2 * (run.accepted.size + run.words.size) + 10
        assert np.array_equal(run.answers(ECHO.words), ECHO.answers(SIMULATED))
    await finish()


@cocotb.test()
async def combinational(dut: Any) -> None:
    """Ready may wait for valid; words of 32 bits keep their sign."""
    echo = Echo(x=32, y=32, beats=1, busy=1, words=1, combinational=1)
    x = echo.sequences(30)
    bench = Bench(dut)
    for stalls in (Stalls(), Stalls.named("single", "single")):
        board = Scoreboard(echo.answers(x))
        run = await bench.run(Run.of_sequences(x, words=1, stalls=stalls))
        board.add(run.words, run.last)
        board.check()
    await finish()


@cocotb.test()
async def bad_arguments(dut: Any) -> None:
    """They are refused before anything is driven."""
    bench = Bench(dut)
    with pytest.raises(ValueError, match="must fit 8 bits, not 128 to 128"):
        await bench.run(Run.of_beats([128], [True], outputs=3))
    with pytest.raises(ValueError, match="patience must be 1 or more"):
        await bench.run(Run.of_beats([1], [True], outputs=3, patience=0))
    with pytest.raises(TypeError, match="no port rst of one bit"):
        Bench(object())
    await finish()
