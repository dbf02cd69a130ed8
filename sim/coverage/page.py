"""Markdown page of coverage: a line per core, waivers, functional bins, and what is not reached."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sim.coverage.measure import LEFT, PROVED, REACHED, WAIVED, Covered, word
from sim.coverage.waivers import Waiver
from sim.regress.bins import all_bins

_HEAD = """\
# Coverage

Small cores of the regression on the compiled bench, with all stalls and resets. *Out of reach*:
proved for any inputs of this core. *Reached*: share of lines, or of changes of bits in both
directions, that are neither out of reach nor waived.
"""

_COLUMNS = ("core", "lines", "out of reach", "reached", "changes", "out of reach", "waived")


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Numbers of points by what became of them."""

    total: int
    proved: int
    waived: int
    reached: int

    @classmethod
    def of(cls, fates: Iterable[str]) -> Tally:
        """Count fates."""
        counts = Counter(fates)
        return cls(
            total=counts.total(),
            proved=counts[PROVED],
            waived=counts[WAIVED],
            reached=counts[REACHED],
        )

    @property
    def share(self) -> float:
        """Percentage reached of what can and must be reached."""
        return 100 * self.reached / max(1, self.total - self.proved - self.waived)


def row(covered: Covered) -> str:
    """Describe the coverage of a core in one line."""
    lines, toggles = Tally.of(covered.lines.values()), Tally.of(covered.toggles.values())
    return f"{covered.core}: {lines.share:.2f} % of lines, {toggles.share:.2f} % of changes"


def page(
    found: Sequence[Covered],
    waivers: Sequence[Waiver],
    hits: Mapping[tuple[str, str], int],
    cases: int,
) -> str:
    """Write the page.

    Args:
        found: coverage of each core.
        waivers: those in force.
        hits: hits of each functional bin, as (group, bin), by the cases drawn.
        cases: how many cases were drawn.
    """
    parts = [_HEAD, _cores(found), _waivers(found, waivers), _bins(hits, cases), _left(found)]
    return "\n".join(parts)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, ""])


def _cores(found: Sequence[Covered]) -> str:
    def cells(name: str, mine: Sequence[Covered]) -> list[object]:
        lines = Tally.of(fate for one in mine for fate in one.lines.values())
        toggles = Tally.of(fate for one in mine for fate in one.toggles.values())
        return [
            *(name, lines.total, lines.proved, f"{lines.share:.2f} %"),
            *(toggles.total, toggles.proved, toggles.waived, f"{toggles.share:.2f} %"),
        ]

    rows = [cells(one.core, [one]) for one in found]
    return _table((*_COLUMNS, "reached"), [*rows, cells("all", found)])


def _waivers(found: Sequence[Covered], waivers: Sequence[Waiver]) -> str:
    waived = [
        name
        for one in found
        for name, fate in (*one.lines.items(), *one.toggles.items())
        if fate == WAIVED
    ]
    rows = [
        (f"`{w.pattern}`", w.reason, sum(w.covers(n) or w.covers(word(n)) for n in waived))
        for w in waivers
    ]
    rows = [(pattern.replace("|", "\\|"), reason, count) for pattern, reason, count in rows]
    return "## Waivers\n\n" + _table(("pattern", "reason", "not reached"), rows)


def _bins(hits: Mapping[tuple[str, str], int], cases: int) -> str:
    if not cases:
        return ""
    rows, missed = [], []
    for group, names in all_bins().items():
        hit = [name for name in names if hits.get((group, name))]
        rows.append((group, len(names), len(hit)))
        missed += [f"{group}: {name}" for name in names if name not in hit]
    text = f"## Functional bins\n\n{cases} cases of the regression hit:\n\n"
    text += _table(("group", "bins", "hit"), rows)
    return text + "".join(f"- missed: {name}\n" for name in missed)


def _left(found: Sequence[Covered]) -> str:
    lines = ["## Not reached", ""]
    for one in found:
        names = [name for name, fate in one.lines.items() if fate == LEFT]
        bits = [name for name, fate in one.toggles.items() if fate == LEFT]
        if not names and not bits:
            continue
        lines += [f"### {one.core}", "", *(f"- line `{name}`" for name in names)]
        lines += [f"- `{place}`: {', '.join(of)}" for place, of in _by_place(bits).items()]
        lines.append("")
    return "\n".join(lines)


def _by_place(names: Iterable[str]) -> dict[str, list[str]]:
    """Group changes that were not reached by part of the core, with their bits together."""
    ways: dict[str, set[str]] = defaultdict(set)
    for name in names:
        bit, way = name.rsplit(":", 1)
        ways[bit].add({"0->1": " rises", "1->0": " falls"}[way])
    bits: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for bit, missing in ways.items():
        place, _, signal = bit.rpartition(".")
        signal, index = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", signal).groups("")  # pyright: ignore
        bits[place, signal, "" if len(missing) == 2 else missing.pop()].append(index)
    grouped: dict[str, list[str]] = defaultdict(list)
    for (place, signal, missing), indices in bits.items():
        index = f"[{','.join(sorted(indices, key=int))}]" if indices[0] else ""
        grouped[place or "top"].append(f"{signal}{index}{missing}")
    return grouped
