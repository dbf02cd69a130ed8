"""Coefficients of forms: a matrix, or a vector that stands for a diagonal one."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from golden.cells import Floats


def as_matrix(coefficient: Floats) -> Floats:
    """Write a coefficient as a matrix."""
    return np.diag(coefficient) if coefficient.ndim == 1 else coefficient


def alike(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Write two coefficients so that they can be added."""
    return (a, b) if a.ndim == b.ndim else (as_matrix(a), as_matrix(b))


def times(a: Floats, b: Floats) -> Floats:
    """Multiply two coefficients; by ones the product is the same array, for all steps."""
    if b.ndim == 1:
        return a if (b == 1).all() else a * b
    return a @ b if a.ndim == 2 else a[:, None] * b


def columns(coefficient: Floats) -> NDArray[np.int64]:
    """Return the elements that a coefficient reads."""
    if coefficient.ndim == 1:
        return np.arange(coefficient.size)
    return np.flatnonzero(coefficient.any(axis=0))


def is_identity(matrix: Floats) -> bool:
    """Whether a matrix changes nothing."""
    return np.array_equal(matrix, np.eye(len(matrix)))


def digest(array: Floats) -> bytes:
    """Return a digest of an array's shape and values."""
    made = blake2b(repr(array.shape).encode(), digest_size=16)
    made.update(array.tobytes())
    return made.digest()
