"""Carry chains of a Nexus: which carry inputs are opened."""

from __future__ import annotations

from typing import Any

import pytest

from litelstm.fpga.carry_inputs import CarryInputs

pytestmark = pytest.mark.fpga

LOW, HIGH, CARRY = 2, 3, 4


def chain_cell(upper: str, *, carry: int, d: int) -> dict[str, Any]:
    return {
        "type": "CCU2",
        "parameters": {"INIT0": "0xFFFF", "INIT1": upper, "INJECT": "NO"},
        "connections": {"CIN": [carry], "D1": [d], "COUT": [CARRY]},
    }


def carries(*cells: dict[str, Any]) -> list[list[int]]:
    tied = [
        {"type": kind, "parameters": {}, "connections": {"Z": [net]}}
        for kind, net in (("VLO", LOW), ("VHI", HIGH))
    ]
    module = {"cells": dict(enumerate([*tied, *cells]))}
    CarryInputs().refine(module)
    return [cell["connections"]["CIN"] for cell in cells]


def test_the_first_cell_of_a_chain_is_opened() -> None:
    first = chain_cell("0x00AA", carry=LOW, d=HIGH)
    assert carries(first, chain_cell("0x96AA", carry=CARRY, d=HIGH)) == [[], [CARRY]]


def test_a_cell_that_may_propagate_its_carry_is_left_alone() -> None:
    assert carries(chain_cell("0x00AA", carry=LOW, d=LOW)) == [[LOW]]
    assert carries(chain_cell("0x96AA", carry=LOW, d=HIGH)) == [[LOW]]
