"""The quantizer: makes integers from a float network and calibration samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.calibration import Calibration
from golden.cells import Floats
from golden.checks import check_samples
from golden.errors import InputError
from golden.losses import Report, losses
from golden.network import Network
from golden.promise import LOOKS, Promise
from golden.quality import Judge
from golden.quantized import QuantizedNetwork
from golden.search import Outcome, Search
from golden.settings import Settings
from golden.threshold_search import ThresholdSearch
from golden.thresholds import check_delta

SHARES = tuple(0.25**look for look in range(len(LOOKS)))
"""Share of the bound that each successive search may use."""

WIDTHS_SHARE = 0.5
"""Share of that which the widths of a delta network may use; its thresholds use the rest."""


@np.errstate(over="ignore", invalid="ignore")  # numbers that no format holds are refused
def quantize(
    network: Network, samples: ArrayLike, settings: Settings | None = None
) -> tuple[QuantizedNetwork, Report]:
    """Choose every format from calibration samples and round the weights.

    Args:
        network: the float network.
        samples: calibration samples of shape (batch, steps, inputs), before ``input_scale``.
        settings: widths and method; by default W8 A8 C12 and a 256-entry tanh table.

    Returns:
        The network in integers, and each tensor's error.

    Raises:
        InputError: the samples have a wrong shape or are not finite.
    """
    calibration = Calibration(network, check_samples(samples, network.inputs))
    result = calibration.quantize(settings or Settings(), fit=True)
    return result, _report(calibration, result)


@np.errstate(over="ignore", invalid="ignore")
def quantize_within(
    network: Network,
    samples: ArrayLike,
    *,
    max_drop: float,
    labels: NDArray[Any] | None = None,
    settings: Settings | None = None,
    delta: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Outcome, Report, Promise]:
    """Search for the cheapest widths with which the network loses no more than a bound.

    Every other sample is held out of the search. If the network that it finds loses more than the
    bound on the held-out samples, the search runs again with a smaller share of the bound.

    Args:
        network: the float network.
        samples: calibration samples, see :func:`quantize`; preferably not training samples.
        max_drop: the bound in percentage points, see :class:`golden.search.Search`.
        labels: classes of the samples (batch,); without them the float network's decisions count,
            see :class:`golden.quality.Judge`.
        settings: settings that are not searched; the search ignores its widths and table.
        delta: whether to search thresholds, too (:mod:`golden.threshold_search`).
        progress: called with the number of settings tried.

    Returns:
        The setting found with its network, each tensor's error, and the loss on the held-out
        samples.

    Raises:
        InputError: samples or labels do not fit, there are fewer than two samples, no setting stays
            within the bound, or delta does not go with the network.
    """
    x = check_samples(samples, network.inputs)
    if len(x) < 2:
        raise InputError(f"samples are {len(x)}, expected 2 or more: half of them are held out")
    if delta:
        check_delta(network)
    seen, held = slice(0, None, 2), slice(1, None, 2)
    calibration = Calibration(network, x[seen])
    judges = [
        Judge(output, None if labels is None else labels[part], classes=network.classes)
        for part, output in ((seen, calibration.run.output), (held, network.forward(x[held])))
    ]
    base = settings or Settings()
    search = Search(calibration, judges[0], max_drop=max_drop, base=base, progress=progress)
    lost = 0.0
    for look, share in enumerate(SHARES):
        outcome = search.run(share * (WIDTHS_SHARE if delta else 1))
        if delta:
            outcome = _with_thresholds(outcome, x[seen], judges[0], share * max_drop, progress)
        promise = Promise.of(judges[1], outcome.best.network, x[held], look=look)
        if promise.lost <= max_drop:
            return outcome, _report(calibration, outcome.best.network), promise
        lost = promise.lost
    raise InputError(
        f"max_drop is {max_drop:g}, expected {lost:.3g} or more: so many points are lost on "
        f"{len(x[held])} samples that were held out of the search (more samples may help)"
    )


def _with_thresholds(
    outcome: Outcome, x: Floats, judge: Judge, bound: float, progress: Callable[[int], None]
) -> Outcome:
    """Add the thresholds that save most within a bound to the network of a search."""
    best, before = outcome.best, outcome.tried
    search = ThresholdSearch(best.network, x, judge, lambda done: progress(before + done))
    found = search.run(bound)
    best = replace(best, network=found.network, drop=found.drop, lost=found.lost, doubt=found.doubt)
    return replace(outcome, best=best, tried=before + search.tried, bound=bound)


def _report(calibration: Calibration, result: QuantizedNetwork) -> Report:
    rows = losses(calibration.network, result, calibration.samples, calibration.run)
    return Report(tuple(rows))
