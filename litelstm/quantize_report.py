"""What ``litelstm quantize`` tells: losses, what hurts, costs, and what a search found."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from golden.cost import Cost
from golden.losses import Report
from golden.quality import ACCURACY, AGREEMENT
from golden.quantized import QuantizedNetwork
from golden.ranking import Contribution
from golden.search import Candidate, Outcome
from litelstm.console import out

SHOWN = 10
"""Contributions that are shown; the JSON has all."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that is told of one quantized network.

    Attributes:
        network: the network.
        report: what each tensor lost.
        ranking: each tensor's contribution, the worst one first.
        cost: of the network.
        outcome: of the search, if there was one.
    """

    network: QuantizedNetwork
    report: Report
    ranking: tuple[Contribution, ...]
    cost: Cost
    outcome: Outcome | None

    def document(self) -> dict[str, Any]:
        """The same for a JSON file."""
        found: dict[str, Any] = {
            "tensors": [
                _finite(vars(row) | {"format": str(row.format)}) for row in self.report.tensors
            ],
            "ranking": [_finite(vars(one)) for one in self.ranking],
            "cost": _cost(self.cost),
        }
        if self.outcome:
            found["search"] = {
                "measure": self.outcome.measure,
                "float_percent": self.outcome.level,
                "tried": self.outcome.tried,
                "found": _candidate(self.outcome.best),
                "reference": _candidate(self.outcome.reference),
            }
        return found

    def show(self) -> None:
        """Print it."""
        self._show_losses()
        self._show_ranking()
        if self.outcome:
            self._show_search(self.outcome)
        out.print(
            f"{self.cost.memory} bits of memory, {self.cost.weights} of them weights; a lane of "
            f"{self.cost.operand_width} x {self.cost.weight_width} bits and a "
            f"{self.cost.accumulator_width}-bit accumulator"
        )

    def _show_losses(self) -> None:
        table = _table(
            "What each tensor lost", "tensor", "format", "SQNR dB", "saturated", "largest error"
        )
        for row in self.report.tensors:
            table.add_row(
                row.name,
                f"{row.format} ({row.format.width} bits)",
                f"{row.sqnr_db:.1f}",
                f"{row.saturated:.2%}",
                f"{row.max_error:.2g}",
            )
        out.print(table)

    def _show_ranking(self) -> None:
        table = _table(
            f"What hurts most: the output's SQNR, {SHOWN} of {len(self.ranking)} tensors",
            "tensor",
            "it alone rounded",
            "gain if exact",
        )
        for one in self.ranking[:SHOWN]:
            table.add_row(one.name, f"{one.alone_db:.1f} dB", f"{one.gain_db:+.2f} dB")
        out.print(table)

    def _show_search(self, outcome: Outcome) -> None:
        level = f"{outcome.measure} {outcome.level:.2f} %"
        if outcome.measure not in (ACCURACY, AGREEMENT):
            level = "noise in percent of the output's power"
        table = _table(
            f"Search: {outcome.tried} settings tried; float network: {level}",
            "setting",
            "W",
            "h",
            "c",
            "x",
            "gate",
            "pre",
            "tanh",
            "cost",
            "drop",
        )
        for name, one in (("found", outcome.best), ("W8 A8 C12", outcome.reference)):
            settings = one.settings
            table.add_row(
                name,
                str(settings.weight_width),
                str(settings.activation_width),
                str(settings.state_width),
                str(settings.x_width),
                str(settings.gate.frac),
                str(settings.pre_width),
                str(1 << settings.log2_entries),
                f"{one.relative:.3f}",
                f"{one.drop:.2f}",
            )
        out.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in _TEXTS else "right", no_wrap=True)
    return table


_TEXTS = ("tensor", "format", "setting")


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """A row with ``None`` for what JSON has no number for: the SQNR of what lost nothing."""
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
