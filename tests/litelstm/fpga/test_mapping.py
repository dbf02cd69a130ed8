"""Other mappings where a part runs short, and weights in an iCE40's SPRAMs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from golden.cells import RNN
from golden.interface import Interface
from hdl import verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.fpga.families import MULTIPLIER, RAM, SPRAM
from litelstm.fpga.flow import Flow
from litelstm.fpga.mapping import Mapping, relieved, script
from litelstm.fpga.measure import shortages
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import TARGETS
from tests.litelstm.conftest import Call
from tests.networks import Recipe, quantized_network

pytestmark = pytest.mark.fpga

UP5K = TARGETS["ice40-up5k"]
NARROW = Recipe(
    inputs=2, units=(8,), activation_width=5, state_width=6, pre_width=6, log2_entries=3
)
"""Mapped in half the time that usual widths take."""

TABLE, BUFFER, X = "core.update.tanh0.rom", "core.update.buffer.memory", "core.store.x_memory"
MEMORIES = {X: 1, "core.store.h_memory": 1, BUFFER: 2, TABLE: 1, "core.array.shadow.bank0": 12}


def taking(*, rams: int, multipliers: int = 0, array: int = 0) -> Netlist:
    return Netlist(
        cells={},
        used={RAM: rams, MULTIPLIER: multipliers},
        parts={"array": {MULTIPLIER: array}},
        registers={},
        memories=MEMORIES,
    )


@pytest.mark.parametrize(
    ("rams", "moved"),
    [(30, ()), (31, (TABLE,)), (33, (TABLE, BUFFER)), (34, (TABLE, BUFFER, X)), (35, ())],
)
def test_memories_go_into_logic_one_by_one_and_only_if_that_is_enough(
    rams: int, moved: tuple[str, ...]
) -> None:
    assert relieved(taking(rams=rams), UP5K) == Mapping(memories_in_logic=moved)


@pytest.mark.parametrize(
    ("array", "multipliers", "in_logic"),
    [(7, 8, False), (8, 9, True), (7, 9, True), (9, 10, False)],
)
def test_products_go_into_logic_where_the_array_has_its_multipliers(
    array: int, multipliers: int, in_logic: bool
) -> None:
    netlist = taking(rams=1, multipliers=multipliers, array=array)
    assert relieved(netlist, UP5K) == Mapping(products_in_logic=in_logic)


def test_other_families_are_left_alone() -> None:
    ecp5 = TARGETS["ecp5-25f"]
    assert relieved(taking(rams=99, multipliers=99, array=20), ecp5) == Mapping()
    assert script(ecp5, top="t", mapping=Mapping()).splitlines() == [
        "read_verilog core.v",
        "scratchpad -set abc9.D 4000",
        "synth_ecp5  -top t",
        "autoname",
        "write_json netlist.json",
    ]


def test_a_part_without_sprams_does_not_do() -> None:
    assert shortages({SPRAM: 4}, UP5K) == {}
    assert shortages({SPRAM: 4}, TARGETS["ice40-hx8k"]) == {SPRAM: (4, 0)}


def test_eight_lanes_and_loaded_weights_on_an_up5k(call: Call, tmp_path: Path) -> None:
    """Eight lanes take all its multipliers, their weights all SPRAMs, their sums block RAMs."""
    network = tmp_path / "net.q.npz"
    quantized = quantized_network(
        # As little as possible beside the eight lanes, so that it is routed soon.
        replace(NARROW, out_width=6),
        1,
    )
    quantized.save(network)
    options = "--target ice40-up5k --lanes 8 --tail-multipliers 1 --storage ram --classes"
    done = call("synth", network, *options.split(), "--pack", "off", "--json", "-")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["tail_multipliers"] == 1
    assert told["storage"] == {"weights": "ram", "sums": "block"}
    assert told["interface"]["classes"] is True
    assert told["resources"][SPRAM] == {"used": 4, "available": 4}
    assert told["resources"][MULTIPLIER] == {"used": 8, "available": 8}
    assert told["parts"]["array"][MULTIPLIER] == 8
    assert told["parts"]["weights"][RAM] == 0
    assert told["parts"]["array"][RAM] == 2 * -(-8 * quantized.accumulator_width // 16)
    assert told["clock"]["median_mhz"] > 15


def test_registers_of_constants_are_no_obstacle() -> None:
    """One gate and as many lanes as units: what says which sum is read hardly changes."""
    recipe = Recipe(inputs=2, units=(8,), outputs=2, cells=(RNN(),), log2_entries=3)
    plan = Plan(
        network=quantized_network(recipe, 1),
        options=CoreOptions(
            lanes=8,
            tail_multipliers=1,
            interface=Interface(classes=True),
            storage=Storage(weights="ram", sums="block"),
        ),
    )
    core = verilog.generated(plan, name="core")
    used = Flow(target=UP5K).synthesize(core.verilog, top="core").netlist.used
    assert used[MULTIPLIER] == 8
