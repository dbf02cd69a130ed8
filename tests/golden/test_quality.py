"""What a quantized network is judged by."""

from __future__ import annotations

import math

import numpy as np
import pytest

from golden.errors import InputError
from golden.quality import CAUTION, Judge

OUTPUT = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.5, 0.0]])
LABELS = np.array([0, 1, 2, 1])  # the last one is decided wrongly


def probability(logits: list[float], right: int) -> float:
    return math.exp(logits[right]) / math.fsum(math.exp(one) for one in logits)


def test_accuracy_counts_what_is_lost_and_what_is_gained() -> None:
    judge = Judge(OUTPUT, LABELS, head=True)
    assert (judge.measure, judge.level) == ("accuracy", 75)
    assert (judge.drop(OUTPUT), judge.lost(OUTPUT), judge.doubt(OUTPUT)) == (0, 0, 0)
    other = OUTPUT.copy()
    other[0], other[3] = [0.0, 2.0, 0.0], [0.0, 1.0, 0.0]  # one right more, one less
    assert (judge.drop(other), judge.lost(other)) == (0, 25)
    worse = OUTPUT.copy()
    worse[0] = [0.0, 2.0, 0.0]
    assert (judge.drop(worse), judge.lost(worse)) == (25, 25)


def test_doubt_is_the_mean_loss_of_confidence_and_standard_errors() -> None:
    judge = Judge(OUTPUT, LABELS, head=True)
    other = OUTPUT * 0.5
    lost = [
        probability(before, right) - probability(after, right)
        for before, after, right in zip(
            OUTPUT.tolist(), other.tolist(), LABELS.tolist(), strict=True
        )
    ]
    mean = math.fsum(lost) / 4
    error = math.sqrt(math.fsum((one - mean) ** 2 for one in lost) / 4 / 4)
    assert judge.drop(other) == 0
    assert judge.doubt(other) == pytest.approx(100 * (mean + CAUTION * error))


def test_logits_far_apart_do_not_overflow() -> None:
    judge = Judge(OUTPUT * 1e4, LABELS, head=True)
    assert judge.doubt(OUTPUT * 1e4) == 0


def test_without_labels_the_float_network_decides() -> None:
    judge = Judge(OUTPUT, None, head=True)
    assert (judge.measure, judge.level) == ("agreement", 100)
    other = OUTPUT.copy()
    other[3] = [0.0, 1.0, 0.0]  # right by the labels, but another decision
    assert (judge.drop(other), judge.lost(other)) == (25, 25)


@pytest.mark.parametrize(("output", "head"), [(OUTPUT, False), (OUTPUT[:, :1], True)])
def test_what_decides_nothing_is_judged_by_its_noise(output: np.ndarray, head: bool) -> None:
    judge = Judge(output, None, head=head)
    assert judge.measure == "noise"
    for measured in (judge.drop, judge.lost, judge.doubt):
        assert measured(output) == 0
        assert measured(output * 1.1) == pytest.approx(1)  # a hundredth: 20 dB
    silent = Judge(np.zeros((2, 3)), None, head=False)
    assert (silent.drop(np.zeros((2, 3))), silent.drop(np.ones((2, 3)))) == (0, math.inf)


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_of_other_networks_are_refused(label: int) -> None:
    labels = np.array([0, label, 1, 1])
    with pytest.raises(InputError) as caught:
        Judge(OUTPUT, labels, head=True)
    ends = f"labels are {min(0, label)} to {max(1, label)}"
    assert str(caught.value) == f"{ends}, expected 0 to 2 (the network's outputs)"
