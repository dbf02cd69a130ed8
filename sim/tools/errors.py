"""Errors of a simulation, apart from bad input and missing tools (`golden.errors`)."""

from __future__ import annotations


class SimulationError(RuntimeError):
    """A simulator's build or run failed.

    The first line of the message says what happened and is enough for a user. Further lines,
    if any, are the end of the simulator's log.
    """
