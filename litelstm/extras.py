"""Packages that only some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from sim.errors import MissingToolError

SIM = ("cocotb", "cocotb_tools", "filelock")
"""What :mod:`sim` imports beyond what every command needs."""


def require_sim() -> None:
    """Check that the benches can be imported; their modules are imported only after this.

    Raises:
        MissingToolError: a package of the extra ``sim`` is missing.
    """
    for name in SIM:
        if find_spec(name) is None:
            raise MissingToolError(f"{name} is missing: pip install 'litelstm[sim]'")


FPGA = ("pyosys", "filelock")
"""What every target of :mod:`litelstm.fpga` needs; its routers are looked for when one is used."""


def require_fpga() -> None:
    """Check that :mod:`litelstm.fpga` can be imported.

    Raises:
        MissingToolError: a package of the extra ``fpga`` is missing.
    """
    for name in FPGA:
        if find_spec(name) is None:
            raise MissingToolError(f"{name} is missing: pip install 'litelstm[fpga]'")


def require_host() -> None:
    """Check that pyserial can be imported.

    Raises:
        MissingToolError: it is missing.
    """
    if find_spec("serial") is None:
        raise MissingToolError("pyserial is missing: pip install 'litelstm[host]'")
