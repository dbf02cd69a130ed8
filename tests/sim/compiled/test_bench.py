"""The compiled bench on the stand-in core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import sim.compiled.bench
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.scoreboard import Scoreboard
from sim.patterns import IDLE_PATTERNS, NO_STALLS, READY_PATTERNS, Pattern, Stalls, Trigger
from sim.run import Reset, Run, Source, flatten
from sim.streams import CycleLimitError, ProtocolError, Record, StoppedError
from sim.tools.errors import SimulationError
from tests.sim.echo import TOP, Echo, Fault

pytestmark = pytest.mark.simulator

ECHO = Echo()
STEP = ECHO.beats + ECHO.busy  # cycles
SLOW_READY = Stalls(ready=Pattern(probability=1, shortest=5, longest=5, trigger=Trigger.VALID))


def open_bench(echo: Echo) -> CompiledBench:
    return CompiledBench(echo.design(), bench_library([echo.design()], optimize=False))


@pytest.fixture(scope="module")
def bench() -> Iterator[CompiledBench]:
    with open_bench(ECHO) as opened:
        yield opened


def run_to_end(bench: CompiledBench, x: np.ndarray, **terms: Any) -> Record:
    return bench.run(Run.of_sequences(x, words=ECHO.words, **terms))


def same(a: Record, b: Record) -> bool:
    fields = ("words", "last", "accepted", "taken")
    return a.cycles == b.cycles and all(
        np.array_equal(getattr(a, field), getattr(b, field)) for field in fields
    )


@pytest.mark.parametrize("idle", IDLE_PATTERNS)
@pytest.mark.parametrize("ready", READY_PATTERNS)
def test_every_word_is_right_under_every_crossing(
    bench: CompiledBench, idle: str, ready: str
) -> None:
    x = ECHO.sequences(50)
    board = Scoreboard(ECHO.answers(x))
    run = bench.run(Run.of_sequences(x, words=ECHO.words, stalls=Stalls.named(idle, ready), seed=7))
    board.add(run.words, run.last)
    board.check()
    assert np.all(np.diff(run.accepted.astype(np.int64)) > 0)
    assert np.all(np.diff(run.taken.astype(np.int64)) > 0)
    assert run.cycles == max(run.accepted[-1], run.taken[-1]) + 1


def test_without_stalls_every_cycle_is_known(bench: CompiledBench) -> None:
    run = run_to_end(bench, ECHO.sequences(4, steps=2))
    step = np.arange(ECHO.beats) + STEP * np.arange(8)[:, None]
    assert run.accepted.tolist() == step.reshape(-1).tolist()
    first = STEP * np.array([2, 4, 6, 8])
    assert run.taken.tolist() == (first[:, None] + np.arange(3)).reshape(-1).tolist()
    assert run.cycles == 8 * STEP + 3


def test_a_ready_that_waits_until_an_answer_is_due_costs_no_cycles(bench: CompiledBench) -> None:
    x = ECHO.sequences(5)
    assert same(run_to_end(bench, x), run_to_end(bench, x, stalls=Stalls.named("none", "when_due")))


def test_gaps_are_where_the_patterns_say(bench: CompiledBench) -> None:
    x = ECHO.sequences(3)
    # One idle cycle before each beat, the core's own pauses aside.
    idle = run_to_end(bench, x, stalls=Stalls.named("between", "none"))
    assert idle.accepted[:5].tolist() == [1, 3, 5, 7, 7 + ECHO.busy + 1]
    # Each word waits for five cycles after valid.
    plain = run_to_end(bench, x)
    slow = run_to_end(bench, x, stalls=SLOW_READY)
    assert (slow.taken[:3] - plain.taken[0]).tolist() == [5, 11, 17]


def test_the_seed_decides_the_cycles_and_nothing_else(bench: CompiledBench) -> None:
    x, stalls = ECHO.sequences(20), Stalls.named("single", "single")
    one = run_to_end(bench, x, stalls=stalls, seed=1)
    assert same(one, run_to_end(bench, x, stalls=stalls, seed=1))
    two = run_to_end(bench, x, stalls=stalls, seed=2)
    assert not np.array_equal(one.accepted, two.accepted)
    assert np.array_equal(one.words, two.words)


@pytest.mark.parametrize(
    "echo",
    [
        Echo(x=32, y=32, beats=1, busy=1, words=1, combinational=1),
        Echo(x=2, y=2, beats=5, busy=3, words=7),
        Echo(x=17, y=9, combinational=1),
    ],
    ids=str,
)
def test_widths_and_a_ready_that_waits_for_valid(echo: Echo) -> None:
    x = echo.sequences(200)
    with open_bench(echo) as bench:
        for stalls in (NO_STALLS, Stalls.named("single", "bursts")):
            run = bench.run(Run.of_sequences(x, words=echo.words, stalls=stalls))
            assert np.array_equal(run.answers(echo.words), echo.answers(x))
            assert np.array_equal(np.flatnonzero(run.last) % echo.words, [echo.words - 1] * 200)


def test_sequences_may_differ_in_steps(bench: CompiledBench) -> None:
    x = [ECHO.sequences(1, steps=steps, seed=steps)[0] for steps in (1, 5, 2)]
    run = bench.run(Run.of_sequences(x, words=ECHO.words))
    assert run.answers(ECHO.words).tolist() == [ECHO.answer(sequence) for sequence in x]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.DROPS_VALID, "valid dropped"),
        (Fault.CHANGES_DATA, "payload changed"),
        (Fault.CHANGES_LAST, "payload changed"),
    ],
)
def test_a_word_must_stay_until_it_is_taken(bench: CompiledBench, fault: Fault, kind: str) -> None:
    x = ECHO.sequences(4, fault=fault)
    board = Scoreboard(ECHO.answers(x))
    run = run_to_end(bench, x)  # always ready: no word waits, nothing is wrong
    board.add(run.words, run.last)
    board.check()
    with pytest.raises(ProtocolError, match=f"{kind} in cycle") as caught:
        run_to_end(bench, x, stalls=SLOW_READY)
    assert caught.value.kind == kind
    assert caught.value.cycle == 3 * STEP + 1
    assert caught.value.run.words.size == 0


@pytest.mark.parametrize("ready", ["none", "when_due"])
def test_a_word_too_many_in_the_middle(bench: CompiledBench, ready: str) -> None:
    x, stalls = ECHO.sequences(4, fault=Fault.EXTRA_WORD), Stalls.named("none", ready)
    run = bench.run(Run.of_beats(*flatten(x), outputs=13, stalls=stalls))
    board = Scoreboard(ECHO.answers(x))
    board.add(run.words[:12], run.last[:12])
    # The extra word, the two after it by their place, and the last of sequence 2 by its flag.
    assert board.different >= 3
    assert board.first is not None
    assert (board.first.sequence, board.first.word) == (2, 0)


@pytest.mark.parametrize("ready", ["none", "long", "when_due"])
def test_a_word_too_many_at_the_end(bench: CompiledBench, ready: str) -> None:
    x, stalls = ECHO.sequences(2, fault=Fault.EXTRA_WORD), Stalls.named("none", ready)
    with pytest.raises(ProtocolError, match="surplus word in cycle") as caught:
        run_to_end(bench, x, stalls=stalls)
    assert np.array_equal(caught.value.run.answers(3), ECHO.answers(x))
    run_to_end(bench, x, stalls=stalls, settle=0)


def test_more_words_than_asked_for_while_beats_are_left(bench: CompiledBench) -> None:
    with pytest.raises(ProtocolError, match="surplus word"):
        bench.run(Run.of_beats(*flatten(ECHO.sequences(3)), outputs=4))


def test_a_deadlock_ends_with_the_cycle_limit(bench: CompiledBench) -> None:
    x = ECHO.sequences(5, fault=Fault.DEAF)
    with pytest.raises(CycleLimitError) as caught:
        run_to_end(bench, x, patience=1000)
    # It goes deaf when the second answer comes, before it takes any of the third sequence.
    assert str(caught.value) == (
        "no transfer in 1000 cycles, after 24 input beats and 6 output words"
    )
    assert bench.cycle == caught.value.run.taken[-1] + 1001
    assert np.array_equal(caught.value.run.answers(3), ECHO.answers(x)[:2])
    assert np.array_equal(run_to_end(bench, ECHO.sequences(5)).answers(3)[1:], ECHO.answers(x)[1:])


def test_missing_words_end_with_the_cycle_limit(bench: CompiledBench) -> None:
    with pytest.raises(CycleLimitError, match="after 36 input beats and 9 output words"):
        bench.run(Run.of_beats(*flatten(ECHO.sequences(3)), outputs=10, patience=500))


def test_the_longest_wait_that_patience_allows(bench: CompiledBench) -> None:
    x = ECHO.sequences(3)
    run_to_end(bench, x, patience=ECHO.busy + 1)
    with pytest.raises(CycleLimitError, match="after 4 input beats and 0 output words"):
        run_to_end(bench, x, patience=ECHO.busy)


def test_a_core_that_looks_at_data_without_valid_is_seen(bench: CompiledBench) -> None:
    x = ECHO.sequences(3, fault=Fault.EARLY_DATA)
    assert np.array_equal(run_to_end(bench, x).answers(3), ECHO.answers(x))
    run = run_to_end(bench, x, stalls=Stalls.named("between", "none"))
    assert np.all(np.any(run.answers(3) != ECHO.answers(x), axis=1))


def test_wrong_words_are_counted_and_the_first_is_named(bench: CompiledBench) -> None:
    x = ECHO.sequences(4, fault=Fault.WRONG_WORD)
    expected = ECHO.answers(x)
    board = Scoreboard(expected)
    run = run_to_end(bench, x)
    board.add(run.words, run.last)
    assert (board.compared, board.different) == (12, 1)
    assert str(board.first) == (
        f"sequence 1, word 1: expected {expected[1, 1]}, got {~expected[1, 1]}"
    )


def test_a_model_that_stops_ends_the_run_and_not_the_process(bench: CompiledBench) -> None:
    x = ECHO.sequences(3, fault=Fault.FINISHES)
    with pytest.raises(StoppedError, match="stopped by itself") as caught:
        run_to_end(bench, x)
    assert caught.value.run.words.size == 3
    good = ECHO.sequences(3)
    assert np.array_equal(run_to_end(bench, good).answers(3), ECHO.answers(good))


@pytest.mark.parametrize("cycle", range(0, 4 * STEP, 5))
@pytest.mark.parametrize("hold", [1, 3])
def test_reset_in_the_middle_of_a_sequence(bench: CompiledBench, cycle: int, hold: int) -> None:
    x = ECHO.sequences(4, steps=2)
    run = run_to_end(bench, x, reset=Reset(cycle=cycle, hold=hold))
    assert np.array_equal(run.answers(3), ECHO.answers(x))
    # The same run as without, later.
    plain = run_to_end(bench, x)
    assert np.array_equal(run.accepted, plain.accepted + cycle + hold)
    assert np.array_equal(run.taken, plain.taken + cycle + hold)


def test_after_a_reset_the_run_goes_on_where_it_is_told_to(bench: CompiledBench) -> None:
    x = ECHO.sequences(4, steps=2)
    cycle = 5 * STEP  # in the middle of sequence 2, after the answers to 0 and 1
    run = run_to_end(bench, x, reset=Reset(cycle=cycle, beat=2 * 8, word=6))
    assert np.array_equal(run.answers(3), ECHO.answers(x))
    assert run.taken[5] < cycle < run.taken[6]
    assert run.accepted[15] < cycle < run.accepted[16]


def test_a_long_reset_takes_no_patience(bench: CompiledBench) -> None:
    x = ECHO.sequences(2)
    reset = Reset(cycle=30, hold=100)
    run = run_to_end(bench, x, reset=reset, patience=ECHO.busy + 1)
    assert np.array_equal(run.answers(3), ECHO.answers(x))


def test_a_reset_that_leaves_state_behind_is_seen(bench: CompiledBench) -> None:
    x = ECHO.sequences(2, fault=Fault.STALE_STATE)
    run = run_to_end(bench, x, reset=Reset(cycle=30))
    wrong = np.any(run.answers(3) != ECHO.answers(x), axis=1)
    assert wrong.tolist() == [True, False]


def test_a_reset_after_the_end_is_an_error(bench: CompiledBench) -> None:
    with pytest.raises(ValueError, match="Reset in cycle 9999: the run was over before it"):
        run_to_end(bench, ECHO.sequences(1), reset=Reset(cycle=9999))


@pytest.mark.parametrize("stalls", [NO_STALLS, SLOW_READY], ids=["none", "slow"])
def test_a_stream_in_several_calls_has_no_gap(bench: CompiledBench, stalls: Stalls) -> None:
    x = ECHO.sequences(6, steps=2)
    whole = run_to_end(bench, x, stalls=stalls)
    beats, last = flatten(x)
    parts = []
    for part in range(3):
        chunk = slice(part * 16, part * 16 + 16)
        # The answer to the last sequence of a part comes in the next one.
        outputs = (3, 6, 9)[part]
        parts.append(
            bench.run(
                Run.of_beats(
                    beats[chunk],
                    last[chunk],
                    outputs=outputs,
                    stalls=stalls,
                    fresh=part == 0,
                    settle=32 if part == 2 else 0,
                )
            )
        )
    assert np.array_equal(np.concatenate([part.words for part in parts]), whole.words)
    assert np.array_equal(np.concatenate([part.accepted for part in parts]), whole.accepted)
    assert sum(part.cycles for part in parts) == whole.cycles


def test_progress_is_reported_and_slices_leave_no_trace(
    bench: CompiledBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, stalls = ECHO.sequences(10), Stalls.named("bursts", "bursts")
    whole = run_to_end(bench, x, stalls=stalls)
    monkeypatch.setattr(sim.compiled.bench, "_FIRST_SLICE", 1)
    monkeypatch.setattr(sim.compiled.bench, "_SLICE_SECONDS", 0.0)
    seen: list[tuple[int, int]] = []
    request = Run.of_sequences(x, words=ECHO.words, stalls=stalls)
    sliced = bench.run(request, progress=lambda *so_far: seen.append(so_far))
    assert same(whole, sliced)
    assert len(seen) > whole.cycles
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 30), (30, 30))


def test_an_interrupted_run_leaves_the_bench_usable(bench: CompiledBench) -> None:
    def interrupt(words: int, of: int) -> None:
        raise KeyboardInterrupt

    x = ECHO.sequences(3)
    with pytest.raises(KeyboardInterrupt):
        bench.run(Run.of_sequences(x, words=ECHO.words), progress=interrupt)
    assert np.array_equal(run_to_end(bench, x).answers(3), ECHO.answers(x))


def test_two_benches_do_not_disturb_each_other(bench: CompiledBench) -> None:
    x = ECHO.sequences(3)
    plain = run_to_end(bench, x)
    other = Echo(x=32, y=32, beats=1, busy=1, words=1, combinational=1)
    y = other.sequences(30)
    with open_bench(ECHO) as twin, open_bench(other) as stranger:
        run = stranger.run(Run.of_sequences(y, words=1))
        assert same(run_to_end(twin, x), plain)
        assert np.array_equal(run.answers(1), other.answers(y))
        with pytest.raises(StoppedError):
            run_to_end(twin, ECHO.sequences(3, fault=Fault.FINISHES))
        assert same(run_to_end(bench, x), plain)


def test_no_words_asked_for(bench: CompiledBench) -> None:
    run = bench.run(Run.of_beats([1, 2], [False, False], outputs=0))
    assert (run.words.size, run.accepted.tolist(), run.cycles) == (0, [0, 1], 2)


def test_bad_arguments(bench: CompiledBench) -> None:
    with pytest.raises(ValueError, match="must fit 8 bits, not 128 to 128"):
        bench.run(Run.of_beats([128], [True], outputs=3))
    with pytest.raises(ValueError, match="There is no port for 1 state words"):
        bench.run(Run(sources={"i": Source([1])}, sinks={"o_state": 1}))
    for port in ("i_data", "o_data"):
        for width in (1, 33):
            ports = {**ECHO.design().ports, port: width}
            with pytest.raises(ValueError, match=f"{port} must be 2 to 32 bits, not {width}"):
                Design(top=TOP, verilog="", ports=ports)


def test_a_closed_bench_says_so() -> None:
    with open_bench(ECHO) as bench:
        pass
    bench.close()
    with pytest.raises(RuntimeError, match="closed"):
        bench.run(Run.of_beats([1], [True], outputs=3))


def test_a_core_with_other_ports_does_not_build() -> None:
    verilog = "module core(input clk, input rst, output o); assign o = clk & rst; endmodule"
    with pytest.raises(SimulationError, match="building core with compiled_bench.cpp ended with"):
        CompiledBench(Design(top="core", verilog=verilog, ports={"i_data": 8, "o_data": 8}))
