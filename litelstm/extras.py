"""Optional packages of the commands; each command checks for its own before it starts."""

from __future__ import annotations

from golden.packages import require

SIM = ("cocotb", "cocotb_tools", "filelock")
"""Packages that :mod:`sim` imports beyond those that every command needs."""

FPGA = ("pyosys", "filelock")
"""Packages for every target of :mod:`litelstm.fpga`; the flow checks for routers itself."""


def require_sim() -> None:
    """Check that the benches can be imported; their modules are imported only after this.

    Raises:
        MissingToolError: a package of the extra ``sim`` is missing.
    """
    require(*SIM, extra="sim")


def require_axi_simulation() -> None:
    """Check for the packages that run programs against simulated cores with a bus.

    Raises:
        MissingToolError: a package of the extra ``sim`` is missing.
    """
    require(*SIM, "cocotbext", extra="sim")


def require_fpga() -> None:
    """Check that :mod:`litelstm.fpga` can be imported.

    Raises:
        MissingToolError: a package of the extra ``fpga`` is missing.
    """
    require(*FPGA, extra="fpga")


def require_boards() -> None:
    """Check that :mod:`litelstm.fpga` can be imported, and for the definitions of boards.

    Raises:
        MissingToolError: a package of the extra ``fpga`` is missing.
    """
    require(*FPGA, "amaranth_boards", extra="fpga")


def require_axi() -> None:
    """Check for the packages that generate cores with a bus.

    Raises:
        MissingToolError: a package of the extra ``axi`` is missing.
    """
    require("systemrdl", "peakrdl_cheader", "peakrdl_ipxact", extra="axi")
