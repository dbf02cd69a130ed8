"""Refinements of netlists: a cached netlist is never that of another version."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from litelstm.fpga import tools
from litelstm.fpga.flow import Flow
from litelstm.fpga.targets import TARGETS
from tests.litelstm.fpga.test_adder_inputs import LOGIC, SUM, A, B, C, adder
from tests.litelstm.fpga.test_carry_inputs import HIGH, LOW, chain_cell
from tests.litelstm.fpga.test_registers import HELD, deep_memory, lut, multiplier, register

pytestmark = pytest.mark.fpga


def ecp5() -> dict[str, Any]:
    """A deep memory, a multiplier with registers on both sides, and an adder behind a LUT."""
    design = deep_memory("1100101011001010")
    for n in range(2):
        design["cells"][f"factor{n}"] = register(70 + n, 80 + n)
    design["cells"] |= {"product": register(90, 91), "one": multiplier((80,), (81,))}
    design["cells"] |= {"before": lut("0110" * 4, LOGIC, B, C), "add": adder(A, LOGIC, "0")}
    design["ports"]["o"]["bits"] = [HELD, 91, SUM]
    return design


def nexus() -> dict[str, Any]:
    """The first cell of a carry chain."""
    high = {"type": "VHI", "parameters": {}, "connections": {"Z": [HIGH]}}
    return {"cells": {"high": high, "first": chain_cell("0x00AA", carry=LOW, d=HIGH)}}


@pytest.mark.parametrize(
    ("target", "make", "version", "digest"),
    [
        ("ecp5-25f", ecp5, 8, "c5585b8c56a7438d"),
        ("nexus-lifcl-40", nexus, 1, "5ff81d2e4d684b98"),
    ],
)
def test_another_result_has_another_version(
    target: str, make: Callable[[], dict[str, Any]], version: int, digest: str
) -> None:
    refinement = TARGETS[target].family.refinement
    assert refinement
    design = make()
    refinement.refine(design)
    found = sha256(json.dumps(design, sort_keys=True).encode()).hexdigest()[:16]
    assert (refinement.version, found) == (version, digest), "raise the version with the result"


def test_the_version_decides_the_place_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TARGETS["nexus-lifcl-40"]
    netlist = json.dumps({"modules": {"top": {"cells": {}, "ports": {}}}})
    monkeypatch.setattr(
        tools, "yosys", lambda script, folder: (folder / "netlist.json").write_text(netlist)
    )
    folders = []
    for version in (1, 2, 1):
        monkeypatch.setattr(type(target.family.refinement), "version", version)
        made = Flow(target=target, cache=tmp_path).synthesize("module top; endmodule", top="top")
        folders.append(made.folder)
    assert folders[0] == folders[2] != folders[1]
