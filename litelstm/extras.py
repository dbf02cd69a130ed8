"""Optional packages of the commands; each command checks for its own before it starts."""

from __future__ import annotations

from golden import packages

_SIM = ("cocotb", "cocotb_tools", "filelock")
_FPGA = ("pyosys", "filelock")

NEEDS = {
    "benches": ("sim", _SIM),
    "programs": ("sim", (*_SIM, "cocotbext")),
    "synthesis": ("fpga", _FPGA),
    "boards": ("fpga", (*_FPGA, "amaranth_boards")),
    "exploration": ("explore", ("optuna",)),
    "reports": ("report", ("jinja2", "plotly")),
    "registers": ("axi", ("systemrdl", "peakrdl_cheader", "peakrdl_ipxact")),
}
"""Extra and packages by work, beyond those that every command needs. ``programs`` run against
simulated cores with a bus; the flow of ``synthesis`` checks for routers itself."""


def require_for(work: str) -> None:
    """Check for the packages that some work needs; its modules are imported only after this.

    Args:
        work: a key of ``NEEDS``.

    Raises:
        MissingToolError: a package is missing; the message names its extra.
    """
    extra, names = NEEDS[work]
    packages.require(*names, extra=extra)
