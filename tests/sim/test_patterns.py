"""The stall patterns by themselves; that both benches follow them is in the benches' tests."""

from __future__ import annotations

from typing import Any

import pytest

from sim.patterns import (
    IDLE_PATTERNS,
    READY_PATTERNS,
    Gaps,
    Pattern,
    ReadyGaps,
    Stalls,
    Trigger,
)


def draws(pattern: Pattern, count: int, *, seed: int = 1, side: int = 0) -> list[int]:
    gaps = Gaps(pattern, seed=seed, side=side)
    return [gaps.draw() for _ in range(count)]


def levels(pattern: Pattern, valid: str) -> str:
    """Ready in each cycle, for valid in each cycle."""
    gaps = ReadyGaps(pattern, seed=1)
    seen = ""
    for level in valid:
        seen += "1" if gaps.ready else "0"
        gaps.edge(level == "1")
    return seen


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"probability": 1.5}, "probability must be 0 to 1, not 1.5"),
        ({"probability": -0.1}, "probability must be 0 to 1"),
        ({"shortest": 0}, "not 0 to 1"),
        ({"shortest": 3, "longest": 2}, "not 3 to 2"),
        ({"longest": 1 << 32}, "shortest <= longest"),
        ({"burst": 0}, "burst must be 1"),
        ({"trigger": Trigger.DUE, "probability": 0.5}, "must be 0 with DUE"),
    ],
)
def test_a_pattern_out_of_range_is_rejected(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pattern(**fields)


def test_the_senders_gaps_have_one_trigger_only() -> None:
    with pytest.raises(ValueError, match="idle pattern cannot start"):
        Stalls(idle=Pattern(trigger=Trigger.FREE))
    with pytest.raises(KeyError):
        Stalls.named("none", "no such pattern")


def test_probability_0_and_1_are_never_and_always() -> None:
    assert draws(Pattern(), 1000) == [0] * 1000
    assert draws(Pattern(probability=1, shortest=4, longest=4), 1000) == [4] * 1000


def test_gaps_have_the_probability_and_all_lengths_of_their_pattern() -> None:
    gaps = draws(Pattern(probability=0.25, shortest=2, longest=5), 20_000)
    assert {*gaps} == {0, 2, 3, 4, 5}
    assert 0.23 < sum(gap > 0 for gap in gaps) / len(gaps) < 0.27
    for length in (2, 3, 4, 5):
        assert 0.05 < gaps.count(length) / len(gaps) < 0.075


def test_a_burst_passes_between_two_draws() -> None:
    assert draws(Pattern(probability=1, burst=3), 9) == [1, 0, 0] * 3


def test_the_seed_and_the_side_decide() -> None:
    pattern = Pattern(probability=0.5, longest=9)
    assert draws(pattern, 50) == draws(pattern, 50)
    assert draws(pattern, 50) != draws(pattern, 50, seed=2)
    assert draws(pattern, 50) != draws(pattern, 50, side=1)


def test_the_random_numbers_are_splitmix64() -> None:
    gaps = Gaps(Pattern(probability=1, longest=(1 << 32) - 1), seed=0, side=0)
    # Reference outputs of splitmix64 for seed 0; a draw takes two and uses the upper halves.
    reference = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC)
    expected = [1 + (value >> 32) % ((1 << 32) - 1) for value in reference[1::2]]
    assert [gaps.draw(), gaps.draw()] == expected


@pytest.mark.parametrize(
    ("trigger", "valid", "ready"),
    [
        # A gap of 2 starts at the transfer before it and runs out whether valid is high or not.
        (Trigger.TRANSFER, "000011111000", "001110010011"),
        # It starts when valid is seen.
        (Trigger.VALID, "000111111000", "000001001000"),
        # It follows each cycle of ready.
        (Trigger.FREE, "000011100000", "001001001001"),
    ],
)
def test_what_starts_a_gap_in_ready(trigger: Trigger, valid: str, ready: str) -> None:
    pattern = Pattern(probability=1, shortest=2, longest=2, trigger=trigger)
    assert levels(pattern, valid) == ready


def test_ready_without_a_pattern_is_always_high() -> None:
    for trigger in Trigger:
        assert levels(Pattern(trigger=trigger), "0110") == "1111"


@pytest.mark.parametrize("pattern", READY_PATTERNS.values(), ids=READY_PATTERNS.keys())
def test_ready_does_not_change_while_it_waits_for_valid(pattern: Pattern) -> None:
    gaps = ReadyGaps(pattern, seed=3)
    for cycle in range(3000):
        before, waits = gaps.ready, gaps.waits_for_valid
        valid = cycle % 7 < 2
        gaps.edge(valid)
        if waits and not valid:
            assert gaps.ready == before


def test_no_pattern_stalls_for_ever() -> None:
    for pattern in (*IDLE_PATTERNS.values(), *READY_PATTERNS.values()):
        assert 0 in draws(pattern, 100) or pattern.longest < 1000
