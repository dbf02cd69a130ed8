"""Print a hash of the Verilog text of the shipped networks and of random cores of the regression.

    python -m bench.verilog_text --cases 50 --seed 1 > before.txt

The first cores are also printed behind each bus. A change that must not affect any core prints the
same lines before and after.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from golden.quantized import QuantizedNetwork
from hdl.board.board_top import Line
from hdl.bus.options import Bus
from hdl.packaging.system import Host, generate_system
from hdl.verilog import generate
from sim.regress.cases import Case

MODELS = Path(__file__).parents[1] / "models"

LANES = 16

HOSTS = {
    "axi": Host(),
    "data registers": Host(bus=Bus(window=True)),
    "spi": Host(kind="spi"),
    "uart": Host(kind="uart", line=Line(clock=50_000_000, baud=1_000_000)),
}

SYSTEMS = 4
"""Number of random cores also printed behind each host's registers."""


def main() -> None:
    """Print one line per core: the SHA-256 of its Verilog, and its description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=50, help="random cores")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random cores")
    options = parser.parse_args()
    for path in sorted(MODELS.glob("*_w8a8.npz")):
        report(generate(QuantizedNetwork.load(path), lanes=LANES).verilog, path.name)
    for number in range(options.cases):
        case = Case(options.seed, number)
        report(case.core.verilog, f"case {case.seed}:{case.number} {case}")
        for name, host in HOSTS.items() if number < SYSTEMS else ():
            system = generate_system(case.core.plan, host=host)
            report(system.verilog, f"case {case.seed}:{case.number} {name}")


def report(verilog: str, name: str) -> None:
    """Print one core's line."""
    print(hashlib.sha256(verilog.encode()).hexdigest(), name, flush=True)


if __name__ == "__main__":
    main()
