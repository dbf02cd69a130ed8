"""Packages that only some commands need."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from sim.errors import MissingToolError

SIM = ("cocotb", "cocotb_tools", "filelock")
"""What :mod:`sim` imports beyond what every command needs."""


def require_sim() -> None:
    """Check that the benches can be imported; their modules are imported only after this.

    Raises:
        MissingToolError: a package of the extra ``sim`` is missing.
    """
    _require(SIM, "sim")


FPGA = ("pyosys", "filelock")
"""What every target of :mod:`litelstm.fpga` needs; its routers are looked for when one is used."""


def require_fpga() -> None:
    """Check that :mod:`litelstm.fpga` can be imported.

    Raises:
        MissingToolError: a package of the extra ``fpga`` is missing.
    """
    _require(FPGA, "fpga")


def require_boards() -> None:
    """The same, and the definitions of boards."""
    _require((*FPGA, "amaranth_boards"), "fpga")


def require_axi() -> None:
    """Check that cores with a bus can be made.

    Raises:
        MissingToolError: a package of the extra ``axi`` is missing.
    """
    _require(("systemrdl", "peakrdl_cheader", "peakrdl_ipxact"), "axi")


def require_axi_simulation() -> None:
    """Check that programs can be run against simulated cores with a bus.

    Raises:
        MissingToolError: a package of the extra ``sim`` is missing.
    """
    _require((*SIM, "cocotbext"), "sim")


def require_host() -> None:
    """Check that pyserial can be imported.

    Raises:
        MissingToolError: it is missing.
    """
    _require(("serial",), "host")


def _require(packages: Iterable[str], extra: str) -> None:
    for name in packages:
        if find_spec(name) is None:
            raise MissingToolError(f"{name} is missing: pip install 'litelstm[{extra}]'")
