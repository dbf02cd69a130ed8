"""The promise that samples held out of calibration give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from golden.promise import LOOKS, at_most, needed
from golden.quality import CONFIDENCE


def test_none_of_some_samples_is_the_rule_of_three() -> None:
    for samples in (1, 10, 250, 5000):
        assert at_most(0, samples, 0.05) == pytest.approx(1 - 0.05 ** (1 / samples))
    assert at_most(0, 10_000, 0.05) * 10_000 == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize(("seen", "samples"), [(0, 4), (1, 4), (3, 4), (2, 50), (17, 300)])
def test_it_is_the_share_at_which_so_few_are_just_too_improbable(seen: int, samples: int) -> None:
    share = at_most(seen, samples, 0.02)
    as_few = math.fsum(
        math.comb(samples, n) * share**n * (1 - share) ** (samples - n) for n in range(seen + 1)
    )
    assert as_few == pytest.approx(0.02, rel=1e-6)
    assert at_most(samples, samples, 0.02) == 1


def test_it_is_kept_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    seen = rng.binomial(200, 0.01, size=4000)
    bounds = {n: at_most(int(n), 200, 0.05) for n in np.unique(seen)}
    assert np.mean([bounds[n] < 0.01 for n in seen]) <= 0.06


@pytest.mark.parametrize("percent", [0.1, 1.0, 20.0])
def test_so_many_samples_are_needed_and_no_fewer(percent: float) -> None:
    wrong = (1 - CONFIDENCE) * LOOKS[0]
    samples = needed(percent)
    assert at_most(0, samples, wrong) <= percent / 100 < at_most(0, samples - 1, wrong)


def test_all_looks_together_are_as_sure_as_is_said() -> None:
    assert sum(LOOKS) == pytest.approx(1)
    assert needed(100) == 1
    with pytest.raises(ValueError, match="percent must be more than 0, not 0"):
        needed(0)
