"""Data sheet of the search of states, on netlists of a few gates."""

from __future__ import annotations

import pytest

from sim.mutants import states
from sim.mutants.states import undisturbed
from sim.tools.aiger import Netlist

pytestmark = pytest.mark.quick


def counter(*, last: int) -> Netlist:
    """A counter of 2 bits, 0 to ``last``; mutants of what its value 3 does, and 0.

    Literals: 2 steps, 4 and 6 bits of the mutant's number, 8 data, 10 and 12 the count.
    """
    gates: list[tuple[int, int, int]] = []

    def both(one: int, two: int) -> int:
        gates.append((14 + 2 * len(gates), one, two))
        return gates[-1][0]

    def choose(which: int, one: int, two: int) -> int:
        return both(both(which, one) ^ 1, both(which ^ 1, two) ^ 1) ^ 1

    low, high = 10, 12
    three, none = both(low, high), both(low ^ 1, high ^ 1)
    at_last = (none, both(low, high ^ 1), both(low ^ 1, high), three)[last]
    moves = both(2, at_last ^ 1)
    wraps = both(2, at_last)
    next_low = both(choose(moves, low ^ 1, low), wraps ^ 1)
    next_high = both(choose(both(moves, low), high ^ 1, high), wraps ^ 1)
    first, second = both(4, 7), both(5, 6)  # numbers 1 and 2
    shown = choose(first, 0, three)
    zero = choose(second, 0, none)
    return Netlist(
        inputs={"steps": 2, "mutsel[0]": 4, "mutsel[1]": 6, "data": 8},
        outputs={"shown": both(shown, 8), "zero": zero},
        registers=[(low, next_low), (high, next_high)],
        gates=gates,
    )


def test_what_no_state_shows_is_undisturbed() -> None:
    assert undisturbed(counter(last=2), [1, 2], cpu_seconds=5) == {1}


def test_what_a_state_shows_is_not() -> None:
    assert undisturbed(counter(last=3), [1, 2], cpu_seconds=5) == set()


@pytest.mark.parametrize(
    ("name", "limit"), [("MOST_REGISTERS", 1), ("MOST_INPUTS", 0), ("MOST_STATES", 1)]
)
def test_a_search_without_end_finds_nothing(
    name: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, name, limit)
    assert undisturbed(counter(last=2), [1], cpu_seconds=5) == set()
