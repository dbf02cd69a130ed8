"""Choice of how lanes share multipliers, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.cells import LSTM
from golden.errors import InputError
from hdl.parts.joint import Joint
from hdl.plan import Plan
from hdl.spec.multipliers import SIZES, Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from sim.draw.sharing import symmetric
from tests.networks import Recipe, quantized_network

RECIPE = Recipe(
    inputs=4, units=(8,), outputs=2, cells=(LSTM(),), weight_width=4, activation_width=8
)


def chosen(weight_width: int, operand_width: int, **given: Any) -> tuple[int, int] | None:
    """Products per multiplier and overlap for 32 lanes beside 2 multipliers."""
    joint = Multipliers(**given).choose(
        lanes=32,
        beside=2,
        operand_width=operand_width,
        weight_width=weight_width,
        least=1 - (1 << (weight_width - 1)),
    )
    return (joint.count, joint.overlap) if joint else None


@pytest.mark.parametrize(
    ("multiplier", "weight", "operand", "expected"),
    [
        ("18x18", 4, 11, (2, 0)),
        ("18x18", 5, 9, (2, 0)),
        ("18x18", 6, 7, (2, 0)),
        ("18x18", 3, 13, (2, 0)),
        ("18x18", 4, 12, (2, 1)),
        ("18x18", 5, 10, (2, 1)),
        ("18x18", 6, 8, (2, 1)),
        ("18x18", 8, 8, (2, 5)),
        ("18x18", 8, 9, None),
        ("25x18", 8, 10, (2, 0)),
        ("25x18", 6, 13, (2, 0)),
        ("16x16", 4, 9, (2, 0)),
        ("16x16", 5, 6, (2, 0)),
        ("16x16", 3, 11, (2, 0)),
        ("dual-8x8", 8, 8, (2, 0)),
        ("dual-8x8", 4, 9, (2, 0)),
        ("dual-8x8", 9, 8, None),
        ("18x18", 4, 19, None),
    ],
)
def test_two_products_where_multipliers_are_short(
    multiplier: str, weight: int, operand: int, expected: tuple[int, int] | None
) -> None:
    assert chosen(weight, operand, multiplier=multiplier, available=18) == expected


@pytest.mark.parametrize(
    ("multiplier", "weight", "operand"),
    [("18x18", 2, 6), ("18x18", 3, 4), ("18x18", 4, 4), ("25x18", 4, 6), ("25x18", 3, 9)],
)
def test_three_products_where_two_are_not_enough(
    multiplier: str, weight: int, operand: int
) -> None:
    assert chosen(weight, operand, multiplier=multiplier, available=18) == (2, 0)
    assert chosen(weight, operand, multiplier=multiplier, available=13) == (3, 0)
    assert chosen(weight, operand, multiplier=multiplier, available=12) is None
    assert chosen(weight, operand, multiplier=multiplier) == (3, 0)  # no part: what fits


def test_auto_needs_a_part_with_too_few_multipliers_or_a_multiplier() -> None:
    assert chosen(4, 8) is None
    assert chosen(4, 8, multiplier="18x18", available=34) is None
    assert chosen(4, 8, multiplier="18x18", available=33) == (2, 0)
    assert chosen(4, 8, multiplier="18x18", pack="off") is None
    assert chosen(8, 8, multiplier="18x18") is None  # no overlap where nothing is short
    assert chosen(8, 8, pack="2") == (2, 5)
    assert chosen(9, 9, multiplier="dual-9x9", available=18) is None  # the mapper splits them


def test_native_modes_take_every_weight() -> None:
    native = Multipliers(multiplier="dual-8x8", available=4).choose(
        lanes=8, beside=0, operand_width=8, weight_width=8, least=-128
    )
    assert native == Joint(count=2, operand_width=8, weight_width=8, native=True)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pack": "4"}, "pack is '4', expected auto, off, 2 or 3"),
        ({"multiplier": "9x9"}, "multiplier is '9x9', expected 16x16, 18x18, 25x18, "),
    ],
)
def test_unknown_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Multipliers(**given)


def test_numbers_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="3 products of 8 x 8 bits do not fit a multiplier 18x18"):
        chosen(8, 8, pack="3")


def test_the_most_negative_weight() -> None:
    """Under auto the lanes keep their own multipliers; a number is refused."""
    network = quantized_network(replace(RECIPE, extremes=True), 1)
    short = Multipliers(multiplier="18x18", available=6)
    assert Plan(network=network, options=CoreOptions(lanes=8, multipliers=short)).joint is None
    plan = Plan(network=network, options=CoreOptions(lanes=8, multipliers=Multipliers(pack="2")))
    with pytest.raises(InputError, match="the smallest weight is -8, expected -7 or more: 2 prod"):
        _ = plan.joint
    fits = Plan(network=symmetric(network), options=CoreOptions(lanes=8, multipliers=short))
    assert fits.joint
    assert (fits.joint.count, fits.array_multipliers) == (2, 4)


def test_a_network_that_is_loaded_must_do_without_it_too() -> None:
    network = quantized_network(replace(RECIPE, extremes=True), 1)
    options = CoreOptions(
        lanes=8, multipliers=Multipliers(pack="2"), storage=Storage(weights="ram")
    )
    plan = Plan(network=symmetric(network), options=options)
    assert plan.of(symmetric(network)).joint == plan.joint
    with pytest.raises(InputError, match="the smallest weight is -8, expected -7 or more"):
        plan.of(network)


def test_the_core_id_tells_how_weights_are_stored() -> None:
    network = symmetric(quantized_network(RECIPE, 1))
    numbers = {
        Plan(
            network=network,
            options=CoreOptions(
                lanes=8, multipliers=Multipliers(pack=pack), storage=Storage(weights="ram")
            ),
        ).capacity.number
        for pack in ("off", "auto", "2")
    }
    assert len(numbers) == 2


def test_every_multiplier_has_a_name() -> None:
    assert set(Multipliers.CHOICES["multiplier"]) == {"", *SIZES}
