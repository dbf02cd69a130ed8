"""Scoreboard, and what both benches make of their arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.core_job.scoreboard import Difference, Scoreboard
from sim.run import Reset, Run, Source, flatten
from sim.streams import DUE, LAST, STREAM_BIT, STREAMS, Moved, Record

EXPECTED = np.array([[1, -2, 3], [4, 5, -6]])
FLAGS = [False, False, True]


def test_equal_words_pass() -> None:
    board = Scoreboard(EXPECTED)
    board.add(EXPECTED.reshape(-1), FLAGS * 2)
    assert (board.compared, board.different, board.first) == (6, 0, None)
    assert board.passed
    board.check()
    assert str(board) == "6 of 6 words compared, 0 different"


def test_words_may_come_one_by_one_or_in_any_batches() -> None:
    board = Scoreboard(EXPECTED)
    board.add(1, False)
    board.add([], [])
    board.add([-2, 3, 4], [False, True, False])
    board.add(np.array([5, -6], np.int32), [False, True])
    assert board.passed


def test_differences_are_counted_and_the_first_is_kept() -> None:
    board = Scoreboard(EXPECTED)
    board.add([1, -2, 3, 4], [*FLAGS, False])
    board.add([7, 8], [False, True])
    assert (board.compared, board.different) == (6, 2)
    assert board.first == Difference(
        sequence=1, word=1, expected=5, got=7, expected_last=False, got_last=False
    )
    assert not board.passed
    with pytest.raises(
        AssertionError,
        match="6 of 6 words compared, 2 different; first: sequence 1, word 1: expected 5, got 7",
    ):
        board.check()


def test_a_misplaced_last_is_a_difference() -> None:
    board = Scoreboard(EXPECTED)
    board.add([1, -2, 3], [False, True, True])
    assert board.different == 1
    assert str(board.first) == "sequence 0, word 1: expected last = 0, got 1"


def test_missing_words_do_not_pass() -> None:
    board = Scoreboard(EXPECTED)
    board.add([1, -2, 3], FLAGS)
    assert board.different == 0
    assert not board.passed
    with pytest.raises(AssertionError, match="3 of 6 words compared, 0 different"):
        board.check()


def test_no_tolerance_at_32_bits() -> None:
    board = Scoreboard([[-(1 << 31), (1 << 31) - 1]])
    board.add(np.array([-(1 << 31), (1 << 31) - 2], np.int32), [False, True])
    assert board.different == 1


def test_more_words_than_expected_are_an_error() -> None:
    board = Scoreboard(EXPECTED)
    with pytest.raises(ValueError, match="7 words, but only 6 were expected"):
        board.add(range(7), [False] * 7)


@pytest.mark.parametrize(
    ("expected", "error"),
    [([1, 2], ValueError), (np.zeros((0, 3), int), ValueError), ([[0.5]], TypeError)],
)
def test_expected_words_must_be_a_table_of_integers(expected: Any, error: type) -> None:
    with pytest.raises(error, match="Expected words must be"):
        Scoreboard(expected)


def test_words_and_flags_must_be_alike() -> None:
    with pytest.raises(ValueError, match="must be alike"):
        Scoreboard(EXPECTED).add([1, -2], [False])


def test_sequences_become_beats() -> None:
    beats, last = flatten(np.arange(12).reshape(2, 2, 3))
    assert beats.tolist() == list(range(12))
    assert beats.dtype == np.int32
    assert np.flatnonzero(last).tolist() == [5, 11]


def test_sequences_may_differ_in_steps() -> None:
    beats, last = flatten([[[1, 2]], [[3, 4], [5, 6], [7, 8]]])
    assert beats.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert np.flatnonzero(last).tolist() == [1, 7]


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ([], ValueError, "at least one"),
        ([[1, 2]], ValueError, "Sequence 0 must be"),
        ([[[1, 2]], np.zeros((0, 2), int)], ValueError, "Sequence 1 must be"),
        ([[[1, 2]], [[1, 2, 3]]], ValueError, "has 3 elements per step, the first one 2"),
        ([[[0.5, 1.0]]], TypeError, "Sequence 0 must hold integers, not float64"),
        ([[[1 << 31]]], ValueError, "32 bits"),
    ],
)
def test_bad_sequences(sequences: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        flatten(sequences)


@pytest.mark.parametrize(
    ("beats", "last", "error", "message"),
    [
        ([], [], ValueError, "1 beat or more"),
        ([[1]], [[True]], ValueError, "must be alike"),
        ([1, 2], [True], ValueError, "must be alike"),
        ([1.0], [True], TypeError, "integers, not float64"),
        ([128], [True], ValueError, "Beats must fit 8 bits, not 128 to 128"),
        ([0, -129], [False, True], ValueError, "must fit 8 bits, not -129 to 0"),
    ],
)
def test_bad_streams(beats: Any, last: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Run.of_beats(beats, last, outputs=0).check_widths({"i_data": 8})


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"sinks": {"o": -1}}, "output words must be 0 or more, not -1"),
        ({"sinks": {"o_state": -1}}, "state words must be 0 or more, not -1"),
        ({"patience": 0}, "patience must be 1 or more, not 0"),
        ({"settle": -2}, "settle must be 0 or more, not -2"),
        ({"reset": Reset(cycle=1, beat=4)}, "no such place"),
        ({"reset": Reset(cycle=1, word=3)}, "no such place"),
    ],
)
def test_bad_terms(terms: dict[str, Any], message: str) -> None:
    good = Run(sources={"i": Source([1, 2, 3, 4])}, sinks={"o": 2}, patience=1, settle=0)
    with pytest.raises(ValueError, match=message):
        replace(good, **terms)


def test_state_words_are_checked() -> None:
    def run(words: Any, **widths: int) -> None:
        sources = {"i": Source([1], [True]), "i_state": Source(words)}
        Run(sources=sources).check_widths({"i_data": 8, "o_data": 8, **widths})

    run([3, -4], i_state_data=3)
    with pytest.raises(ValueError, match="State words must fit 3 bits, not 3 to 4"):
        run([3, 4], i_state_data=3)
    with pytest.raises(ValueError, match="There is no port for 2 state words"):
        run([3, 4])
    with pytest.raises(TypeError, match="Words of a stream must be integers, not float64"):
        run([0.5], i_state_data=3)


def test_the_last_word_of_a_source_is_marked_by_itself() -> None:
    assert (Source([5, 6, 7]).fields & LAST).tolist() == [0, 0, 1]
    assert Source([5, 6], [False, True]).fields.tolist() == [0, LAST | DUE]
    assert Source(()).words.size == 0


def test_a_reset_goes_back_to_a_place_per_stream() -> None:
    places = {name: Reset(cycle=1, beat=4, word=2).place(name) for name in STREAMS}
    assert places == {"i": 4, "o": 2, "i_state": 0, "o_state": 0, "i_weights": 0}


def test_streams_and_last_flags_are_compared() -> None:
    board = Scoreboard([[1, 2], [3, 4]], last=[False, True], streams=[1, 0])
    board.add([1, 2, 3, 4], [False, False, False, True], [1, 1, 0, 0])
    board.check()
    other = Scoreboard([[1, 2], [3, 4]], last=[False, True], streams=[1, 0])
    other.add([1, 2, 3, 4], [False, True, False, True], [1, 1, 0, 2])
    assert other.different == 2
    assert str(other.first) == "sequence 0, word 1: expected last = 0, got 1"
    third = Scoreboard([[1]], streams=[3])
    third.add([1], [True], [2])
    assert str(third.first) == "sequence 0, word 0: expected stream 3, got 2"


@pytest.mark.parametrize("field", ["cycle", "beat", "word"])
def test_bad_reset(field: str) -> None:
    with pytest.raises(ValueError, match=f"Reset {field} must be 0 or more, not -1"):
        Reset(**{"cycle": 0, field: -1})
    with pytest.raises(ValueError, match="Reset hold must be 1 or more, not 0"):
        Reset(cycle=1, hold=0)


def test_answers_are_the_words_by_sequence() -> None:
    none = np.zeros(0, np.uint64)
    words = np.arange(6, dtype=np.int32)
    marks = np.array([0, 0, 1, 0, 0, 1 | 3 << STREAM_BIT], np.uint32)
    run = Record(moved={"o": Moved(words=words, fields=marks, cycles=none)}, cycles=0)
    assert run.answers(3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert run.last.tolist() == [False, False, True] * 2
    assert run.streams.tolist() == [0, 0, 0, 0, 0, 3]
    with pytest.raises(ValueError, match="6 words are not sequences of 4"):
        run.answers(4)
