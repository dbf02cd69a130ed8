"""Errors between Verilog and bitstream, apart from bad input and missing tools."""

from __future__ import annotations

from golden.errors import InputError


class SynthesisError(RuntimeError):
    """Failure of a tool of the FPGA flow.

    The first line of the message names the tool and its log; the other lines are the log's end.
    """


class TooSlowError(InputError):
    """Core too slow for a board's clock; the message says in one line by how much, and a remedy."""


class DoesNotFitError(InputError):
    """Part too small for the core; the message names in one line the resource and a remedy."""
