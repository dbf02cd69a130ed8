"""Logic before an ECP5's adder: the adder that takes it computes the same for all inputs."""

from __future__ import annotations

from copy import deepcopy
from itertools import product
from typing import Any

import numpy as np
import pytest

from litelstm.fpga.adder_inputs import ADDS, absorb
from tests.litelstm.fpga.test_registers import lut

pytestmark = [pytest.mark.fpga, pytest.mark.quick]

A, B, C, D, LOGIC, CARRY, SUM, OUT = 110, 111, 112, 113, 120, 130, 140, 141


def adder(a: Any, b: Any, c: Any, **parameters: str) -> dict[str, Any]:
    """A CCU2C whose upper bit adds nothing."""
    inputs = {"A0": a, "B0": b, "C0": c, "D0": "1", "A1": "0", "B1": "0", "C1": "0", "D1": "1"}
    inputs["CIN"] = CARRY
    outputs = {"S0": SUM, "COUT": OUT}
    return {
        "type": "CCU2C",
        "parameters": {"INIT0": ADDS, "INIT1": ADDS, "INJECT1_0": "NO", "INJECT1_1": "NO"}
        | parameters,
        "port_directions": {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")},
        "connections": {port: [net] for port, net in {**inputs, **outputs}.items()},
    }


def module(*luts: dict[str, Any], add: dict[str, Any]) -> dict[str, Any]:
    cells = {f"lut{n}": single for n, single in enumerate(luts)} | {"add": add}
    return {"cells": cells, "ports": {"o": {"bits": [SUM, OUT]}}}


def computed(design: dict[str, Any], values: dict[Any, int]) -> tuple[int, int]:
    """Sum and carry of the lower bit, as in Yosys' model of a CCU2C."""
    nets = {"0": 0, "1": 1, **values}

    def place(cell: dict[str, Any], names: list[str]) -> int:
        return sum(nets[cell["connections"][name][0]] << bit for bit, name in enumerate(names))

    for cell in design["cells"].values():
        if cell["type"] == "LUT4":
            at = place(cell, list("ABCD"))
            nets[cell["connections"]["Z"][0]] = int(cell["parameters"]["INIT"][-1 - at])
    add = design["cells"]["add"]
    at, table = place(add, ["A0", "B0", "C0", "D0"]), add["parameters"]["INIT0"]
    passes, own = int(table[-1 - at]), int(table[-1 - (at & 3)])
    carry = values[CARRY]
    return passes ^ carry, carry if passes else own


def same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for bits in product((0, 1), repeat=5):
        values: dict[Any, int] = dict(zip((A, B, C, D, CARRY), bits, strict=True))
        assert computed(before, values) == computed(after, values)


@pytest.mark.parametrize("subtracts", ["0", "1"])
@pytest.mark.parametrize("swapped", [False, True])
def test_an_adder_with_its_operand_computes_the_same(subtracts: str, swapped: bool) -> None:
    """Tables of all kinds, of one to four inputs and with constants."""
    rng, taken = np.random.default_rng(1), 0
    for nets in ([B], [B, C], [C, "1", B], [B, C, D], [D, B, "1", C], [A, B, C, D]):
        for _ in range(60):
            table = "".join(map(str, rng.integers(0, 2, 16)))
            operands = (LOGIC, A) if swapped else (A, LOGIC)
            design = module(lut(table, LOGIC, *nets), add=adder(*operands, subtracts))
            before = deepcopy(design)
            took = absorb(design)
            assert (design == before) == (not took)
            assert took == ("lut0" not in design["cells"])
            taken += took
            same(before, design)
            if len([net for net in nets if net != "1"]) < 3:
                assert took == (not swapped or subtracts == "0")
    assert taken > 100 or (subtracts == "1" and swapped)


def test_a_multiplexer_fits() -> None:
    table = "".join(str(bit) for bit in [1, 1, 0, 0, 1, 0, 1, 0] * 2)  # C ? B : A
    design = module(lut(table, LOGIC, B, C, D), add=adder(A, LOGIC, "0"))
    assert absorb(design) == 1
    assert design["cells"]["add"]["connections"]["D0"] == [D]


@pytest.mark.parametrize(
    ("add", "more"),
    [
        (adder(A, LOGIC, "0", INJECT1_0="YES"), []),
        (adder(A, LOGIC, "0", INIT0="0" * 16), []),
        (adder(A, LOGIC, C), []),
        (adder(A, LOGIC, "0"), [lut("1" * 16, 99, LOGIC)]),
    ],
    ids=["no carry", "other table", "C is used", "read twice"],
)
def test_other_adders_stay(add: dict[str, Any], more: list[dict[str, Any]]) -> None:
    design = module(lut("0110" * 4, LOGIC, B, C), *more, add=add)
    before = deepcopy(design)
    assert absorb(design) == 0
    assert design == before
