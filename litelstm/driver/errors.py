"""What goes wrong between a program and a core."""

from __future__ import annotations


class DriverError(RuntimeError):
    """The core does not do as it should, or the way to it does not; one line."""


class CoreTimeoutError(DriverError):
    """Something did not happen in time."""
