"""Functional coverage of the regression: which kinds of cases have been drawn.

    python -m sim.regress.bins [--cases 2000] [--seed 1] [--jobs 2]

Draws the cases of ``litelstm regress`` without running them, and sorts each into bins: cells with
their options, cells with each option of a core, sizes, formats' corners, lengths, stalls and
resets. Prints how many bins of each group were hit, the rarest one, and those that no case hit;
then the exit status is 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import product

import click

from golden.cells import SIGMOIDS, Cell, Dense, Pool
from golden.directions import DIRECTIONS
from golden.interface import Interface
from hdl.spec.storage import Storage
from sim.draw.cells import EVERY_CELL
from sim.jobs import work_through
from sim.patterns import NO_GAPS, Pattern, Trigger
from sim.regress.cases import Case

KINDS = tuple(dict.fromkeys(cell.kind for cell in EVERY_CELL))

FEATURES = (
    "one stream",
    "several streams",
    *(f"state {state}" for state in Interface.STATES),
    "last step",
    "every step",
    "classes",
    *(f"weights {weights}" for weights in Storage.CHOICES["weights"]),
    *(f"sums {sums}" for sums in Storage.CHOICES["sums"]),
    "buffered sequences",
    "no tail multiplier",
    "one tail multiplier",
    "several tail multipliers",
    "shared multipliers",
    "first states",
    "parity",
)
"""Choices of a core, each crossed with every kind of cell."""

SHAPES = (
    "one lane",
    "lanes for all units",
    "several rows",
    "last row full",
    "last row not full",
    "one unit",
    "one input",
    "index",
    "one layer",
    "several layers",
    "head",
    "several sources",
    "several results",
    "lags",
    "warm-up",
)

READY = ("none", *(trigger.name for trigger in Trigger))


def all_bins() -> dict[str, tuple[str, ...]]:
    """List all bins, by group."""
    cells = (one for cell in EVERY_CELL for g in SIGMOIDS for one in _of_cell(cell, g))
    layers = (one for of in (Dense, Pool) for one in _of_options(of))
    return {
        "cell": tuple(dict.fromkeys(cells)),
        "direction": tuple(f"{kind} {way}" for kind in KINDS for way in DIRECTIONS),
        "core": tuple(f"{kind}, {feature}" for kind in KINDS for feature in FEATURES),
        "layer": tuple(layers),
        "shape": SHAPES,
        "length": ("1", "2 to 8", "more than 8", "cut"),
        "stalls": tuple(f"{i} {r}" for i, r in product(("no gaps", "gaps"), READY)),
        "reset": ("while weights load", "amid the first steps", "later"),
    }


def bins_of(case: Case) -> set[tuple[str, str]]:
    """Return the bins that a case hits, as (group, bin)."""
    hits = {("shape", name) for name, hit in zip(SHAPES, _shapes(case), strict=True) if hit}
    features = [name for name, hit in zip(FEATURES, _features(case), strict=True) if hit]
    for layer in case.network.layers:
        cell = layer.cell
        if cell.kind in KINDS:
            hits |= {("cell", one) for one in _of_cell(cell, layer.sigmoid)}
            hits.add(("direction", f"{cell.kind} {layer.direction}"))
            hits |= {("core", f"{cell.kind}, {feature}") for feature in features}
        else:
            hits |= {("layer", f"{cell.kind} {o}={getattr(cell, o)}") for o in cell.options}
    for length in map(len, case.sequences):
        hits.add(("length", "1" if length == 1 else "2 to 8" if length <= 8 else "more than 8"))
        if case.max_steps and length > case.max_steps:
            hits.add(("length", "cut"))
    for run in case.trials(case.job):
        idle = "gaps" if run.stalls.idle != NO_GAPS else "no gaps"
        hits.add(("stalls", f"{idle} {_trigger(run.stalls.ready)}"))
        if run.reset:
            hits.add(("reset", _phase(case, run.reset.cycle)))
    return hits


def _of_cell(cell: Cell, sigmoid: str) -> Iterator[str]:
    yield f"{cell.kind} sigmoid={sigmoid}"
    for option in cell.options:
        yield f"{cell.kind} {option}={getattr(cell, option)}"


def _of_options(kind: type[Cell]) -> Iterator[str]:
    for option, values in kind.options.items():
        for value in values:
            yield f"{kind.kind} {option}={value}"


def _features(case: Case) -> Iterator[bool]:
    """Tell of each of ``FEATURES`` whether the case has it."""
    chosen, storage, tail = case.interface, case.storage, case.tail_multipliers
    yield chosen.streams == 1
    yield chosen.streams > 1
    yield from (chosen.state == state for state in Interface.STATES)
    yield not chosen.every_step
    yield chosen.every_step
    yield chosen.classes
    for name in ("weights", "sums"):
        yield from (getattr(storage, name) == choice for choice in Storage.CHOICES[name])
    yield case.max_steps > 0
    yield tail == 0
    yield tail == 1
    yield tail > 1
    yield case.plan.joint is not None
    yield any(layer.first for layer in case.network.layers)
    yield case.is_guarded


def _shapes(case: Case) -> Iterator[bool]:
    """Tell of each of ``SHAPES`` whether the case has it."""
    network, lanes = case.network, case.lanes
    units = [layer.units for layer in network.layers]
    yield lanes == 1
    yield lanes == max(units)
    yield max(units) > lanes
    yield any(n % lanes == 0 for n in units)
    yield any(n % lanes for n in units)
    yield 1 in units
    yield network.inputs == 1
    yield bool(network.indexed)
    yield len(units) == 1
    yield len(units) > 1
    yield network.head is not None
    yield any(len(sources) > 1 for sources in network.sources)
    yield len(network.result_vectors) > 1
    yield any(any(lags) for lags in network.lags)
    yield any(layer.warmup for layer in network.layers)


def _trigger(ready: Pattern) -> str:
    return "none" if ready == NO_GAPS else ready.trigger.name


def _phase(case: Case, cycle: int) -> str:
    """Name the phase of a core in which a reset begins."""
    if cycle < case.job.weights.size:
        return "while weights load"
    amid = case.job.weights.size + case.job.taken[-1] // 2
    return "amid the first steps" if cycle <= amid else "later"


def draw(task: tuple[int, range]) -> Counter[tuple[str, str]]:
    """Count the hits of some cases of a seed."""
    seed, numbers = task
    return Counter(one for number in numbers for one in bins_of(Case(seed, number)))


PIECE = 10
"""Cases that a process draws at a time."""


def count(cases: int, *, seed: int, jobs: int) -> Counter[tuple[str, str]]:
    """Count how many of the first cases of a seed hit each bin, in some processes."""
    tasks = [(seed, range(n, min(n + PIECE, cases))) for n in range(0, cases, PIECE)]
    return sum((found for _, found in work_through(draw, tasks, jobs=jobs)), Counter())


@click.command()
@click.option("--cases", default=2000, show_default=True, help="Number of cases, from case 0.")
@click.option("--seed", default=1, show_default=True, help="Seed of all cases.")
@click.option("--jobs", default=2, show_default=True, help="Processes that draw.")
def main(cases: int, seed: int, jobs: int) -> None:
    """Count which bins the regression's cases hit."""
    hits = count(cases, seed=seed, jobs=jobs)
    print(f"{'group':10} bins   hit  rarest")
    missed: list[str] = []
    for group, names in all_bins().items():
        rarest = min(names, key=lambda name: hits[group, name])
        missed += [f"{group}: {name}" for name in names if not hits[group, name]]
        hit = sum(hits[group, name] > 0 for name in names)
        most = hits[group, rarest]
        print(f"{group:10} {len(names):4}  {hit:4}  {rarest}: {most} of {cases} cases")
    for name in missed:
        print(f"no case hits {name}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
