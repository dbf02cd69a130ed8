"""The ECP5 netlist's registers: taken into block RAMs, and one a multiplier."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from litelstm.fpga.factor_registers import duplicate
from litelstm.fpga.ram_registers import absorb

CLOCK, WORD, HELD = 2, 10, 20


def register(data: int, q: int, **changes: Any) -> dict[str, Any]:
    parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
    return {
        "type": "TRELLIS_FF",
        "parameters": {**parameters, **changes.get("parameters", {})},
        "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
        "connections": {
            "CLK": [changes.get("clock", CLOCK)],
            "DI": [data],
            "LSR": changes.get("reset", ["0"]),
            "Q": [q],
        },
    }


def ram(width: str = "1001") -> dict[str, Any]:
    outputs = {f"DOA{n}": [WORD + n] for n in range(2)} | {"DOB0": [WORD + 8]}
    inputs = {"CLKA": [CLOCK], "CLKB": [CLOCK], "OCEA": ["1"], "OCEB": ["1"]}
    return {
        "type": "DP16KD",
        "parameters": {
            "REGMODE_A": "NOREG",
            "REGMODE_B": "NOREG",
            "DATA_WIDTH_A": width,
            "DATA_WIDTH_B": width,
        },
        "port_directions": {
            **dict.fromkeys(outputs, "output"),
            **dict.fromkeys(inputs, "input"),
        },
        "connections": {**outputs, **inputs},
    }


def module(**cells: dict[str, Any]) -> dict[str, Any]:
    """Two bits of a word in registers; what reads them is a port."""
    made = {
        "ram": ram(),
        "bit0": register(WORD, HELD),
        "bit1": register(WORD + 1, HELD + 1),
        **cells,
    }
    return {"cells": made, "ports": {"o": {"bits": [HELD, HELD + 1]}}}


def test_a_word_in_registers_becomes_the_block_rams() -> None:
    design = module()
    assert absorb(design) == 1
    assert list(design["cells"]) == ["ram"]
    made = design["cells"]["ram"]
    assert [made["connections"][f"DOA{n}"] for n in range(2)] == [[HELD], [HELD + 1]]
    assert made["parameters"]["REGMODE_A"] == "OUTREG"
    assert made["parameters"]["REGMODE_B"] == "NOREG"  # nobody reads it
    assert absorb(design) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"bit1": register(WORD + 1, HELD + 1, parameters={"CEMUX": "CE"})},
        {"bit1": register(WORD + 1, HELD + 1, parameters={"CLKMUX": "INV"})},
        {"bit1": register(WORD + 1, HELD + 1, reset=[7])},
        {"bit1": register(WORD + 1, HELD + 1, clock=3)},
        {"third": register(WORD + 1, HELD + 2)},
        {"ram": ram("100100")},
    ],
    ids=["enabled", "other edge", "reset", "other clock", "read twice", "one port of two"],
)
def test_other_registers_stay(other: dict[str, Any]) -> None:
    design = module(**other)
    before = deepcopy(design)
    assert absorb(design) == 0
    assert design == before


def test_a_word_that_leaves_unregistered_stays() -> None:
    design = module()
    design["ports"]["o"]["bits"].append(WORD)
    assert absorb(design) == 0


def multiplier(*bits: int) -> dict[str, Any]:
    return {
        "type": "MULT18X18D",
        "port_directions": {**{f"A{n}": "input" for n in range(len(bits))}, "P0": "output"},
        "connections": {**{f"A{n}": [bit] for n, bit in enumerate(bits)}, "P0": [90]},
    }


def test_each_multiplier_gets_registers_of_its_own() -> None:
    design = {
        "cells": {
            "a": register(5, HELD),
            "a_1": register(8, HELD + 2),  # as Yosys names the register of another bit
            "b": register(6, HELD + 1),
            "one": multiplier(HELD, HELD + 1, HELD + 1),
            "two": multiplier(HELD, 50),
            "three": multiplier(HELD, HELD + 1, HELD + 1),
        },
        "ports": {},
    }
    assert duplicate(design) == 3
    cells = design["cells"]
    q = {
        name: cell["connections"]["Q"][0]
        for name, cell in cells.items()
        if "Q" in cell["connections"]
    }
    assert len(set(q.values())) == len(q) == 6
    assert cells["a_1"] == register(8, HELD + 2)
    assert cells["one"]["connections"]["A0"] == [HELD]
    assert cells["two"]["connections"] == {"A0": [q["a_copy1"]], "A1": [50], "P0": [90]}
    assert (
        cells["three"]["connections"]["A1"] == cells["three"]["connections"]["A2"] == [q["b_copy2"]]
    )
    assert cells["a_copy1"]["connections"]["DI"] == cells["a_copy2"]["connections"]["DI"] == [5]
    assert not {90, 50} & {q["a_copy1"], q["a_copy2"], q["b_copy2"]}
    assert duplicate(design) == 0
