"""The quantizer: a float network and calibration samples in, integers and what they cost out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.calibration import Calibration
from golden.cells import Floats
from golden.errors import InputError
from golden.losses import Report, losses
from golden.network import Network
from golden.quality import Judge
from golden.quantized import QuantizedNetwork
from golden.search import Outcome, Search
from golden.settings import Settings


def quantize(
    network: Network, samples: ArrayLike, settings: Settings | None = None
) -> tuple[QuantizedNetwork, Report]:
    """Choose every format from calibration samples and round the weights.

    Args:
        network: the float network.
        samples: calibration samples of shape (batch, steps, inputs), before ``input_scale``.
        settings: widths and method; by default W8 A8 C12 and a 256-entry tanh table.

    Returns:
        The integers and what each tensor lost.

    Raises:
        InputError: samples of a wrong shape, or not finite.
    """
    calibration = Calibration(network, check_samples(samples, network.inputs))
    result = calibration.quantize(settings or Settings())
    return result, _report(calibration, result)


def quantize_within(
    network: Network,
    samples: ArrayLike,
    *,
    max_drop: float,
    labels: NDArray[Any] | None = None,
    settings: Settings | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Outcome, Report]:
    """Search the cheapest widths with which the network loses no more than a bound.

    Args:
        network: the float network.
        samples: calibration samples, see :func:`quantize`; best such that were not trained on.
        max_drop: the bound in percentage points, see :class:`golden.search.Search`.
        labels: classes of the samples (batch,); without them the float network's decisions count,
            see :class:`golden.quality.Judge`.
        settings: what is not searched; its widths and table size do not count.
        progress: called with the number of settings tried.

    Returns:
        The setting found with its network, and what each tensor loses with it.

    Raises:
        InputError: samples or labels do not fit, or no setting stays within the bound.
    """
    calibration = Calibration(network, check_samples(samples, network.inputs))
    judge = Judge(calibration.run.output, labels, head=network.head is not None)
    base = settings or Settings()
    search = Search(calibration, judge, max_drop=max_drop, base=base, progress=progress)
    outcome = search.run()
    return outcome, _report(calibration, outcome.best.network)


def _report(calibration: Calibration, result: QuantizedNetwork) -> Report:
    rows = losses(calibration.network, result, calibration.samples, calibration.run)
    return Report(tuple(rows))


def check_samples(samples: ArrayLike, inputs: int) -> Floats:
    """Samples as float64 of shape (batch, steps, inputs), or one clear line.

    Raises:
        InputError: another shape or type, or NaN or infinity among them.
    """
    array = np.asarray(samples)
    if array.ndim != 3 or array.shape[2] != inputs or 0 in array.shape:
        raise InputError(f"samples are of shape {array.shape}, expected (samples, steps, {inputs})")
    if array.dtype.kind not in "fiub":
        raise InputError(f"samples are of type {array.dtype}, expected numbers")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError("samples hold NaN or infinity, expected finite numbers")
    return array
