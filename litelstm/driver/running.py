"""The simulation that runs in this process, if any: see :mod:`litelstm.driver.simulation`."""

from __future__ import annotations

from litelstm.driver.backend import Backend
from litelstm.driver.errors import DriverError

_BACKENDS: list[Backend] = []


def enter(backend: Backend) -> None:
    """Make a simulated core the one that programs of this process find."""
    _BACKENDS.append(backend)


def leave() -> None:
    """Undo the last :func:`enter`."""
    _BACKENDS.pop()


def backend() -> Backend:
    """Return the backend of the simulated core.

    Raises:
        DriverError: no simulation runs in this process.
    """
    if not _BACKENDS:
        raise DriverError(
            "no place of the core is given, and this is no simulation: say at=..., set "
            "LITELSTM_AT, or use litelstm run"
        )
    return _BACKENDS[-1]
