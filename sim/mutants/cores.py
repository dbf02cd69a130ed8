"""Cores whose mutants are made, and the runs that judge a mutant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from golden.cells import cell_options
from golden.errors import InputError
from hdl.core import Core
from hdl.export.plain_ports import plain_ports
from hdl.layout.weight_image import HEADER
from hdl.plan import Plan
from hdl.verilog import Top
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.job import CoreJob
from sim.draw.steps import random_work
from sim.mutants.netlist import Mutant
from sim.patterns import IDLE_PATTERNS, READY_PATTERNS, Stalls
from sim.regress.cases import Case
from sim.regress.kinds import KINDS
from sim.regress.trials import judge
from sim.run import Reset, Run, Source, Terms
from sim.streams import BenchError

SEED = 1
"""Seed of the drawn cores."""

STEPS, STALLED, RESET, LONG = 600, 60, 8, 5_000
"""Steps of each run without stalls, with stalls, and with a reset; and of the two last runs."""

RESETS = 400
"""Most cycles in which a core is reset, spread over a run."""

PATIENCE = 3_000
"""Clock cycles without a transfer after which a mutant hangs; the longest gap takes 600."""

SLOWLY = Stalls.named("single", "none")

TAILS = 2
"""State updates with more multipliers are like those with so many."""


@dataclass(frozen=True)
class SmallCase(Case):
    """Case of the regression, so small that a mutant can be proved equivalent."""

    LIMITS: ClassVar = {"units": 3, "layers": 2, "bits": 5}
    SPARE: ClassVar = 2

    @property
    def is_guarded(self) -> bool:
        """No core has parity: its checks are silent unless a bit flips, which no bench does."""
        return False

    @property
    def top(self) -> Top:
        """Make the core's top."""
        return Top(Core(plan=self.plan))

    def design(self, verilog: str) -> Design:
        """Describe a netlist of the core for the compiled bench."""
        ports = {port.name: port.width for port in plain_ports(self.plan)}
        return Design(top=self.name, verilog=verilog, ports=ports)

    @cached_property
    def features(self) -> frozenset[str]:
        """Cells, options and interfaces that the core has."""
        network, interface, storage = self.network, self.interface, self.storage
        cells = {
            " ".join((layer.cell.kind, *list(cell_options(layer.cell).values())[:1]))
            for layer in network.layers
        }
        options = {f"gates {layer.sigmoid}" for layer in network.body}
        options |= {f"interpolate {network.tanh.interpolate}", f"head {network.head is not None}"}
        options |= {f"state {interface.state}", f"streams {interface.streams > 1}"}
        options |= {f"every step {interface.every_step}", f"classes {interface.classes}"}
        options |= {f"weights {storage.weights}", f"sums {storage.sums}", f"graph {self.is_graph}"}
        options |= {f"delta {self.is_delta}", f"turned {self.is_turned}"}
        return frozenset(cells | options | {f"tail {min(self.tail_multipliers, TAILS)}"})

    @property
    def is_lively(self) -> bool:
        """Whether no result makes up four fifths of all: a bench sees little of a dull core."""
        results = self._work(self.plan, STALLED, 1).expected
        _, counts = np.unique(results, axis=0, return_counts=True)
        return 5 * int(counts.max()) <= 4 * len(results)

    def _work(self, plan: Plan, steps: int, use: int, *, ends: bool = False) -> CoreJob:
        seed = (self.seed, self.number, use)
        options = plan.options
        work = random_work(
            plan.network,
            options.interface,
            steps=steps,
            seed=seed,
            max_steps=options.max_steps,
            ends=ends,
        )
        return CoreJob.of_steps(plan, work.x, work.controls, work.loads, work.service)

    def judged(self) -> Iterator[tuple[CoreJob, Run]]:
        """Yield the runs that judge a mutant: long, stalled in all ways, reset in any cycle."""
        for ends in (False, True):
            long = self._work(self.plan, STEPS, 0, ends=ends)
            yield long, long.request(patience=PATIENCE)
        short = self._work(self.plan, RESET, 2)
        yield from self._other_networks(short)
        middle = self._work(self.plan, STALLED, 1)
        for idle in IDLE_PATTERNS:
            for ready in READY_PATTERNS:
                if ready == "when_due" and self.interface.every_step:
                    continue  # words are due before a sequence's end, too
                stalls = Stalls.named(idle, ready)
                yield middle, middle.request(stalls=stalls, seed=1, patience=PATIENCE)
        if self.storage.loadable:
            yield short, self._wrong_images(short)
        cycles = int(short.weights.size + short.taken[-1]) + 1
        for cycle in sorted({n * cycles // RESETS for n in range(RESETS)} & set(range(cycles))):
            yield short, short.request(reset=Reset(cycle=cycle), patience=PATIENCE)
        for ends in (False, True):  # the last ones: most mutants are dead by now
            longer = self._work(self.plan, LONG, 5, ends=ends)
            yield longer, longer.request(patience=PATIENCE)

    @staticmethod
    def is_judged(mutant: Mutant) -> bool:
        """Tell that every mutant is judged."""
        return bool(mutant)

    def finder(self, verilog: str, folder: Path) -> Callable[[], str]:
        """Return a function that runs a netlist until something is wrong, which it returns."""
        design = self.design(verilog)
        library = bench_library([design], cache=folder)
        runs = list(self.judged())

        def problem() -> str:
            with CompiledBench(design, library) as bench:
                for job, run in runs:
                    try:
                        found = judge(job, run, bench.run(run))
                    except BenchError as error:
                        found = str(error)
                    if found:
                        return found
            return ""

        return problem

    def _other_networks(self, own: CoreJob) -> Iterator[tuple[CoreJob, Run]]:
        """Load other networks and come back, without a reset where no state is kept."""
        stays = self.storage.weights == "double" or self.interface.state != "clear"
        for other in self.others:
            job = self._work(self.plan.of(other), STALLED, 3)
            yield job, job.request(patience=PATIENCE, fresh=stays)
            yield own, own.request(patience=PATIENCE, fresh=stays)
        if self.storage.weights == "double" and self.interface.state == "clear":
            # The core works with the old set while the new one comes in.
            old, new = (
                self._work(plan, 1, 4) for plan in (self.plan, self.plan.of(self.others[0]))
            )
            terms: Terms = {"stalls": SLOWLY, "patience": PATIENCE, "fresh": False}
            yield old, old.request(patience=PATIENCE)
            yield old, old.request(weights=new.weights, **terms)
            yield new, new.request(weights=[], **terms)

    def _wrong_images(self, job: CoreJob) -> Run:
        """Make a run in which wrong images come before the right one."""
        rng, right = self.random(50), job.weights
        wrong = [right[:2], right[: HEADER + 1], right[:-1], np.append(right, 0)]
        for word in (*range(HEADER), *rng.integers(HEADER, right.size, size=6)):
            flipped = right.copy()
            flipped[word] ^= np.uint32(1 << int(rng.integers(32)))
            wrong.append(flipped)
        images = [*wrong, right]
        last = np.zeros(sum(image.size for image in images), np.bool_)
        last[np.cumsum([image.size for image in images]) - 1] = True
        run = job.request(stalls=SLOWLY, patience=PATIENCE)
        weights = Source(np.concatenate(images), last)
        return replace(run, sources={**run.sources, "i_weights": weights})


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A core that travels by its number.

    Attributes:
        number: of the core's case.
    """

    number: int

    @property
    def case(self) -> SmallCase:
        """Draw the core anew: what it is made of cannot travel between processes."""
        return SmallCase(SEED, self.number)


def cores(number: int, kind: str | None = None) -> list[SmallCase]:
    """Return the first lively cores of which each shows a cell, option or interface that is new.

    When nothing is new in 200 draws, everything counts as new again. All cores are of one kind of
    :data:`sim.regress.kinds.KINDS`, if one is asked for.
    """
    return list(islice(_drawn(kind), number))


def _serves(case: SmallCase) -> bool:
    """Tell whether a core can be built and its results change often."""
    try:
        return case.is_lively
    except InputError:
        return False


def _drawn(kind: str | None) -> Iterator[SmallCase]:
    shown: set[str] = set()
    dull = 0
    for number in count():
        case = SmallCase(SEED, number)
        if kind and not getattr(case, KINDS[kind]):
            continue
        if case.features <= shown or not _serves(case):
            dull += 1
            if dull == 200:
                shown, dull = set(), 0
            continue
        shown |= case.features
        dull = 0
        yield case
