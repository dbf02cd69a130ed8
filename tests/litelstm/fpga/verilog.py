"""Small Verilog benches under Icarus, whose output is compared with a model in Python."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from sim.toolchain import find_tool


def printed(verilog: str, folder: Path) -> list[str]:
    """The lines that a design with the top module ``bench`` prints."""
    (folder / "bench.v").write_text(verilog)
    command = [find_tool("iverilog"), "-g2012", "-s", "bench", "-o", "bench", "bench.v"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(
        [find_tool("vvp"), "-n", "bench"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def write_hex(path: Path, words: Sequence[int]) -> None:
    """A file for ``$readmemh``."""
    path.write_text("".join(f"{word:x}\n" for word in words))


def pins(port: str, width: int, signal: str) -> str:
    """Connections of ports with numbers, ``.A0(a[0]), .A1(a[1])`` and so on."""
    return ", ".join(f".{port}{n}({signal}[{n}])" for n in range(width))
