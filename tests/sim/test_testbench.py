"""The plain Verilog bench: it passes on every kind of plain core, and fails on planted bugs."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from golden.cells import GRU, LSTM, RNN
from golden.interface import DEFAULT, Interface
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage
from hdl.verilog import generated
from sim.draw.directions import with_directions
from sim.draw.lively import lively
from sim.draw.networks import Recipe, input_words, quantized_network
from sim.testbench.verilog_bench import verilog_bench
from sim.tools import toolchain

pytestmark = pytest.mark.simulator

EVERYTHING = Interface(streams=3, state="load", every_step=True)
MIXED = Recipe(inputs=2, units=(3, 2, 2), outputs=3, cells=(LSTM(), GRU(), RNN()), mixed=True)
PLANS = {
    "plain": (Recipe(inputs=2, units=(3,), outputs=2), DEFAULT, BUILT_IN),
    "one of everything": (Recipe(inputs=1, units=(1,), outputs=None), DEFAULT, BUILT_IN),
    "every interface": (MIXED, EVERYTHING, BUILT_IN),
    "classes": (MIXED, Interface(streams=2, state="keep", classes=True), Storage(sums="block")),
    "loaded": (MIXED, EVERYTHING, Storage(weights="ram")),
    "two sets": (MIXED, Interface(every_step=True), Storage(weights="double")),
    "both ways": (MIXED, Interface(every_step=True), BUILT_IN),
}
MAX_STEPS = {"both ways": 3}

ICARUS = "iverilog -g2005 -Wall -o tb core/tb.v core.v && vvp -n tb"
VERILATOR = "verilator --binary core/tb.v core.v >log 2>&1 && obj_dir/Vtb"


@cache
def texts(name: str) -> tuple[str, str]:
    """The core and its bench."""
    plan = plan_of(name)
    return generated(plan, name="core").verilog, verilog_bench(plan, name="core")


def plan_of(name: str) -> Plan:
    """The core's plan."""
    recipe, interface, storage = PLANS[name]
    lanes = min(2, max(recipe.units))
    network = quantized_network(recipe, 1)
    network = lively(network, input_words(network, batch=8, steps=4, seed=1))
    max_steps = MAX_STEPS.get(name, 0)
    if max_steps:
        network = with_directions(network, 2)
    options = CoreOptions(lanes=lanes, interface=interface, storage=storage, max_steps=max_steps)
    return Plan(network=network, options=options)


def run(folder: Path, core: str, bench: str, command: str = ICARUS) -> tuple[int, list[str]]:
    """Exit status and lines of a bench; the command is the one that its first lines name."""
    (folder / "core.v").write_text(core)
    (folder / "core").mkdir(exist_ok=True)
    (folder / "core" / "tb.v").write_text(bench)
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={"PATH": toolchain.search_path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("name", PLANS)
def test_a_core_passes_under_icarus(name: str, tmp_path: Path) -> None:
    status, lines = run(tmp_path, *texts(name))
    assert (status, len(lines)) == (0, 1), lines
    assert re.fullmatch(r"PASS: 24 steps, \d+ words, without and with pauses", lines[0])


@pytest.mark.parametrize("command", [ICARUS, VERILATOR], ids=["icarus", "verilator"])
def test_a_core_with_memory_files_passes_and_fails(command: str, tmp_path: Path) -> None:
    """With other words in any of its files a core fails: nothing is built for that."""
    plan, bench = plan_of("plain"), texts("plain")[1]
    core = generated(plan, name="core", memory_files=True)
    for file, text in core.memory_files.items():
        (tmp_path / file).write_text(text)
    status, lines = run(tmp_path, core.verilog, bench, command)
    assert (status, lines[0][:5]) == (0, "PASS:"), lines
    simulator = command.rpartition("&& ")[2]
    for file, text in core.memory_files.items():
        (tmp_path / file).write_text(re.sub("[0-9a-f]", lambda digit: flipped(digit[0]), text))
        status, lines = run(tmp_path, core.verilog, bench, simulator)
        assert status != 0, file
        assert "FAIL" in lines
        (tmp_path / file).write_text(text)


def flipped(digit: str) -> str:
    """Another hexadecimal digit, which no width can exceed."""
    return {"0": "1", "1": "0"}.get(digit, "0")


def crossed(bench: str, port: str, by: str) -> str:
    """A bench whose core has a bug at a port: ``by`` says what it is instead of ``{}``."""
    (net,) = re.findall(rf"\.{port}\((.+?)\)", bench)
    if port.startswith("i_"):
        return bench.replace(f".{port}({net})", f".{port}({by.format(net)})")
    high, low = re.findall(r"\[(\d+):(\d+)\]$", net)[0] if net.endswith("]") else (0, 0)
    seen = f"  wire [{int(high) - int(low)}:0] seen;\n  assign {net} = {by.format('seen')};\n"
    return bench.replace(f".{port}({net})", f".{port}(seen)").replace(
        "  core dut", f"{seen}  core dut"
    )


@pytest.mark.parametrize(
    ("name", "port", "by", "says"),
    [
        ("plain", "o_data", "~{}", "core_8d854f_tb.o: word 0 of"),
        ("plain", "o_last", "1'b0", "core_8d854f_tb.o: word 1 of"),
        ("plain", "o_valid", "1'b0", "nothing moves after 0 words"),
        ("plain", "o_valid", "{} && noise[1]", "withdrawn or changed"),
        ("plain", "o_valid", "1'b1", "core_8d854f_tb.o: word"),
        ("plain", "o_valid", "1'bx", "nothing moves after 0 words"),
        ("plain", "o_data", "{} ^ o_ready", "withdrawn or changed"),
        ("plain", "i_data", "8'h0", "core_8d854f_tb.o: word"),
        ("every interface", "o_stream", "2'h0", "core_8d854f_tb.o: word"),
        ("every interface", "o_state_data", "~{}", "core_8d854f_tb.o_state: word 0 of"),
        ("every interface", "i_keep", "~{}", "core_8d854f_tb.o"),
        ("loaded", "i_weights_data", "~{}", "the image of weights was refused"),
    ],
)
def test_a_planted_bug_fails(name: str, port: str, by: str, says: str, tmp_path: Path) -> None:
    core, bench = texts(name)
    status, lines = run(tmp_path, core, crossed(bench, port, by))
    assert status == 1
    assert lines[-1] == "FAIL"
    assert any(says in line for line in lines), lines


def test_a_core_that_is_a_cycle_late_fails(tmp_path: Path) -> None:
    core, bench = texts("plain")
    (cycles,) = re.findall(r"CYCLES = 32'd(\d+)", bench)
    early = bench.replace(f"32'd{cycles};", f"32'd{int(cycles) - 1};")
    status, lines = run(tmp_path, core, early)
    assert status == 1
    late = f"the last word came after {cycles} cycles, expected {int(cycles) - 1}"
    assert lines == [late, "FAIL"]


def test_the_same_bytes_twice() -> None:
    first = texts("loaded")
    texts.cache_clear()
    assert texts("loaded") == first
