"""Coverage of one small core by the runs that judge its mutants."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.compiled.counts import Point, points
from sim.compiled.library import LINES, TOGGLES
from sim.coverage import reach
from sim.coverage.lines import has_code, never_run
from sim.coverage.reach import Never
from sim.coverage.waivers import Waiver
from sim.mutants.cores import Drawn, SmallCase
from sim.regress.trials import judge
from sim.tools.errors import SimulationError

REACHED, PROVED, WAIVED, LEFT = "reached", "proved", "waived", "left"
"""A point that a run reached, that nothing can reach, that has a waiver; others are left."""

_WORD = re.compile(r"(\w+)\[\d+\](?:\[\d+\])?$")
"""A bit of a word of a memory."""


@dataclass(frozen=True, kw_only=True)
class Task(Drawn):
    """A core to cover.

    Attributes:
        seconds: wall time of ``pdr``.
        runs: runs of its bench; 0 for all.
        waivers: what need not be reached.
    """

    seconds: int
    runs: int = 0
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Covered:
    """Coverage of a core.

    Attributes:
        core: the core, as text.
        lines, toggles: what became of each point, by its name.
    """

    core: str
    lines: dict[str, str]
    toggles: dict[str, str]


def cover(task: Task) -> Covered:
    """Run a core, and prove that nothing can reach what the runs did not.

    Raises:
        MissingToolError: Verilator, its compiler or pyosys is missing.
        SimulationError: a tool failed, or the core fails.
    """
    case = task.case
    found = _run(case, task.runs)
    text = case.core.verilog
    lines, toggles = _unreached(found, text)
    touched = {word(toggle_name(point)) for point in _toggles(found, text) if point.count}
    claims = list({id(claim): claim for claim in (*lines.values(), *toggles.values())}.values())
    with tempfile.TemporaryDirectory(prefix="litelstm-") as name:
        proofs = reach.proved(text, case.name, claims, Path(name), seconds=task.seconds)
    holds = {id(claim) for claim, proof in zip(claims, proofs, strict=True) if claim and proof}

    def fates(names: Iterable[str], missing: dict[str, list[Never]]) -> dict[str, str]:
        return {
            name: (
                REACHED
                if name not in missing
                else PROVED
                if id(missing[name]) in holds
                else WAIVED
                if any(
                    waiver.covers(name) or (word(name) not in touched and waiver.covers(word(name)))
                    for waiver in task.waivers
                )
                else LEFT
            )
            for name in names
        }

    numbered = text.splitlines()
    return Covered(
        core=str(case),
        lines=fates((line_name(p) for p in found if has_code(numbered, p)), lines),
        toggles=fates((toggle_name(p) for p in _toggles(found, text)), toggles),
    )


def line_name(point: Point) -> str:
    """Name a line by its place, number and branch."""
    return f"{point.place}:{point.line} {point.what}"


def toggle_name(point: Point) -> str:
    """Name a change of a bit, as ``core.array.sum[3]:0->1``."""
    return f"{point.place}.{point.what}" if point.place else point.what


def word(name: str) -> str:
    """Name the word of a memory that a change belongs to, or its bit.

    A waiver for a word, such as ``core.store.memory[3]``, holds where no run changes its bits.
    """
    bit = name.rsplit(":", 1)[0]
    return bit.rsplit("[", 1)[0] if bit.count("[") > 1 else bit


def _run(case: SmallCase, runs: int) -> list[Point]:
    """Run a core on its bench; return all that the model counted."""
    library = bench_library([Design.of(case.core)], optimize=False, counting=(*TOGGLES, *LINES))
    with (
        tempfile.TemporaryDirectory(prefix="litelstm-") as name,
        CompiledBench.of(case.core, library=library) as bench,
    ):
        for number, (job, run) in enumerate(case.judged(), 1):
            if problem := judge(job, run, bench.run(run)):
                raise SimulationError(f"{case.name} fails: {problem}")
            if number == runs:
                break
        bench.write_counts(Path(name) / "counts")
        return list(points((Path(name) / "counts").read_text(encoding="utf-8")))


def _unreached(
    found: Sequence[Point], text: str
) -> tuple[dict[str, list[Never]], dict[str, list[Never]]]:
    """Return what no run reached, lines and toggles, with claims that nothing can."""
    numbered = text.splitlines()
    lines = {
        line_name(point): never_run(numbered, point)
        for point in found
        if not point.count and has_code(numbered, point)
    }
    together: dict[str, list[Never]] = defaultdict(list)
    toggles: dict[str, list[Never]] = {}
    touched = {word(toggle_name(point)) for point in _toggles(found, text) if point.count}
    for point in _toggles(found, text):
        if not point.count:
            bit, way = toggle_name(point).rsplit(":", 1)
            # A word that never changes, or a bit, is one claim: fewer are proved faster.
            group = bit if word(bit) in touched else word(bit)
            together[group].append(Never(now={bit: int(way[-1])}, before={bit: int(way[0])}))
            toggles[toggle_name(point)] = together[group]
    return lines, toggles


def _toggles(found: Sequence[Point], text: str) -> Iterator[Point]:
    """Yield the toggles but for those of constants: words of memories that nothing writes."""
    written = {
        (module.split("(", 1)[0], name)
        for module in re.split(r"^module ", text, flags=re.M)
        for name in re.findall(r"^ +(\w+)\[.*\] <= ", module, flags=re.M)
    }
    memories = {
        (module.split("(", 1)[0], name)
        for module in re.split(r"^module ", text, flags=re.M)
        for name in re.findall(r"^  reg (?:\[\d+:0\] )?(\w+) \[\d+:\d+\];", module, flags=re.M)
    }
    for point in found:
        if point.kind != "toggle":
            continue
        word = _WORD.match(point.what.rsplit(":", 1)[0])
        if word and (key := (point.module, word[1])) in memories and key not in written:
            continue
        yield point
