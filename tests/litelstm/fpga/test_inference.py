"""Synthesizers' inference from the generic Verilog, checked by counting cells and their names."""

from __future__ import annotations

import json
import re
from math import ceil
from typing import Any

import pytest

from golden.cells import RNN
from golden.quantized import QuantizedNetwork
from hdl import verilog
from hdl.parts.memory import BLOCK_BITS
from hdl.plan import Plan
from hdl.spec.multipliers import Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.fpga.families import FF, LUT, LUT_RAM, MULTIPLIER, RAM, SRL
from litelstm.fpga.flow import Flow, Synthesized
from litelstm.fpga.targets import TARGETS
from sim.draw.sharing import symmetric
from tests.litelstm.conftest import Files
from tests.networks import Recipe, quantized_network

pytestmark = pytest.mark.fpga

TOP = "litelstm_core"
BLOCK_RAMS = r"DP16KD|SB_RAM40_4K|RAMB\d+E1"


def synthesize(target: str, recipe: Recipe, *, lanes: int, tail: int) -> tuple[Synthesized, Any]:
    """The mapped core of a random network, and its description."""
    core = verilog.generate(
        quantized_network(recipe, 1), lanes=lanes, tail_multipliers=tail, name=TOP
    )
    flow = Flow(target=TARGETS[target])
    return flow.synthesize(core.verilog, top=TOP), core.description


def cells(made: Synthesized) -> dict[str, dict[str, Any]]:
    return json.loads((made.folder / "netlist.json").read_text())["modules"][TOP]["cells"]


def in_block_ram(made: Synthesized) -> set[str]:
    """The core's memories that are in block RAM."""
    names = [n for n, cell in cells(made).items() if re.fullmatch(BLOCK_RAMS + ".*", cell["type"])]
    return {re.sub(r"\.\d.*", "", name).removeprefix("core.") for name in names}


def test_memories_are_where_the_rule_says_with_their_registers() -> None:
    """From 512 bits on in block RAM; an ECP5's have taken their output registers.

    Not those of 36 bits: their word comes out of both ports.
    """
    recipe = Recipe(inputs=40, units=(40,), activation_width=8, state_width=13)
    made, description = synthesize("ecp5-25f", recipe, lanes=4, tail=2)
    bits = description["memory_bits"]
    assert min(bits["x"], bits["c"], bits["biases"] // 2, bits["weights"]) >= BLOCK_BITS
    assert max(bits["h"], bits["output"]) < BLOCK_BITS
    found = in_block_ram(made)
    assert {"weights", "store.x_memory", "store.c_memory"} <= found
    assert {name for name in found if "bias" in name} == {"update.bias0_3", "update.bias1_2"}
    assert not [name for name in found if name.startswith(("array", "store.h", "update.buffer"))]
    for name, cell in cells(made).items():
        widths = [cell["parameters"].get(f"DATA_WIDTH_{port}", "") for port in ("A", "B")]
        if cell["type"] == "DP16KD" and max(int(width, 2) for width in widths) <= 18:
            modes = {cell["parameters"][f"REGMODE_{port}"] for port in ("A", "B")}
            assert "OUTREG" in modes, name
    assert made.netlist.used[MULTIPLIER] == 4 + 2


@pytest.mark.parametrize(
    "target", ["ecp5-25f", "ice40-up5k", "gowin-gw2a-18", "nexus-lifcl-40", "xilinx-a35t"]
)
def test_every_part_has_its_cells(target: str, files: Files) -> None:
    """Whatever the family's cells are called, each counts where the design has it.

    One multiplier per lane; a 7-series part has the narrower one of the tail's two in logic.
    """
    # The core of `litelstm synth --lanes 2`, which other tests call: it is mapped once.
    storage = Storage(sums=TARGETS[target].family.sums)
    options = CoreOptions(lanes=2, storage=storage)
    plan = Plan(network=QuantizedNetwork.load(files.network), options=options)
    core = verilog.generated(plan, name=TOP)
    made = Flow(target=TARGETS[target]).synthesize(core.verilog, top=TOP)
    netlist, description = made.netlist, core.description
    assert description["multipliers"] == {"array": 2, "state_update": 2, "tanh": 0}
    assert netlist.used[MULTIPLIER] == (3 if target == "xilinx-a35t" else 4)
    assert netlist.parts["array"][MULTIPLIER] == 2
    bits = description["memory_bits"]
    assert bits["weights"] >= BLOCK_BITS
    assert netlist.parts["weights"][RAM] > 0
    assert all(bits[name] < BLOCK_BITS for name in ("x", "h", "c", "output"))
    if target == "ecp5-25f":
        assert {name.split(".")[0] for name in in_block_ram(made)} <= {"weights", "update"}
    assert [name for name in cells(made) if name.startswith("$")] == []
    for resource in (LUT, FF, RAM, MULTIPLIER, LUT_RAM, SRL):
        total = sum(part.get(resource, 0) for part in netlist.parts.values())
        assert ceil(total) == netlist.used.get(resource, 0), resource
    for part in ("array", "state update", "control"):
        assert netlist.parts[part][FF] > netlist.used[FF] / 10, part
    assert sum(netlist.registers.values()) == netlist.used[FF]
    if target == "xilinx-a35t":
        assert set(netlist.registers) == {"FDRE", "FDSE"}
        assert netlist.parts["array"][LUT_RAM] >= 2 * 4  # accumulators and shadows
        assert netlist.used[SRL] == netlist.cells["SRL16E"]


@pytest.mark.parametrize(
    ("target", "weight", "operand", "pack", "cell"),
    [
        ("ecp5-25f", 4, 8, "2", "MULT18X18D"),
        ("ecp5-25f", 6, 8, "2", "MULT18X18D"),
        ("ecp5-25f", 8, 8, "2", "MULT18X18D"),
        ("ecp5-25f", 3, 4, "3", "MULT18X18D"),
        ("xilinx-a35t", 8, 10, "2", "DSP48E1"),
        ("xilinx-a35t", 3, 9, "3", "DSP48E1"),
        ("gowin-gw2a-18", 6, 7, "2", "MULT18X18"),
        ("ice40-up5k", 8, 8, "2", "SB_MAC16"),
        ("ice40-up5k", 4, 9, "2", "SB_MAC16"),
    ],
)
def test_lanes_share_multipliers(
    target: str, weight: int, operand: int, pack: str, cell: str
) -> None:
    """The last lane is alone; whatever tells the products apart takes no multiplier of its own."""
    lanes = int(pack) + 1
    recipe = Recipe(
        inputs=3,
        units=(lanes,),
        outputs=None,
        cells=(RNN(),),
        weight_width=weight,
        activation_width=operand,
    )
    part = TARGETS[target]
    core = verilog.generate(
        symmetric(quantized_network(recipe, 1)),
        lanes=lanes,
        tail_multipliers=0,
        multipliers=Multipliers(**{**part.multipliers, "pack": pack}),
        name=TOP,
    )
    netlist = Flow(target=part).synthesize(core.verilog, top=TOP).netlist
    assert core.description["multipliers"]["array"] == 2
    assert ceil(netlist.parts["array"][MULTIPLIER]) == netlist.used[MULTIPLIER] == 2
    # Gowin has a smaller multiplier for the last lane.
    assert netlist.cells[cell] == 2 - target.startswith("gowin")
