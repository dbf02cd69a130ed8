"""The examples of docs/system.md as they stand there: commands, what they print, and code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from bench import pages
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from litelstm.cli import main
from litelstm.driver import Description, ModelBackend
from sim.tools import toolchain
from tests.litelstm import c_example, commands, litex_soc
from tests.litelstm.driver.test_backends import FakeChannel

pytestmark = pytest.mark.simulator

TEXT = pages.read("docs/system.md")
block = partial(pages.block, TEXT)


def names_of(words: str) -> dict[str, Any]:
    """Run the one example in Python with these words; returns the names that it defines."""
    names: dict[str, Any] = {}
    exec(block("python", words), names)
    return names


def generate(folder: str) -> None:
    """Run the command of the page that fills a folder."""
    (line,) = (line for line, _ in pages.commands(TEXT) if line.endswith(f"-o {folder}"))
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 0


@pytest.fixture(autouse=True)
def _in_a_folder_with_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(pages.ROOT / "models" / "iot_litelstm_w8a8.npz", tmp_path / "models")
    monkeypatch.chdir(tmp_path)


def test_ten_minutes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """All commands in their order, then what the generated files are used for."""
    Path("program.py").write_text(block("python", "NETWORK = "))
    for line, shown in pages.commands(TEXT):
        printed = commands.run(capsys, *line.split())
        own = "\n".join(x for x in printed.splitlines() if not x.startswith("icarus ")) + "\n"
        assert pages.matches(own, shown), printed
    in_verilog(tmp_path)
    in_c(capsys, tmp_path)


def in_verilog(folder: Path) -> None:
    """The instance, with the generated core, in both simulators: all ports fit."""
    (folder / "system.v").write_text(block("verilog", "module system"))
    files = ["system.v", "build/ip/litelstm_core.v"]
    for tool, options in (
        ("iverilog", ["-g2005", "-Wall", "-t", "null", "-s", "system"]),
        (
            "verilator",
            ["--lint-only", "-Wno-fatal", "-Werror-PINMISSING", "--top-module", "system"],
        ),
    ):
        done = subprocess.run(
            [toolchain.find_tool(tool), *options, *files],
            env=toolchain.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "PINMISSING" not in done.stderr
        assert "port" not in done.stderr.lower(), done.stderr


def in_c(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """The example gives the golden model's words, from the core that the page generates."""
    (folder / "classify.c").write_text(block("c", "litelstm_run"))
    (folder / "hooks.c").write_text(c_example.HOOKS)
    subprocess.run(re.findall(r"    (gcc .*)", TEXT)[0].split(), check=True)
    strict = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Ibuild/ip", "-fPIC"]
    names = ["-Dlitelstm_mmio_read=bus_read", "-Dlitelstm_mmio_write=bus_write"]
    subprocess.run([*strict, *names, "-c", "classify.c", "-o", "example.o"], check=True)
    files = ["example.o", "hooks.c", "build/ip/litelstm.c"]
    subprocess.run([*strict, "-shared", "-o", "example.so", *files], check=True)
    core = ["--core", "build/ip/litelstm_core.json", "--sim", "icarus"]
    program = [str(c_example.__file__), str(folder / "example.so"), "models/iot_litelstm_w8a8.npz"]
    assert commands.run(capsys, "run", *core, *program).endswith("right\n")


def test_in_amaranth() -> None:
    """The instance runs: its identity is read over AXI4-Lite."""
    m, core = names_of("def system")["system"](
        QuantizedNetwork.load("models/iot_litelstm_w8a8.npz")
    )
    read: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(core.s_axil_arvalid, 1)
        ctx.set(core.s_axil_rready, 1)
        await ctx.tick().until(core.s_axil_rvalid)
        read.append(ctx.get(core.s_axil_rdata))

    sim = Simulator(m)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    assert read == [int.from_bytes(b"LSTM", "little")]


def test_on_pynq(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The overlay's objects are used as PYNQ names them; a model of the core stands behind them."""
    generate("build/ip")
    network = QuantizedNetwork.load("models/iot_litelstm_w8a8.npz")
    model = ModelBackend(Description.load("build/ip/litelstm_core.json"), network)
    asked: list[tuple[int, str]] = []

    def allocate(size: int, kind: str) -> Any:
        asked.append((size, kind))
        return np.zeros(size, kind)

    monkeypatch.setitem(sys.modules, "pynq", SimpleNamespace(allocate=allocate))
    dma = SimpleNamespace(sendchannel=FakeChannel(model, "x"), recvchannel=FakeChannel(model, "y"))
    overlay = SimpleNamespace(axi_dma_0=dma, litelstm_core=SimpleNamespace(mmio=model))
    x = np.random.default_rng(1).integers(network.x.min, network.x.max + 1, (4, network.inputs))
    with names_of("def open_on_pynq")["open_on_pynq"](overlay) as core:
        assert (core.run(x) == IntegerModel(network).forward(x[np.newaxis])[0]).all()
    assert {kind for _, kind in asked} == {"u1"}


@pytest.mark.parametrize("bus", ["wishbone", "axi-lite", "axi"])
def test_in_litex(bus: str, tmp_path: Path) -> None:
    """It elaborates on every kind of bus; on the default one the core's registers are reached."""
    soc = tmp_path / "soc.v"
    soc.write_text(litex_soc.verilog(names_of("def add_litelstm")["add_litelstm"], bus=bus))
    assert "litelstm_core litelstm_core(" in soc.read_text()
    if bus == "wishbone":
        generate("build/litex")
        words = litex_soc.accesses(soc, tmp_path / "build" / "litex" / "litelstm_core.v")
        assert words == ["4d54534c", "00000005"]


def test_no_example_is_left_out() -> None:
    """The languages of the page's blocks, and each block of Python by what a test takes it by."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert {language for language, _ in blocks} == {"python", "c", "verilog"}
    taken = ("NETWORK = ", "def open_on_pynq", "def system", "def add_litelstm")
    for text in (text for language, text in blocks if language == "python"):
        assert sum(words in text for words in taken) == 1, text
