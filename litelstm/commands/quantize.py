"""``litelstm quantize``: a float network to integers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from threadpoolctl import threadpool_limits

from golden import files
from golden.cost import cost
from golden.emulation import Emulation
from golden.network import Network
from golden.quantize import quantize as quantize_network
from golden.quantize import quantize_within
from golden.ranking import rank
from golden.scales import METHODS
from golden.settings import Settings
from litelstm import outputs, samples
from litelstm.console import out, progress
from litelstm.quantize_report import Summary
from litelstm.samples import Samples

SEARCHED = {"weights", "activations", "state", "inputs", "gates", "pre", "tanh_entries"}
"""Options that ``--auto`` chooses."""


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
@click.option(
    "--count",
    type=int,
    help="Take this many calibration samples, evenly spread over the file.  [default: all]",
)
@click.option("--weights", default=8, show_default=True, help="Bits of a weight, 2 to 18.")
@click.option("--activations", default=8, show_default=True, help="Bits of h, 2 to 18.")
@click.option("--state", default=12, show_default=True, help="Bits of c, which saturates.")
@click.option("--inputs", type=int, help="Bits of x.  [default: as of h]")
@click.option("--gates", type=int, help="Fraction bits of gates and tanh.  [default: bits of h]")
@click.option("--pre", default=12, show_default=True, help="Bits of a pre-activation.")
@click.option("--logits", default=16, show_default=True, help="Bits of a logit.")
@click.option(
    "--auto",
    is_flag=True,
    help="Search the cheapest of these widths and the table's size within --max-drop.",
)
@click.option(
    "--max-drop",
    default=0.1,
    show_default=True,
    help="With --auto: percentage points of accuracy that may be lost on the calibration samples "
    "(y: their labels; without, of agreement with the float network).",
)
@click.option(
    "--method",
    default="mse",
    show_default=True,
    help="Scales of least mean squared error (mse), or at which nothing saturates (max).",
)
@click.option(
    "--refine",
    is_flag=True,
    help="Try each gate's binary point out on the output; helps at few bits.",
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
    auto: bool,
    max_drop: float,
    json_path: Path | None,
    **options: Any,
) -> None:
    """Round the float NETWORK to integers and report what each tensor lost, and what hurts."""
    _check_together(click.get_current_context(), auto=auto)
    settings = _settings(options)
    for path in (output, json_path):
        outputs.check_file(path)
    floats = Network.load(network)
    chosen = samples.load(
        calibrate, inputs=floats.inputs, count=count, split="train", from_all_over=True
    )
    # One thread: these matrices are too small for more, and what is chosen must not depend on it.
    with threadpool_limits(1):
        summary = _quantize(floats, chosen, settings, max_drop if auto else None)
    result = summary.network
    result.save(output)
    if json_path:
        text = json.dumps(summary.document(), indent=2) + "\n"
        files.replace(json_path, files.content(text))
    summary.show()
    out.print(f"{output}: {len(result.layers)} layers, {result.accumulator_width}-bit accumulators")


def _quantize(
    floats: Network, chosen: Samples, settings: Settings, max_drop: float | None
) -> Summary:
    """Quantize, or search if there is a bound, and measure what came of it."""
    outcome = None
    if max_drop is None:
        with progress("quantize"):
            result, report = quantize_network(floats, chosen.x, settings)
    else:
        with progress("settings tried") as tell:
            outcome, report = quantize_within(
                floats,
                chosen.x,
                labels=chosen.y,
                max_drop=max_drop,
                settings=settings,
                progress=tell,
            )
        result = outcome.best.network
    with progress("what hurts", len(Emulation(floats, result).tensors)) as tell:
        ranking = rank(floats, result, chosen.x, tell)
    return Summary(
        network=result, report=report, ranking=ranking, cost=cost(result), outcome=outcome
    )


def _check_together(context: click.Context, *, auto: bool) -> None:
    """Refuse options that say the opposite of each other."""
    source = context.get_parameter_source
    given = {name for name in context.params if source(name) is ParameterSource.COMMANDLINE}
    if auto and (named := given & SEARCHED):
        option = sorted(named)[0].replace("_", "-")
        raise click.UsageError(f"--{option} is what --auto searches: give one of them")
    if not auto and "max_drop" in given:
        raise click.UsageError("--max-drop needs --auto")


def _settings(options: dict[str, Any]) -> Settings:
    method = options["method"]
    if method not in METHODS:
        raise click.BadParameter(
            f"{method!r} is not one of {', '.join(METHODS)}", param_hint="--method"
        )
    return Settings(
        weight_width=options["weights"],
        activation_width=options["activations"],
        state_width=options["state"],
        input_width=options["inputs"],
        gate_bits=options["gates"],
        pre_width=options["pre"],
        out_width=options["logits"],
        method=method,
        refine=options["refine"],
        log2_entries=_log2("--tanh-entries", options["tanh_entries"]),
        log2_range=_log2("--tanh-range", options["tanh_range"]),
        interpolate=options["interpolate"],
    )


def _log2(option: str, value: int) -> int:
    if value < 1 or value & (value - 1):
        raise click.BadParameter(f"{value} is not a power of two", param_hint=option)
    return value.bit_length() - 1
