"""Errors of a simulation, apart from bad input and missing tools (`golden.errors`)."""

from __future__ import annotations


class SimulationError(RuntimeError):
    """A build or a run of a simulator did not succeed.

    The first line of the message says what happened and is enough for a user; the lines after it,
    if any, are the end of the simulator's log.
    """
