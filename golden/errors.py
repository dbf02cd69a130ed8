"""Exceptions that all parts share: bad input, and a missing package or tool."""

from __future__ import annotations


class InputError(ValueError):
    """A file, field or value that the user gave cannot be used.

    The message is one line that names the place, the value and what was expected, fit to be printed
    as it is (the command line prints it without a traceback and exits with status 2).
    """


class MissingToolError(RuntimeError):
    """A package, simulator or compiler is missing or too old; the message, one line, says how to
    get it.
    """
