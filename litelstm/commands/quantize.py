"""``litelstm quantize``: turn a float network into integers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from threadpoolctl import threadpool_limits

from golden.cost import cost
from golden.emulation import Emulation
from golden.errors import InputError
from golden.network import Network
from golden.quantize import quantize as quantize_network
from golden.quantize import quantize_within
from golden.ranking import rank
from golden.scales import METHODS
from golden.search import WIDTHS
from golden.settings import Settings
from litelstm import options, outputs, samples
from litelstm.console import progress
from litelstm.delta import ALL_0, Delta, delta_option, thresholds
from litelstm.quantize_report import Summary
from litelstm.samples import Samples

TABLE = {"log2_entries": range(2, 15), "log2_range": range(2, 6)}
"""Settings that users give as powers of two, with the range of their logarithms."""


@click.command()
@options.network_argument
@click.option(
    "--calibrate",
    type=options.PATH,
    required=True,
    help="Samples that show the range of each tensor: .npz with x (samples, steps, inputs), or "
    "x_train.",
)
@options.output_option("File of the quantized network, .npz.")
@click.option(
    "--count",
    type=int,
    help="Number of calibration samples, evenly spread over the file.  [default: all]",
)
@options.bit_options(*options.BITS)
@click.option(
    "--auto",
    is_flag=True,
    help="Search the cheapest widths and tanh table within --max-drop.",
)
@click.option(
    "--max-drop",
    default=0.1,
    help="Percent of decisions that may differ from the float network's, so accuracy falls by no "
    "more (with --auto). Half of the samples are held out to check this.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="mse",
    help="Choice of scales: mse has the least mean squared error, max never saturates.",
)
@click.option(
    "--tanh-entries",
    "log2_entries",
    default=256,
    help="Entries of the tanh table, a power of two from 4 to 16384.",
)
@click.option(
    "--tanh-range",
    "log2_range",
    default=4,
    help="Range of the tanh table: 4, 8, 16 or 32. Beyond it tanh is 1.",
)
@click.option("--interpolate", is_flag=True, help="Interpolate between entries of the tanh table.")
@delta_option("Make a delta network: cores skip columns of unchanged elements. --auto searches.")
@options.json_option
def quantize(
    network: Path,
    calibrate: Path,
    output: Path,
    count: int | None,
    auto: bool,
    max_drop: float,
    delta: str | None,
    json_path: Path | None,
    **given: Any,
) -> None:
    """Turn a float network into integers.

    \b
    litelstm quantize net.npz --calibrate samples.npz -o net.q.npz
    litelstm quantize net.npz --calibrate samples.npz --auto --max-drop 0.5 -o net.q.npz

    Reports the error of each tensor of NETWORK, and how much each contributes to the error of the
    output: docs/quantization.md.
    """
    _check_together(click.get_current_context(), auto=auto)
    if auto and delta not in (None, ALL_0):
        raise click.UsageError("--delta has thresholds, which --auto searches: give one of them")
    given |= {name: _log2(name, given[name]) for name in TABLE}
    settings = Settings(**options.said(given))
    outputs.check_file(output)
    floats = Network.load(network)
    chosen = samples.load(calibrate, network=floats, count=count, split="train", from_all_over=True)
    # One thread: the matrices are too small for more, and results must not depend on the number.
    with threadpool_limits(1):
        summary = _quantize(floats, chosen, settings, max_drop if auto else None, delta)
    result = summary.network
    result.save(output)
    written = f"{output}: {len(result.layers)} layers, {result.accumulator_width}-bit accumulators"
    outputs.give(summary.document(), json_path, [*summary.lines(), written])


def _quantize(
    floats: Network,
    chosen: Samples,
    settings: Settings,
    max_drop: float | None,
    delta: str | None,
) -> Summary:
    """Quantize, or search if there is a bound, and measure the result."""
    found: dict[str, Any] = {}
    if max_drop is None:
        with progress("quantize"):
            result, report = quantize_network(floats, chosen.x, settings)
            if delta is not None:
                result = replace(result, thresholds=thresholds(delta, result))
    else:
        with progress("settings tried") as tell:
            outcome, report, promise = quantize_within(
                floats,
                chosen.x,
                labels=chosen.y,
                max_drop=max_drop,
                settings=settings,
                delta=delta is not None,
                progress=tell,
            )
        result = outcome.best.network
        found = {"outcome": outcome, "promise": promise, "max_drop": max_drop}
    if delta is not None:
        with progress("columns skipped"):
            found["delta"] = Delta.of(floats, result, chosen)
    with progress("what hurts", len(Emulation(floats, result).tensors)) as tell:
        ranking = rank(floats, result, chosen.x, tell)
    return Summary(network=result, report=report, ranking=ranking, cost=cost(result), **found)


def _check_together(context: click.Context, *, auto: bool) -> None:
    """Check that options do not contradict each other."""
    source = context.get_parameter_source
    given = {name for name in context.params if source(name) is ParameterSource.COMMANDLINE}
    searched = [option for option in context.command.params if option.name in (*WIDTHS, *TABLE)]
    if auto and (named := [option.opts[0] for option in searched if option.name in given]):
        raise click.UsageError(f"{named[0]} is what --auto searches: give one of them")
    if not auto and "max_drop" in given:
        raise click.UsageError("--max-drop needs --auto")


def _log2(name: str, value: int) -> int:
    """Compute the logarithm of a size or range of the tanh table."""
    allowed = [1 << log2 for log2 in TABLE[name]]
    if value not in allowed:
        *others, last = map(str, allowed)
        raise InputError(f"{name} is {value}, expected {', '.join(others)} or {last}")
    return value.bit_length() - 1
