"""Random operations on cores with AXI buses, compared with the golden model step by step.

    python -m sim.bus.soak [--operations 1000000] [--noise 0] [--seed 1]

Operations are register accesses, beats of all streams, loads of weights, and resets by pin or by
register, at any time. Every output word, counter and bit of ERRORS must equal the golden model's.
The first difference ends the run; the message names the seed and the episode.

``--noise`` first puts random values on every input for so many cycles, in pieces, whatever the
buses' rules, now and then a reset; on a serial line and SPI, too. After each piece and a reset, the
core must work as ever.
"""

from __future__ import annotations

import sys
from collections import Counter

import click

from sim.bus.bench import BusBench, bus_library
from sim.bus.checked_bench import DifferentError
from sim.bus.cores import CORES
from sim.bus.episodes import Soak
from sim.bus.lines import LINES, line_library
from sim.bus.lines import noise as line_noise

SHORT = 50_000
"""Number of operations up to which the compiler's optimization takes longer than it saves."""


PIECES = 20
"""Pieces of a core's noise."""


@click.command()
@click.option("--operations", default=1_000_000, show_default=True)
@click.option("--noise", default=0, show_default=True, help="Cycles with random inputs.")
@click.option("--seed", default=1, show_default=True)
def main(operations: int, noise: int, seed: int) -> None:
    """Play random operations on every core, and print their counts."""
    try:
        total = soak(operations, seed, noise=noise, optimize=operations + noise > SHORT)
    except DifferentError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for name, done in total.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(done.items()))
        print(f"{name}: none different; {kinds}")
    noisy = f"{noise} cycles of noise, " if noise else ""
    print(f"{noisy}{sum(done['operations'] for done in total.values())} operations, seed {seed}")


def soak(operations: int, seed: int, *, noise: int = 0, optimize: bool) -> dict[str, Counter[str]]:
    """Play random operations, about equally many on each core, and noise before and on lines.

    Returns:
        Number of operations, and of episodes of each kind, by core.

    Raises:
        DifferentError: a core differs from the golden model.
    """
    library = bus_library({core.name: core.verilog() for core in CORES}, optimize=optimize)
    total: dict[str, Counter[str]] = {}
    each = -(-noise // (len(CORES) + len(LINES)))
    for which, core in enumerate(CORES):
        with BusBench(library, which) as bench:
            run = Soak(core, bench, seed)
            for _ in range(PIECES if noise else 0):
                run.noise(-(-each // PIECES))
            while run.operations < operations // len(CORES):
                run.episode()
            total[core.name] = run.kinds + Counter(operations=run.operations)
    if noise:
        lines = line_library({core.name: core.verilog() for core in LINES}, optimize=optimize)
        for which, core in enumerate(LINES):
            total[core.name] = line_noise(lines, which, each, seed, PIECES)
    return total


if __name__ == "__main__":
    main()
