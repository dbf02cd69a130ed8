"""The simulation that this process runs in, if it is one: see :mod:`litelstm.driver.simulation`."""

from __future__ import annotations

from litelstm.driver.backend import Backend
from litelstm.driver.errors import DriverError

_BACKENDS: list[Backend] = []


def enter(backend: Backend) -> None:
    """From now on programs of this process find their core in a simulation."""
    _BACKENDS.append(backend)


def leave() -> None:
    """It is over."""
    _BACKENDS.pop()


def backend() -> Backend:
    """The way to the simulated core.

    Raises:
        DriverError: this process is no simulation.
    """
    if not _BACKENDS:
        raise DriverError(
            "no place of the core is given, and this is no simulation: say at=..., set "
            "LITELSTM_AT, or use litelstm run"
        )
    return _BACKENDS[-1]
