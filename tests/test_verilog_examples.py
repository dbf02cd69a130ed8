"""Examples in plain Verilog: linted with their cores, simulated against the golden model."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench import pages
from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.board.plls.ice40 import Ice40PadPll
from litelstm.cli import main
from sim.testbench.plls import with_plls
from sim.tools import toolchain

pytestmark = pytest.mark.simulator

EXAMPLES = pages.ROOT / "examples" / "verilog"

BENCHES = {
    "classify": """
  reg start = 0;
  wire done;
  wire [3:0] class_index;
  classify dut(.clk(clk), .rst(rst), .start(start), .done(done), .class_index(class_index));
  initial begin
    repeat (2) begin
      wait (!rst) @(negedge clk) start = 1;
      @(negedge clk) start = 0;
      @(posedge done) #1 $display("class %0d", class_index);
    end
    $finish;
  end
""",
    "axi_top": """
  reg [7:0] pixels [0:63];
  reg [31:0] x = 0;
  reg valid = 0, last = 0;
  wire ready, found, y_last, faulty;
  wire [31:0] y;
  integer beat;
  axi_top dut(
    .clk(clk), .resetn(!rst), .x_tdata(x), .x_tvalid(valid), .x_tlast(last), .x_tready(ready),
    .y_tdata(y), .y_tvalid(found), .y_tlast(y_last), .y_faulty(faulty), .y_tready(1'b1)
  );
  initial begin
    $readmemh("digit.hex", pixels);
    wait (!rst);
    for (beat = 0; beat < 32; beat = beat + 1) begin
      @(negedge clk);
      x = {pixels[beat % 16 * 4 + 3], pixels[beat % 16 * 4 + 2], pixels[beat % 16 * 4 + 1],
           pixels[beat % 16 * 4]};
      valid = 1;
      last = beat % 16 == 15;
      #1 while (!ready) @(negedge clk) #1;
    end
    @(negedge clk) valid = 0;
  end
  integer frames = 0;
  always @(posedge clk) if (found) begin
    if (y_last && !faulty) $display("class %0d", y);
    frames = frames + 1;
    if (frames == 2) $finish;
  end
""",
    "board_top": """
  reg button_n = 1;
  wire [3:0] led;
  integer press;
  board_top #(.PAUSE_BITS(4)) dut(.clk12(clk), .button_n(button_n), .led(led));
  initial for (press = 0; press < 2; press = press + 1) begin
    wait (!dut.rst) repeat (40) @(negedge clk);
    button_n = 0;
    repeat (40) @(negedge clk);
    button_n = 1;
    @(posedge dut.done) @(negedge clk) @(negedge clk) $display("class %0d", led);
    if (press == 1) $finish;
  end
""",
}
"""Body of each example's bench: two classifications."""

_BENCH = """\
`timescale 1ns/1ns
module bench;
  reg clk = 0, rst = 1;
  always #5 clk = !clk;
  initial #42 rst = 0;
  initial #2000000 $display("too long");
  initial #2000001 $finish;
{body}
endmodule
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cores that the examples name, made by the commands in them."""
    folder = tmp_path_factory.mktemp("examples")
    for text in ("classify.v", "axi_top.v"):
        (command,) = re.findall(r"^// +litelstm (.*)$", (EXAMPLES / text).read_text(), re.MULTILINE)
        *words, output = command.replace("models/", f"{pages.ROOT}/models/").split()
        with pytest.raises(SystemExit) as ended:
            main([*words, str(folder / output)])
        assert ended.value.code == 0
    (folder / "plls.v").write_text(with_plls(""))
    (folder / "digit.hex").write_bytes((EXAMPLES / "digit.hex").read_bytes())
    return folder


def files(name: str, folder: Path) -> list[str]:
    """Sources of an example."""
    core = "digits_axi" if name == "axi_top" else "digits"
    names = {"board_top": ["board_top.v", "classify.v"]}.get(name, [f"{name}.v"])
    models = [str(folder / "plls.v")] if name == "board_top" else []
    core_files = [str(folder / "build" / core / f"{core}.v")]
    return [*(str(EXAMPLES / each) for each in names), *core_files, *models]


def said(*command: str, folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", BENCHES)
def test_lint(name: str, sources: Path) -> None:
    verilator = toolchain.find_tool("verilator")
    # Open outputs and registers with initial values are meant.
    options = ["-Wall", "-Wno-fatal", "-Wno-PINCONNECTEMPTY", "-Wno-PROCASSINIT"]
    lint = ["--lint-only", *options, "--top-module", name, *files(name, sources)]
    warnings = [
        line
        for line in said(verilator, *lint, folder=sources).splitlines()
        if line.startswith("%") and str(EXAMPLES) in line
    ]
    assert not warnings


@pytest.mark.parametrize("name", BENCHES)
def test_class_is_the_golden_models(name: str, sources: Path) -> None:
    (sources / f"{name}_bench.v").write_text(_BENCH.format(body=BENCHES[name]))
    program = str(sources / f"{name}.vvp")
    sorts = ["-g2005", "-Wall", "-Wno-timescale", "-s", "bench", "-o", program]
    warnings = said(
        toolchain.find_tool("iverilog"),
        *sorts,
        f"{name}_bench.v",
        *files(name, sources),
        folder=sources,
    )
    assert str(EXAMPLES) not in warnings
    printed = said(toolchain.find_tool("vvp"), "-n", program, folder=sources)
    network = QuantizedNetwork.load(pages.ROOT / "models" / "digits_litelstm_w8a8.npz")
    words = [int(word, 16) for word in (EXAMPLES / "digit.hex").read_text().split()]
    x = np.array(words, dtype=np.int64).reshape(1, 8, 8)
    ((wanted,),) = Interface(classes=True).answer(IntegerModel(network).forward(x))
    assert wanted == 0  # it is the picture of a zero
    assert re.findall(r"^class (\d+)$", printed, re.MULTILINE) == [str(wanted)] * 2, printed


def test_the_boards_pll_is_the_one_that_build_chooses() -> None:
    text = (EXAMPLES / "board_top.v").read_text()
    found = {name: int(value) for name, value in re.findall(r"\.(\w+)\(\d'd(\d+)\)", text)}
    pll = Ice40PadPll.nearest(12_000_000, 27_000_000)
    assert pll.output == 27_000_000
    assert found["DIVR"] == pll.divider - 1
    assert found["DIVF"] == pll.multiplier - 1
    assert 2 ** found["DIVQ"] == pll.output_divider
    assert found["FILTER_RANGE"] == pll.filter_range
