"""The measures by which a quantized network is judged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from golden.errors import InputError
from golden.quality import Judge

OUTPUT = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.5, 0.0]])
LABELS = np.array([0, 1, 2, 1])  # the last one is decided wrongly


def test_accuracy_counts_what_is_lost_and_what_is_gained() -> None:
    judge = Judge(OUTPUT, LABELS, classes=True)
    assert (judge.measure, judge.level) == ("accuracy", 75)
    assert (judge.drop(OUTPUT), judge.lost(OUTPUT), judge.doubt(OUTPUT)) == (0, 0, 0)
    other = OUTPUT.copy()
    other[0], other[3] = [0.0, 2.0, 0.0], [0.0, 1.0, 0.0]  # one right more, one less
    assert (judge.drop(other), judge.lost(other), judge.differing(other)) == (0, 50, 2)
    worse = OUTPUT.copy()
    worse[0] = [0.0, 2.0, 0.0]
    assert (judge.drop(worse), judge.lost(worse)) == (25, 25)


def test_doubt_foretells_the_decisions_that_change() -> None:
    """Margins evenly spread, errors normal: 300 samples tell what 400,000 do."""
    rng = np.random.default_rng(1)

    def outputs(count: int) -> tuple[np.ndarray, np.ndarray]:
        margins = rng.uniform(0, 10, count)
        exact = np.stack([margins, np.zeros(count), np.full(count, -30.0)], axis=1)
        return exact, exact + rng.normal(scale=0.1, size=exact.shape)

    exact, rounded = outputs(400_000)
    truth = Judge(exact, None, classes=True).lost(rounded)
    foretold = []
    for _ in range(40):
        exact, rounded = outputs(300)
        foretold.append(Judge(exact, None, classes=True).doubt(rounded))
    assert 0.4 < truth < 0.7  # one or two of 300
    assert truth < np.mean(foretold) < 1.6 * truth
    assert np.mean(np.array(foretold) < truth) <= 0.1


def test_doubt_counts_errors_near_a_border() -> None:
    """Decisions change there, and errors of trained networks are larger there than elsewhere."""
    rng = np.random.default_rng(2)
    margins = np.linspace(0, 10, 4000)
    exact = np.stack([margins, np.zeros(4000)], axis=1)
    rounded = exact + rng.normal(size=exact.shape) * np.where(margins < 1, 0.1, 0.02)[:, None]
    expected = 100 / 10 * 0.1 * math.sqrt(2) / math.sqrt(2 * math.pi)
    foretold = Judge(exact, None, classes=True).doubt(rounded)
    assert expected < foretold < 1.3 * expected


def test_doubt_of_margins_that_are_all_zero() -> None:
    judge = Judge(np.ones((12, 2)), None, classes=True)
    assert judge.doubt(np.ones((12, 2))) == 0
    assert judge.doubt(np.array([[1.0, 0.0], [0.0, 1.0]] * 6)) == 100


def test_without_labels_the_float_network_decides() -> None:
    judge = Judge(OUTPUT, None, classes=True)
    assert (judge.measure, judge.level) == ("agreement", 100)
    other = OUTPUT.copy()
    other[3] = [0.0, 1.0, 0.0]  # right by the labels, but another decision
    assert (judge.drop(other), judge.lost(other)) == (25, 25)


@pytest.mark.parametrize(("output", "head"), [(OUTPUT, False), (OUTPUT[:, :1], True)])
def test_what_decides_nothing_is_judged_by_its_noise(output: np.ndarray, head: bool) -> None:
    judge = Judge(output, None, classes=head)
    assert judge.measure == "noise"
    assert judge.differing(output * 1.1) == 0
    for measured in (judge.drop, judge.lost):
        assert measured(output) == 0
        assert measured(output * 1.1) == pytest.approx(1)  # a hundredth: 20 dB
    assert judge.doubt(output) == 0
    assert judge.doubt(output * 1.1) > 1
    silent = Judge(np.zeros((2, 3)), None, classes=False)
    assert (silent.drop(np.zeros((2, 3))), silent.drop(np.ones((2, 3)))) == (0, math.inf)


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_of_other_networks_are_refused(label: int) -> None:
    labels = np.array([0, label, 1, 1])
    with pytest.raises(InputError) as caught:
        Judge(OUTPUT, labels, classes=True)
    ends = f"labels are {min(0, label)} to {max(1, label)}"
    assert str(caught.value) == f"{ends}, expected 0 to 2 (the network's outputs)"
