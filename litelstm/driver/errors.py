"""Errors between a program and a core."""

from __future__ import annotations


class DriverError(RuntimeError):
    """Failure of a core or of the connection to it; the message is one line."""


class CoreTimeoutError(DriverError):
    """Timeout of a core."""
