"""Random operations on cores with AXI buses, the golden model followed step by step.

    python -m sim.bus.soak [--operations 1000000] [--seed 1]

Operations are accesses to registers, beats of all streams, loads of weights, and resets by pin or
by register, at any time. All output, every counter and every bit of ERRORS is compared with
golden. The first difference ends the run; the message names the seed and the episode.
"""

from __future__ import annotations

import sys
from collections import Counter

import click

from sim.bus.bench import BusBench, bus_library
from sim.bus.checked_bench import DifferentError
from sim.bus.cores import CORES
from sim.bus.episodes import Soak

SHORT = 50_000
"""Operations up to which compiling fast models takes longer than it saves."""


@click.command()
@click.option("--operations", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(operations: int, seed: int) -> None:
    """Play random operations on every core, and print what was done."""
    try:
        total = soak(operations, seed, optimize=operations > SHORT)
    except DifferentError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for name, done in total.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(done.items()))
        print(f"{name}: none different; {kinds}")
    print(f"{sum(done['operations'] for done in total.values())} operations, seed {seed}")


def soak(operations: int, seed: int, *, optimize: bool) -> dict[str, Counter[str]]:
    """Play random operations, a share on each core.

    Returns:
        Per core the number of operations, and of episodes of each kind.

    Raises:
        DifferentError: a core differs from golden.
    """
    library = bus_library({core.name: core.verilog() for core in CORES}, optimize=optimize)
    total: dict[str, Counter[str]] = {}
    for which, core in enumerate(CORES):
        with BusBench(library, which) as bench:
            run = Soak(core, bench, seed)
            while run.operations < operations // len(CORES):
                run.episode()
            total[core.name] = run.kinds + Counter(operations=run.operations)
    return total


if __name__ == "__main__":
    main()
