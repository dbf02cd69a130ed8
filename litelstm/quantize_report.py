"""Report of ``litelstm quantize``: errors, their ranking, costs, and a search's result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from golden.cost import Cost
from golden.losses import Report
from golden.promise import Promise, needed
from golden.quality import ACCURACY, CONFIDENCE, NOISE
from golden.quantized import QuantizedNetwork
from golden.ranking import Contribution
from golden.search import Candidate, Outcome
from litelstm.console import table
from litelstm.delta import Delta

SHOWN = 10
"""Most contributions to print; the JSON has all."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Report of one quantized network.

    Attributes:
        network: the network.
        report: each tensor's error.
        ranking: each tensor's contribution, the worst one first.
        cost: cost of the network.
        outcome, promise: results of the search, if there was one.
        max_drop: bound of the search.
        delta: what a delta network skips.
    """

    network: QuantizedNetwork
    report: Report
    ranking: tuple[Contribution, ...]
    cost: Cost
    outcome: Outcome | None = None
    promise: Promise | None = None
    max_drop: float = 0.0
    delta: Delta | None = None

    def document(self) -> dict[str, Any]:
        """Make the report's JSON values."""
        found: dict[str, Any] = {
            "tensors": [
                _finite(vars(row) | {"format": str(row.format)}) for row in self.report.tensors
            ],
            "ranking": [_finite(vars(one)) for one in self.ranking],
            "cost": _cost(self.cost),
        }
        if self.outcome and self.promise:
            found["search"] = {
                "max_drop": self.max_drop,
                "searched_within": self.outcome.bound,
                "samples": self.outcome.samples,
                "measure": self.outcome.measure,
                "float_percent": self.outcome.level,
                "tried": self.outcome.tried,
                "found": _candidate(self.outcome.best),
                "reference": _candidate(self.outcome.reference),
                "held_out": asdict(self.promise) | {"confidence": CONFIDENCE},
            }
        if self.delta:
            found["delta"] = self.delta.document()
        return found

    def lines(self) -> Iterator[RenderableType]:
        """Yield the report as tables and text."""
        yield self._losses()
        yield self._contributions()
        if self.outcome and self.promise:
            yield _settings(self.outcome)
            yield from _promises(self.outcome, self.promise, self.max_drop)
        if self.delta:
            yield from self.delta.lines()
        yield (
            f"{self.cost.memory} bits of memory, {self.cost.weights} of them weights; a lane of "
            f"{self.cost.operand_width} x {self.cost.weight_width} bits and a "
            f"{self.cost.accumulator_width}-bit accumulator"
        )

    def _losses(self) -> Table:
        """Make a table of each tensor's error."""
        made = table(
            *("tensor", "format", "SQNR dB", "saturated", "largest error"),
            title="What each tensor lost",
            texts=("format",),
        )
        for row in self.report.tensors:
            made.add_row(
                row.name,
                f"{row.format} ({row.format.width} bits)",
                f"{row.sqnr_db:.1f}",
                f"{row.saturated:.2%}",
                f"{row.max_error:.2g}",
            )
        return made

    def _contributions(self) -> Table:
        """Make a table of the tensors that contribute most to the output's error."""
        shown = self.ranking[:SHOWN]
        made = table(
            *("tensor", "it alone rounded", "gain if exact"),
            title="What hurts most: the output's SQNR, "
            f"{len(shown)} of {len(self.ranking)} tensors",
        )
        for one in shown:
            made.add_row(one.name, f"{one.alone_db:.1f} dB", f"{one.gain_db:+.2f} dB")
        return made


def _settings(outcome: Outcome) -> Table:
    """Make a table of the settings that the search found, beside the usual ones."""
    level = f"{outcome.measure} {outcome.level:.2f} %"
    if outcome.measure == NOISE:
        level = "noise in percent of the output's power"
    made = table(
        *("setting", "W", "h", "c", "x", "gate", "pre", "tanh", "range", "cost", "drop"),
        title=f"Search: {outcome.tried} settings tried; float network: {level}",
    )
    for name, one in (("found", outcome.best), ("W8 A8 C12", outcome.reference)):
        settings = one.settings
        numbers = (
            *(settings.weight_width, settings.activation_width, settings.state_width),
            *(settings.x_width, settings.gate.frac, settings.pre_width),
            *(1 << settings.log2_entries, 1 << settings.log2_range),
        )
        made.add_row(name, *map(str, numbers), f"{one.relative:.3f}", f"{one.drop:.2f}")
    return made


def _promises(outcome: Outcome, promise: Promise, max_drop: float) -> list[str]:
    """Describe the loss on unseen samples, and how many samples show it."""
    best, sure = outcome.best, f"{CONFIDENCE:.0%} sure"
    if outcome.measure == NOISE:
        return [
            f"{outcome.samples} samples decided: noise {best.lost:.3g} %, in the mean of all such "
            f"samples no more than {best.doubt:.3g} % ({sure})",
            f"{promise.samples} others held out: noise {promise.lost:.3g} %, no more than "
            f"{promise.promised:.3g} % ({sure})",
        ]
    accuracy = ""
    if outcome.measure == ACCURACY:
        accuracy = f"; accuracy {promise.level:.2f} -> {promise.level - promise.drop:.2f} %"
    lines = [
        f"{outcome.samples} samples decided: {best.lost:.2f} % of decisions differ from the float "
        f"network's; by their margins {best.doubt:.2g} % at most would ({sure})",
        f"{promise.samples} others held out: {promise.differing} decided otherwise{accuracy}",
        f"promise: of all such samples no more than {promise.promised:.2g} % are decided "
        f"otherwise, so accuracy falls by no more ({sure})",
    ]
    if 0 < max_drop < promise.promised:
        lines.append(
            f"{max_drop:g} % can be promised from {2 * needed(max_drop):,} samples on, if of the "
            "half that is held out none differs"
        )
    return lines


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Replace infinities, the SQNR of exact tensors, by ``None``: JSON has no infinity."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def _cost(cost: Cost) -> dict[str, int]:
    totals = {"memory": cost.memory, "lane": cost.lane, "arithmetic": cost.arithmetic}
    return asdict(cost) | totals


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "settings": asdict(one.settings),
        "cost": _cost(one.cost),
        "relative_cost": one.relative,
        "drop": one.drop,
        "lost": one.lost,
        "doubt": one.doubt,
    }
