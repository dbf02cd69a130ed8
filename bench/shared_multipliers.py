"""Area and clock of cores whose lanes share hardware multipliers, beside cores that have one each.

    python -m bench.shared_multipliers [--seeds 1] [--only 0]

Each row is a network on a part with too few multipliers for its lanes, and below it the same on a
part that has enough. The MNIST network is quantized to weights of 4 bits with the demonstration's
digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from litelstm import digits, outputs
from litelstm.architectures import Architecture
from litelstm.commands.demo import FLOAT
from litelstm.console import progress
from litelstm.core_options import core_of
from litelstm.fpga.families import LUT, MULTIPLIER, RAM
from litelstm.fpga.flow import Flow
from litelstm.fpga.measure import measure
from litelstm.fpga.targets import TARGETS
from litelstm.options import json_option

CALIBRATION = 500


def mnist_of_four_bits() -> QuantizedNetwork:
    """The MNIST network with weights of 4 bits."""
    x = digits.load().x[:CALIBRATION]
    return quantize(Network.load(FLOAT), x, Settings(weight_width=4))[0]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network with its lanes, the part that is short of multipliers, and one that is not."""

    title: str
    network: Callable[[], QuantizedNetwork]
    options: dict[str, Any]
    parts: tuple[str, ...]


ROWS = (
    Row(
        title="LSTM, 28 in, 64 units, weights of 8 bits",
        network=Architecture(cell="lstm", inputs=28, units=64).quantized,
        options={"lanes": 32},
        parts=("ecp5-25f", "ecp5-45f"),
    ),
    Row(
        title="MNIST, weights of 4 bits, c of 12",
        network=mnist_of_four_bits,
        options={"lanes": 32},
        parts=("ecp5-25f", "ecp5-45f"),
    ),
    Row(
        title="LSTM, 8 in, 16 units, weights of 8 bits",
        network=Architecture(cell="lstm", inputs=8, units=16).quantized,
        options={"lanes": 16, "tail_multipliers": 0, "sums": "lanes"},
        parts=("ice40-up5k",),
    ),
)


@click.command()
@click.option("--seeds", default=1, show_default=True, help="Seeds of the router.")
@click.option("--only", type=int, multiple=True, help="Numbers of rows, from 0.  [default: all]")
@json_option
def main(seeds: int, only: tuple[int, ...], json_path: Any) -> None:
    """Synthesize, place and route each row on its parts."""
    report: list[dict[str, Any]] = []
    for row in [ROWS[number] for number in only or range(len(ROWS))]:
        network = row.network()
        for name in row.parts:
            part = TARGETS[name]
            measured = measure(
                network,
                Flow(target=part),
                options=core_of(dict(row.options), network, part=part),
                seeds=seeds,
                steps=28,
                bare_array=False,
                bitstream=False,
                progress=progress,
            )
            report.append({"row": row.title, **measured.as_json()})
    outputs.give({"rows": report}, json_path, list(_lines(report)))


def _lines(report: list[dict[str, Any]]) -> Iterator[str]:
    for made in report:
        used = {name: made["resources"][name]["used"] for name in (LUT, RAM, MULTIPLIER)}
        joint = made["joint"]
        yield (
            f"{made['row']}; {made['lanes']} lanes on {made['target']}: {used[MULTIPLIER]} "
            f"multipliers, {used[LUT]:,} LUTs, {used[RAM]} block RAMs, "
            f"{made['clock']['median_mhz']:.1f} MHz, {made['cycles_per_step']:,} cycles per step"
            + (f"; {joint['count']} products each, overlap {joint['overlap']}" if joint else "")
        )


if __name__ == "__main__":
    main()
