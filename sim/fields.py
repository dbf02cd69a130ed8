"""Fields that travel beside a core's data on its streams, packed into one number per beat.

An input beat's number has the bits of `PORTS`, each for the port ``i_<name>`` if the core has it,
and `DUE`, for the benches only: the beat ends a sequence. In a core with plain streams the numbers
are 0 and ``LAST | DUE``. An output word's number has ``last`` and ``stream``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.interface import LAST_BEAT, Control

PORTS = {"last": (0, 1), "keep": (1, 1), "load": (2, 1), "save": (3, 1), "stream": (8, 8)}
"""Lowest bit and number of bits of each port's value."""

LAST, DUE = 1, 1 << 4
STREAM = PORTS["stream"][0]


def of_last(last: ArrayLike) -> NDArray[np.uint32]:
    """Make the numbers of beats whose only field is ``last``, from their last flags."""
    return np.where(np.asarray(last, dtype=np.bool_), LAST | DUE, 0).astype(np.uint32)


def of_steps(controls: Sequence[Control], inputs: int) -> NDArray[np.uint32]:
    """Make the numbers of all beats of some steps, each of ``inputs`` beats.

    A field has its value only in the beat in which the core reads it. The step's other beats carry
    its complement, so a core that reads it in the wrong beat fails.
    """
    numbers = np.zeros((len(controls), inputs), dtype=np.uint32)
    for name, (low, width) in PORTS.items():
        mask = (1 << width) - 1
        values = np.array([int(getattr(control, name)) for control in controls], dtype=np.uint32)
        column = np.repeat((values ^ mask)[:, np.newaxis], inputs, axis=1)
        column[:, inputs - 1 if name in LAST_BEAT else 0] = values
        numbers |= column << low
    numbers[:, -1] |= np.array([DUE if c.last else 0 for c in controls], dtype=np.uint32)
    return numbers.reshape(-1)


def port_value(number: int, name: str) -> int:
    """Return a port's value from a beat's number."""
    low, width = PORTS[name]
    return number >> low & (1 << width) - 1
