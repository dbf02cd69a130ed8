"""``litelstm quantize``: a float network to integers."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.table import Table

from golden import files
from golden.losses import Report
from golden.network import Network
from golden.quantize import quantize as quantize_network
from golden.scales import METHODS
from golden.settings import Settings
from litelstm import outputs, samples
from litelstm.console import out, progress


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    required=True,
    help="Calibration samples: .npz with x (samples, steps, inputs); or x_train.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write."
)
@click.option("--count", type=int, help="Take this many calibration samples.  [default: all]")
@click.option("--weights", default=8, show_default=True, help="Bits of a weight.")
@click.option("--activations", default=8, show_default=True, help="Bits of x and h.")
@click.option("--state", default=12, show_default=True, help="Bits of c, which saturates.")
@click.option("--pre", default=12, show_default=True, help="Bits of a pre-activation.")
@click.option("--logits", default=16, show_default=True, help="Bits of a logit.")
@click.option(
    "--method",
    default="mse",
    show_default=True,
    help="Scales of least mean squared error (mse), or at which nothing saturates (max).",
)
@click.option("--tanh-entries", default=256, show_default=True, help="Size of the tanh table.")
@click.option("--tanh-range", default=4, show_default=True, help="tanh saturates from here on.")
@click.option("--interpolate", is_flag=True, help="Interpolate between entries of the tanh table.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report here.")
def quantize(
    network: Path,
    calibrate: Path,
    output: Path,
    count: int | None,
    weights: int,
    activations: int,
    state: int,
    pre: int,
    logits: int,
    method: str,
    tanh_entries: int,
    tanh_range: int,
    interpolate: bool,
    json_path: Path | None,
) -> None:
    """Round the float NETWORK to integers and report what each tensor lost."""
    if method not in METHODS:
        raise click.BadParameter(
            f"{method!r} is not one of {', '.join(METHODS)}", param_hint="--method"
        )
    settings = Settings(
        weight_width=weights,
        activation_width=activations,
        state_width=state,
        pre_width=pre,
        out_width=logits,
        method=method,
        log2_entries=_log2("--tanh-entries", tanh_entries),
        log2_range=_log2("--tanh-range", tanh_range),
        interpolate=interpolate,
    )
    for path in (output, json_path):
        outputs.check_file(path)
    floats = Network.load(network)
    x = samples.load(calibrate, inputs=floats.inputs, count=count, split="train").x
    with progress("quantize"):
        result, report = quantize_network(floats, x, settings)
    result.save(output)
    if json_path:
        rows = [vars(row) | {"format": str(row.format)} for row in report.tensors]
        files.replace(json_path, files.content(json.dumps(rows, indent=2) + "\n"))
    _show(report)
    out.print(f"{output}: {len(result.layers)} layers, {result.accumulator_width}-bit accumulators")


def _log2(option: str, value: int) -> int:
    if value < 1 or value & (value - 1):
        raise click.BadParameter(f"{value} is not a power of two", param_hint=option)
    return value.bit_length() - 1


def _show(report: Report) -> None:
    table = Table(title="What each tensor lost", title_justify="left")
    for name, justify in (
        ("tensor", "left"),
        ("format", "left"),
        ("SQNR dB", "right"),
        ("saturated", "right"),
        ("largest error", "right"),
    ):
        table.add_column(name, justify=justify)  # pyright: ignore[reportArgumentType]
    for row in report.tensors:
        table.add_row(
            row.name,
            f"{row.format} ({row.format.width} bits)",
            f"{row.sqnr_db:.1f}",
            f"{row.saturated:.2%}",
            f"{row.max_error:.2g}",
        )
    out.print(table)
