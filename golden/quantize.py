"""The quantizer: a float network and calibration samples in, integers and what they cost out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from golden.calibration import Calibration
from golden.cells import Floats
from golden.errors import InputError
from golden.losses import Report, losses
from golden.network import Network
from golden.quantized import QuantizedNetwork
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
    rows = losses(network, result, calibration.samples, calibration.run)
    return result, Report(tuple(rows))


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
