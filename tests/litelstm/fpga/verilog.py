"""Small Verilog benches under Icarus, whose output is compared with a model in Python."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from sim.tools.toolchain import find_tool


def answers(
    words: Sequence[int], folder: Path, *, width: int, inside: str, shown: str, models: str
) -> list[str]:
    """Simulate a design in Icarus Verilog; return its values before each clock edge.

    Args:
        words: what it is given, one per cycle, as the signal ``word``.
        folder: where this is run.
        width: bits of a word.
        inside: Verilog that uses ``clk`` and ``word``.
        shown: arguments of ``$display``.
        models: modules that it uses.
    """
    (folder / "words.hex").write_text("".join(f"{word:x}\n" for word in words))
    bench = f"""
module bench;
  reg [{width - 1}:0] words [0:{len(words) - 1}];
  reg [{width - 1}:0] word;
  reg clk = 0;
  {inside}
  integer n;
  initial begin
    $readmemh("words.hex", words);
    for (n = 0; n < {len(words)}; n = n + 1) begin
      word = words[n];
      #1 $display({shown});
      clk = 1;
      #1 clk = 0;
    end
  end
endmodule
{models}
"""
    (folder / "bench.v").write_text(bench)
    command = [find_tool("iverilog"), "-g2012", "-s", "bench", "-o", "bench", "bench.v"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(
        [find_tool("vvp"), "-n", "bench"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def pins(port: str, width: int, signal: str) -> str:
    """Connections of ports with numbers, ``.A0(a[0]), .A1(a[1])`` and so on."""
    return ", ".join(f".{port}{n}({signal}[{n}])" for n in range(width))
