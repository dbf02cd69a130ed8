"""Random images of weights for a core with AXI buses, good and malformed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdl.layout.weight_image import HEADER


def random_image(
    rng: np.random.Generator, words: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], str, int, bool]:
    """Return an image unchanged, cut, too long, or with a flipped bit.

    Returns:
        Words, the kind of change, LOAD_REASON afterwards, and whether loading begins.
    """
    kind = str(rng.choice(["good", "cut", "long", "bits"], p=[0.6, 0.14, 0.13, 0.13]))
    place = int(rng.integers(len(words)))
    reason, begun = 0, True
    if kind == "cut":
        words = words[: max(1, place)]
        reason, begun = 1, len(words) > HEADER
    elif kind == "long":
        words = np.append(words, words[: int(rng.integers(1, 5))])
        reason = 2
    elif kind == "bits":
        words = words.copy()
        words[place] ^= np.uint32(1 << int(rng.integers(32)))
        reason, begun = (4, False) if place < HEADER else (3, True)
    return words, kind, reason, begun
