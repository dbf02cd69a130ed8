"""Two steps of the schedule as text, from the cycle count.

python -m bench.timeline > docs/timeline.txt
python -m bench.timeline --cell lstm --inputs 8 --units 32 --lanes 8
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import click
import numpy as np
from numpy.typing import NDArray

from hdl.cycles import controls_of, steady_state
from hdl.cycles.run import Run
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Pass
from litelstm.architectures import Architecture

STEP, SHOWN = 4, 2
"""First step shown of a long sequence, and number of steps shown."""

MARGIN, WIDTH = 22, 96
"""Characters of the labels and of the picture."""

EXAMPLES = (
    (Architecture(cell="litelstm", inputs=28, units=64), 16),
    (Architecture(cell="gru", inputs=32, units=32), 8),
    (Architecture(cell="gru", inputs=8, units=16, layers=2), 8),
    (Architecture(cell="litelstm", inputs=1, units=16), 16),
)
"""Architectures and lanes in docs/timeline.txt; the array of the last one has to wait."""

HEAD = """\
Two steps of the schedule in the steady state: cycles from left to right. Made by
`python -m bench.timeline`; `docs/architecture.md` says why the schedule is as it is.

    #    the array runs columns of this operand
    =    units enter the state update, one every interval
    -    the units' new values become ready for the array
    w    the array waits
"""

Span = tuple[int, int]
"""First cycle, and the cycle after the last."""

Rows = dict[tuple[str, str], list[Span]]
"""Spans to draw, by label and mark."""


@dataclass
class _Recorder(Run):
    """Cycle count that records spans; rows in the order of the picture."""

    passes: Rows = field(default_factory=dict)
    updates: Rows = field(default_factory=dict)

    def _pass(self, single: Pass, *, starts_step: bool) -> None:
        begin, ready = self.now, self._ready(single)
        super()._pass(single, starts_step=starts_step)
        length = self.plan.work.rows_of(single) * len(single.gates)
        spans = self.passes.setdefault((_name(self.plan, single), "#"), [])
        for column in range(single.columns - 1):
            start = max(begin, int(ready[column]))
            begin = start + length
            spans.append((start, begin))
        spans.append((self.now - length, self.now))  # the last one may also wait for a drain

        if single.completes is not None:
            self._update(single.completes)

    def _update(self, number: int) -> None:
        job, entries = self.plan.work.jobs[number], self.drains.entries[number]
        interval = self.plan.update_cost.interval
        self._enter((f"update {job.name}", "="), entries, interval)
        for name in job.makes:
            written = entries + self.plan.update_cost.written[name]
            self._enter((f"  layer{job.layer} {name} ready", "-"), written, interval)

    def _enter(self, row: tuple[str, str], cycles: NDArray[np.int64], interval: int) -> None:
        spans = self.updates.setdefault(row, [])
        spans += [(int(cycle), int(cycle) + interval) for cycle in cycles]


def _name(plan: Plan, single: Pass) -> str:
    """Name a pass by its operand and its gates, e.g. ``layer0 h to r``."""
    layer = plan.network.layers[single.layer]
    gates = "".join(layer.cell.gates[gate].name for gate in single.gates)
    return f"layer{single.layer} {single.matrix} to {gates}"


def timeline(architecture: Architecture, lanes: int) -> str:
    """Draw two steps of a network in the steady state, as text."""
    plan = Plan(network=architecture.quantized(), options=CoreOptions(lanes=lanes))
    steady = steady_state(plan)
    record = _Recorder(plan)
    count = record.run([(controls_of([STEP + SHOWN + 2]), 1)])
    start, end = int(count.steps[STEP]), int(count.steps[STEP + SHOWN])
    scale = -(-(end - start) // WIDTH)

    def lines(rows: Rows) -> list[str]:
        return [_line(*row, spans, start, end, scale) for row, spans in rows.items()]

    busy = [span for spans in record.passes.values() for span in spans]
    waits = _gaps(busy, start, end)
    marks = [" "] * WIDTH
    for number in range(SHOWN):
        at = (int(count.steps[STEP + number]) - start) // scale
        text = f"|step {number}"
        marks[at : at + len(text)] = text
    return "\n".join(
        [
            f"{architecture}, {lanes} lanes: {steady.cycles_per_step} cycles per step, ideal "
            f"{steady.ideal_cycles_per_step:g}; a character is {scale} cycles",
            "",
            " " * MARGIN + "".join(marks).rstrip(),
            *lines(record.passes),
            *(lines({("array waits", "w"): waits}) if waits else []),
            *lines(record.updates),
        ]
    )


def _gaps(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    """Return the gaps between spans, from ``start`` to ``end``."""
    gaps, now = [], start
    for begin, after in sorted(spans):
        if now < begin < end:
            gaps.append((now, begin))
        now = max(now, after)
    return gaps


def _line(label: str, mark: str, spans: Iterable[Span], start: int, end: int, scale: int) -> str:
    """Draw one row, with its mark wherever at least half of the cycles are busy."""
    busy = np.zeros(-(-(end - start) // scale) * scale, dtype=bool)
    for begin, after in spans:
        busy[max(0, begin - start) : max(0, min(after, end) - start)] = True
    shares = busy.reshape(-1, scale).mean(axis=1)
    row = "".join(mark if share >= 0.5 else " " for share in shares)
    return f"{label:<{MARGIN}}{row}".rstrip()


@click.command()
@click.option("--cell", help="Show this cell in place of the examples.")
@click.option("--inputs", default=28, show_default=True)
@click.option("--units", default=64, show_default=True)
@click.option("--layers", default=1, show_default=True)
@click.option("--lanes", default=16, show_default=True)
def main(cell: str | None, inputs: int, units: int, layers: int, lanes: int) -> None:
    """Print the timelines."""
    shown = EXAMPLES
    if cell:
        one = Architecture(cell=cell, inputs=inputs, units=units, layers=layers)
        shown = ((one, lanes),)
    click.echo(text(shown), nl=False)


def text(shown: Iterable[tuple[Architecture, int]] = EXAMPLES) -> str:
    """Return the text that the command prints."""
    return "\n\n".join([HEAD.rstrip(), *(timeline(*each) for each in shown)]) + "\n"


if __name__ == "__main__":
    main()
