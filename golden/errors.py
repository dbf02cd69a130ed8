"""Exceptions that all parts share: bad input, and a missing package or tool."""

from __future__ import annotations


class InputError(ValueError):
    """Unusable input from the user: a file, a field or a value.

    The message is one line that names the place, the value and the expectation. The command line
    prints it without a traceback and exits with status 2.
    """


class MissingToolError(RuntimeError):
    """Missing or outdated package, simulator or compiler.

    The message is one line that says how to get it.
    """
