"""What can go wrong between Verilog and bitstream, apart from bad input and missing tools."""

from __future__ import annotations

from golden.errors import InputError


class SynthesisError(RuntimeError):
    """A tool of the FPGA flow failed.

    The first line of the message says which one and where its log is; the others are the log's end.
    """


class TooSlowError(InputError):
    """A board's clock is faster than the core; one line says by how much, and what would do."""


class DoesNotFitError(InputError):
    """The core needs more of something than the part has; one line says what, and what would do."""
