"""What can go wrong in a simulation, apart from bad input (that is `golden.errors.InputError`)."""

from __future__ import annotations


class SimulationError(RuntimeError):
    """A build or a run of a simulator did not succeed.

    The first line of the message says what happened and is enough for a user; the lines after it,
    if any, are the end of the simulator's log.
    """


class MissingToolError(SimulationError):
    """A simulator or compiler is missing or too old; the message, one line, says how to get it."""
