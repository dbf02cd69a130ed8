"""Random operations on cores with AXI buses, compared with the golden model step by step.

    python -m sim.bus.soak [--operations 1000000] [--seed 1]

Operations are register accesses, beats of all streams, loads of weights, and resets by pin or by
register, at any time. Every output word, counter and bit of ERRORS must equal the golden model's.
The first difference ends the run; the message names the seed and the episode.
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
"""Number of operations up to which the compiler's optimization takes longer than it saves."""


@click.command()
@click.option("--operations", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(operations: int, seed: int) -> None:
    """Play random operations on every core, and print their counts."""
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
    """Play random operations, about equally many on each core.

    Returns:
        Number of operations, and of episodes of each kind, by core.

    Raises:
        DifferentError: a core differs from the golden model.
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
