"""What goes into a core's weight memory over its stream, word by word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdl.plan import Plan

WIDTH = 16
"""Bits of a word of the stream; a memory that takes it is written in parts of so many."""


def parts(plan: Plan) -> int:
    """Words of the stream that one word of the weight memory takes."""
    return -(-plan.lanes * plan.weight_width // WIDTH)


def length(plan: Plan) -> int:
    """Words of the stream that all weights take; 0 where the Verilog has them."""
    return plan.words * parts(plan) if plan.storage.weights == "ram" else 0


def image(plan: Plan) -> NDArray[np.uint16]:
    """The words of the stream in their order, (length,).

    A memory word has the weights of one cycle, lane 0's in the lowest bits. It is cut into parts of
    ``WIDTH`` bits, the lowest first; the last one is filled up with zeros.
    """
    if not length(plan):
        return np.zeros(0, np.uint16)
    size = parts(plan) * WIDTH // 8
    words = b"".join(word.to_bytes(size, "little") for word in plan.weight_words())
    return np.frombuffer(words, "<u2").astype(np.uint16)
