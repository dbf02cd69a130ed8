"""Notes for the user on a file's output and sequences; comparison of a network's results."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.cells import Floats
from golden.errors import InputError
from golden.network import Network

ENDS = {"softmax": "Softmax", "logsoftmax": "LogSoftmax", "sigmoid": "Sigmoid"}
"""Functions at the end of a network that the import leaves out, by lower-case name."""

TOLERANCE = 1e-4
"""Largest difference of float32 results from the float reference, relative to the largest."""


def end_note(end: str) -> str:
    """Write the note on a left-out function of ``ENDS``."""
    return f"{ENDS[end]} at the end is left out: the output is its argument"


def steps_note(steps: int) -> str:
    """Write the note on a file with a fixed sequence length."""
    return f"the file's sequences have {steps} steps; assumed that the network takes any number"


def ended(output: Floats, end: str | None) -> Floats:
    """Apply the left-out function to the network's output (batch, outputs)."""
    if end is None:
        return output
    if end == "sigmoid":
        return 1 / (1 + np.exp(-output))
    log = output - output.max(axis=1, keepdims=True)
    log = log - np.log(np.exp(log).sum(axis=1, keepdims=True))
    return np.exp(log) if end == "softmax" else log


def probe(network: Network, batch: int, steps: int) -> Floats:
    """Make random samples (batch, steps, inputs) for which the first layer's sums are about 2."""
    layer = network.layers[0]
    on_x = [layer.weights[g.matrix("x")] for g in layer.cell.gates if "x" in g.reads]
    norm = np.sqrt(np.mean([np.sum(matrix**2, axis=1) for matrix in on_x])) * network.input_scale
    values = np.random.default_rng(0).normal(size=(batch, steps, network.inputs))
    return values * (2 / norm if norm > 0 else 1.0)


def check_results(network: Network, samples: Floats, end: str | None, found: Any) -> None:
    """Refuse a network whose results differ from those of its file or module.

    Args:
        network: the imported network.
        samples: samples of shape (batch, steps, inputs).
        end: the left-out function, a key of ``ENDS`` or ``None``.
        found: results of the file or module for ``samples``, (batch, outputs).

    Raises:
        InputError: the results differ.
    """
    wanted = ended(network.forward(samples), end)
    found = np.asarray(found, dtype=np.float64)
    cells = ", ".join(layer.cell.kind for layer in network.recurrent)
    if found.size != wanted.size:
        raise InputError(
            f"has results of shape {found.shape}, but its layers are read as {cells} with results "
            f"of shape {wanted.shape}"
        )
    error = np.abs(found.reshape(wanted.shape) - wanted).max() / (np.abs(wanted).max() + 1e-6)
    if not error <= TOLERANCE:
        raise InputError(
            f"computes something else than its layers, read as {cells}: results differ by "
            f"{error:.1e}"
        )
