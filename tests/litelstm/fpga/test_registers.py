"""The ECP5 netlist's registers: moved to block RAMs, taken into them and into multipliers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from litelstm.fpga.multiplier_registers import absorb as take
from litelstm.fpga.ram_registers import absorb, retime

pytestmark = pytest.mark.fpga

CLOCK, WORD, HELD = 2, 10, 20


def register(data: int, q: int, **changes: Any) -> dict[str, Any]:
    parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
    enable = {"CE": [changes["enable"]]} if "enable" in changes else {}
    parameters |= {"CEMUX": "CE"} if enable else {}
    return {
        "type": "TRELLIS_FF",
        "parameters": {**parameters, **changes.get("parameters", {})},
        "port_directions": {**dict.fromkeys(("CLK", "DI", "LSR", *enable), "input"), "Q": "output"},
        "connections": {
            "CLK": [changes.get("clock", CLOCK)],
            "DI": [data],
            "LSR": changes.get("reset", ["0"]),
            "Q": [q],
            **enable,
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
        {"bit1": register(WORD + 1, HELD + 1, enable=9)},
        {"bit1": register(WORD + 1, HELD + 1, parameters={"CLKMUX": "INV"})},
        {"bit1": register(WORD + 1, HELD + 1, reset=[7])},
        {"bit1": register(WORD + 1, HELD + 1, clock=3)},
        {"third": register(WORD + 1, HELD + 2)},
        {"ram": ram("100100"), "bit2": register(WORD + 8, HELD + 2, clock=3)},
    ],
    ids=["enabled", "other edge", "reset", "other clock", "read twice", "one port of two"],
)
def test_other_registers_stay(other: dict[str, Any]) -> None:
    design = module(**other)
    before = deepcopy(design)
    assert absorb(design) == 0
    assert design == before


def test_a_word_of_both_ports_becomes_the_block_rams() -> None:
    design = module(ram=ram("100100"), bit2=register(WORD + 8, HELD + 2))
    assert absorb(design) == 1
    made = design["cells"].pop("ram")
    assert not design["cells"]
    assert made["connections"]["DOB0"] == [HELD + 2]
    assert [made["parameters"][f"REGMODE_{port}"] for port in "AB"] == ["OUTREG", "OUTREG"]


def test_a_word_that_leaves_unregistered_stays() -> None:
    design = module()
    design["ports"]["o"]["bits"].append(WORD)
    assert absorb(design) == 0


def lut(init: str, z: int, *inputs: Any) -> dict[str, Any]:
    ports = dict(zip("ABCD", [*inputs, "0", "0", "0", "0"], strict=False))
    return {
        "type": "LUT4",
        "parameters": {"INIT": init},
        "port_directions": {**dict.fromkeys("ABCD", "input"), "Z": "output"},
        "connections": {**{port: [net] for port, net in ports.items()}, "Z": [z]},
    }


def deep_memory(init: str) -> dict[str, Any]:
    """Two words, chosen by a register's bit 50, then a register."""
    return module(
        bit0=lut(init, 30, WORD, WORD + 8, 50),
        bit1=register(30, HELD),
        select=register(49, 50),
    ) | {"ports": {"o": {"bits": [HELD]}}}


def test_a_register_behind_a_multiplexer_moves_to_the_block_ram() -> None:
    design = deep_memory("1100101011001010")
    assert retime(design) == 1
    cells = design["cells"]
    assert "bit1" not in cells
    assert cells["bit0"]["connections"]["Z"] == [HELD]
    moved = {
        cell["connections"]["DI"][0]: cell["connections"]["Q"][0]
        for name, cell in cells.items()
        if "_moved" in name
    }
    assert set(moved) == {WORD, WORD + 8, 50}
    assert [cells["bit0"]["connections"][port][0] for port in "ABC"] == [
        moved[WORD],
        moved[WORD + 8],
        moved[50],
    ]
    assert len({*moved.values(), WORD, WORD + 8, 50, HELD, 30, 49}) == 9
    assert absorb(design) == 2  # port B has one word only, port A's other bit is not used


def test_a_register_behind_one_that_has_moved_stays() -> None:
    design = deep_memory("1100101011001010")
    design["cells"] |= {
        "next": lut("0110011001100110", 60, HELD, 50),
        "after": register(60, 61),
    }
    design["ports"]["o"]["bits"] = [61]
    assert retime(design) == 1
    assert design["cells"]["after"]["connections"]["DI"] == [60]


@pytest.mark.parametrize(("one", "moves"), [("1010101010101010", 1), ("1010101010101011", 0)])
def test_a_register_moves_over_two_luts_and_what_joins_them(one: str, moves: int) -> None:
    """The lower LUT, which is chosen at the start, must be 0 then; the upper one need not."""
    design: dict[str, Any] = module(
        lower=lut(one, 31, WORD, 50),
        upper=lut("1010101010101011", 32, WORD + 8),
        bit0={
            "type": "PFUMX",
            "parameters": {},
            "port_directions": {**dict.fromkeys(("BLUT", "ALUT", "C0"), "input"), "Z": "output"},
            "connections": {"BLUT": [31], "ALUT": [32], "C0": [51], "Z": [30]},
        },
        bit1=register(30, HELD),
    ) | {"ports": {"o": {"bits": [HELD]}}}
    assert retime(design) == moves
    if moves:
        connections = design["cells"]["bit0"]["connections"]
        assert (connections["BLUT"], connections["ALUT"], connections["Z"]) == ([31], [32], [HELD])
        assert connections["C0"] != [51]


@pytest.mark.parametrize(
    "change",
    [
        {"init": "1100101011001011"},
        {"ports": {"o": {"bits": [HELD, 30]}}},
        {"bit1": register(30, HELD, enable=9)},
        {"bit1": register(30, HELD, reset=[7])},
        {"bit1": register(30, HELD, parameters={"REGSET": "SET"})},
    ],
    ids=["1 at the start", "read elsewhere", "enabled", "reset", "starts from 1"],
)
def test_other_registers_do_not_move(change: dict[str, Any]) -> None:
    design = deep_memory(change.pop("init", "1100101011001010"))
    design["ports"] = change.pop("ports", design["ports"])
    design["cells"] |= change
    before = deepcopy(design)
    assert retime(design) == 0
    assert design == before


def multiplier(a: tuple[Any, ...], b: tuple[Any, ...], p: tuple[int, ...] = (90,)) -> Any:
    factors = {f"A{n}": [bit] for n, bit in enumerate(a)} | {
        f"B{n}": [bit] for n, bit in enumerate(b)
    }
    product = {f"P{n}": [bit] for n, bit in enumerate(p)}
    return {
        "type": "MULT18X18D",
        "parameters": {},
        "port_directions": {**dict.fromkeys(factors, "input"), **dict.fromkeys(product, "output")},
        "connections": {**factors, **product},
    }


def test_multipliers_get_the_registers_of_their_factors() -> None:
    """Each its own of a register that several share; it stays where something else reads it.

    Registers of a factor may have an enable.
    """
    design = {
        "cells": {
            "shared": register(5, HELD, reset=[8]),
            "a": register(6, HELD + 1, enable=9),
            "b": register(7, HELD + 2),
            "one": multiplier((HELD, HELD, "0"), (HELD + 1,), (90,)),
            "two": multiplier((HELD,), (HELD + 2,), (91,)),
        },
        "ports": {"o": {"bits": [90, 91, HELD + 2]}},
    }
    assert take(design) == (2, 0)
    cells = design["cells"]
    assert set(cells) == {"one", "two", "b"}
    one, two = cells["one"]["connections"], cells["two"]["connections"]
    assert [one[port] for port in ("A0", "A1", "A2", "B0")] == [[5], [5], ["0"], [6]]
    assert [two[port] for port in ("A0", "B0")] == [[5], [7]]
    for made, enable in ((one, 9), (two, "1")):
        assert {port: made[port] for port in ("CLK0", "CE0", "CE1", "RST0", "RST1")} == {
            "CLK0": [CLOCK],
            "CE0": ["1"],
            "CE1": [enable],
            "RST0": [8],
            "RST1": ["0"],
        }
    assert cells["one"]["parameters"]["REG_INPUTA_CLK"] == "CLK0"
    assert cells["one"]["parameters"]["REG_INPUTB_RST"] == "RST1"
    assert take(design) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"a": register(6, HELD + 1, enable=9, reset=[8])},
        {"a": register(6, HELD + 1, clock=3)},
        {"one": multiplier((HELD, "1"), (HELD + 1,))},
        {"one": multiplier((HELD, 9), (HELD + 1,))},
        {f"lut{n}": lut("1" * 16, 6 if n == 0 else 60 + n, 61 + n) for n in range(3)},
    ],
    ids=["enabled and reset", "other clock", "constant 1", "no register", "behind much logic"],
)
def test_else_multipliers_get_the_registers_of_their_products(change: dict[str, Any]) -> None:
    design = {
        "cells": {
            "shared": register(5, HELD),
            "a": register(6, HELD + 1),
            "one": multiplier((HELD,), (HELD + 1,)),
            "product": register(90, HELD + 3),
            **change,
        },
        "ports": {"o": {"bits": [HELD, HELD + 1, HELD + 3]}},
    }
    other = deepcopy(design)
    other["ports"]["o"]["bits"].append(90)
    assert take(design) == (0, 1)
    assert "product" not in design["cells"]
    made = design["cells"]["one"]
    assert made["connections"]["P0"] == [HELD + 3]
    assert made["connections"]["CLK0"] == [CLOCK]
    assert made["parameters"]["REG_OUTPUT_CLK"] == "CLK0"
    assert take(other) == (0, 0)  # the product is read itself


def test_a_multiplier_gets_registers_on_both_sides() -> None:
    design = {
        "cells": {
            "a": register(5, HELD),
            "b": register(6, HELD + 1),
            "one": multiplier((HELD,), (HELD + 1,)),
            "product": register(90, HELD + 3),
        },
        "ports": {"o": {"bits": [HELD + 3]}},
    }
    assert take(design) == (1, 1)
    assert set(design["cells"]) == {"one"}
    chosen = design["cells"]["one"]["parameters"]
    assert [chosen[f"REG_{name}_CE"] for name in ("INPUTA", "INPUTB", "OUTPUT")] == [
        "CE0",
        "CE1",
        "CE2",
    ]
