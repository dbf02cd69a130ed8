"""Energy of a core: a model from counted activity and published figures.

No tool of the open flow measures power. The model multiplies three counts by an energy each:
changes of registers with the logic behind them, bits that memories deliver, and products of the
array. It leaves out pins, leakage and the supply's losses. Its absolute figures are good to a
factor of a few; the ratio of two cores lies between the smallest and the largest ratio of their
counts, whatever the figures are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from golden.changes import Changes
from golden.directions import parts
from golden.quantized import QuantizedLayer, QuantizedNetwork
from golden.savings import readings
from litelstm.fpga.netlist import part_of

if TYPE_CHECKING:
    from hdl.plan import Plan
    from sim.compiled.activity import Activity


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Energy of one event in pJ, and the range in which it is on a part of about 40 nm.

    Attributes:
        event: description of the event.
        pj, low, high: picojoules.
        source: where they come from.
    """

    event: str
    pj: float
    low: float
    high: float
    source: str


_HOROWITZ = 'M. Horowitz, "Computing\'s energy problem (and what we can do about it)", ISSCC 2014'
_KUON = 'I. Kuon and J. Rose, "Measuring the gap between FPGAs and ASICs", TCAD 2007'

FIGURES = {
    "toggles": Figure(
        event="change of a register's bit, with the logic and wires behind it",
        pj=0.09,
        low=0.03,
        high=0.27,
        source=f"{_HOROWITZ}: a 32-bit addition takes 0.1 pJ in 45 nm, so about 6 fJ per bit that "
        f"changes; {_KUON}: logic of an FPGA takes 14 times the dynamic energy. Range: a factor "
        "of 3 each way, our estimate.",
    ),
    "reads": Figure(
        event="bit that a memory delivers",
        pj=0.16,
        low=0.05,
        high=0.48,
        source=f"{_HOROWITZ}: 64 bits from an SRAM of 8 KB take 10 pJ in 45 nm. Range: a factor of "
        "3 each way, our estimate.",
    ),
    "products": Figure(
        event="product of the array, per bit of one factor and bit of the other",
        pj=0.012,
        low=0.003,
        high=0.043,
        source=f"{_HOROWITZ}: products of 8 and 32 bits take 0.2 and 3.1 pJ in 45 nm, 3.1 fJ per "
        f"bit and bit. A multiplier of an FPGA lies between that and {_KUON}'s 14 times as much: "
        "the range, and its geometric mean.",
    ),
}
"""Energy of each counted event. 45 nm is close to the 40 nm of ECP5 and iCE40 UltraPlus."""

Counts = Mapping[str, float]
"""Amount of each event of ``FIGURES``."""


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy of one inference, or of one step.

    Attributes:
        parts: counts by part of the core, see :data:`litelstm.fpga.netlist.PARTS`.
        cycles: clock cycles.
    """

    parts: Mapping[str, Counts]
    cycles: float

    @classmethod
    def of(
        cls, activity: Activity, plan: Plan, *, per: int, changes: Changes | None = None
    ) -> Energy:
        """Compute the energy of counted activity.

        Args:
            activity: counts of a run.
            plan: the core's plan.
            per: number of inferences or steps in the run.
            changes: what a delta core sent in it.
        """
        found: dict[str, dict[str, float]] = {}

        def count(part: str, event: str, amount: float) -> None:
            counts = found.setdefault(part, dict.fromkeys(FIGURES, 0.0))
            counts[event] += amount / per

        for name, amount in activity.toggles.items():
            count(part_of(name), "toggles", amount)
        for name, amount in activity.reads.items():
            count(part_of(name), "reads", amount)
        bits = product_bits(plan.network, activity.steps, activity.sequences, changes)
        count("array", "products", bits)
        return cls(parts=found, cycles=activity.cycles / per)

    @property
    def counts(self) -> dict[str, float]:
        """Amount of each event in the whole core."""
        return {event: sum(part[event] for part in self.parts.values()) for event in FIGURES}

    @property
    def nj(self) -> float:
        """Energy in nJ."""
        return _nj(self.counts, "pj")

    @property
    def range(self) -> tuple[float, float]:
        """Energy in nJ with all figures at the lower and at the upper end of their ranges."""
        return _nj(self.counts, "low"), _nj(self.counts, "high")

    def ratio(self, other: Energy) -> tuple[float, float, float]:
        """Return the ratio to another core, and its bounds for any figures whatever."""
        ours, theirs = self.counts, other.counts
        ratios = [ours[event] / theirs[event] for event in FIGURES]
        return self.nj / other.nj, min(ratios), max(ratios)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        low, high = self.range
        return {
            "nj": self.nj,
            "low_nj": low,
            "high_nj": high,
            "counts": self.counts,
            "parts": {
                part: {**counts, "nj": _nj(counts, "pj")} for part, counts in self.parts.items()
            },
            "cycles": self.cycles,
        }


def product_bits(
    network: QuantizedNetwork, steps: int, sequences: int, changes: Changes | None = None
) -> int:
    """Multiply the bits of both factors of each product, and add them up over some steps.

    Args:
        network: the network.
        steps, sequences: what ran.
        changes: for a delta core, what it sent in a batch of these sequences.
    """
    bits = sum(
        _product_bits(layer) * (sequences if index in network.late else steps)
        for index, layer in enumerate(network.layers)
        if changes is None or not layer.cell.state
    )
    return bits + (0 if changes is None else _sent_bits(network, changes))


def _sent_bits(network: QuantizedNetwork, changes: Changes) -> int:
    """Count those of recurrent layers that multiply only what was sent."""
    masks, bits = dict(changes.masks()), 0
    for reading in readings(network):
        formats = network.layers[reading.layer].formats
        each = formats.weight_width * formats.operand(reading.name).width
        bits += int(reading.run(masks).sum()) * reading.products * each
    return bits


def _product_bits(layer: QuantizedLayer) -> int:
    return layer.formats.weight_width * sum(
        one.weights[gate.matrix(name)].size * layer.formats.operand(name).width
        for one in (part.layer for part in parts(layer))
        for gate in one.cell.gates
        for name in one.reads(gate)
    )


def _nj(counts: Counts, which: str) -> float:
    return sum(amount * getattr(FIGURES[event], which) for event, amount in counts.items()) / 1000


def shown(nj: float) -> str:
    """Format an energy with three digits."""
    return f"{float(f'{nj:.3g}'):,g}"
