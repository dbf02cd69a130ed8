"""Carriers of a layer's integers: float types give the same as int64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from golden.errors import InputError
from golden.formats import Format, requantize
from golden.layer_arithmetic import LayerArithmetic, carrier
from tests.networks import Recipe, quantized_network

NETWORK = quantized_network(Recipe(inputs=2, units=(2,), outputs=None), 1)
TYPES = (np.float32, np.float64, np.int64)
TO = Format(width=5, frac=2)

every_type = pytest.mark.parametrize("dtype", TYPES)


def arithmetic(dtype: type[np.generic]) -> LayerArithmetic:
    return LayerArithmetic(layer=NETWORK.layers[0], table=NETWORK.tanh, dtype=dtype)


@every_type
@pytest.mark.parametrize("frac", [0, 2, 3, 6])
def test_requantize_on_any_carrier(dtype: type[np.generic], frac: int) -> None:
    raw = np.arange(-600, 600)
    carried: Any = raw.astype(dtype)
    found = arithmetic(dtype).requantize(carried, frac, TO)
    assert found.dtype == dtype
    assert found.tolist() == requantize(raw, frac=frac, to=TO).tolist()
    if dtype is not np.int64:
        assert found is carried


@every_type
def test_a_real_number_on_any_carrier(dtype: type[np.generic]) -> None:
    for value in (-9.0, -1.126, 0.0, 1.125, 6.0):
        found = arithmetic(dtype).nearest(value, TO)
        assert found.dtype == dtype
        assert found == TO.quantize(value)


def test_the_type_fits_the_bound() -> None:
    for bits, dtype in ((24, np.float32), (53, np.float64), (62, np.int64)):
        assert carrier((1 << bits) - 1) is dtype
        assert carrier(1 << (bits - 1)) is dtype
    with pytest.raises(InputError, match="expected less than"):
        carrier(1 << 62)
