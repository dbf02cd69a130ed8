"""Options that several commands share, each made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from golden.cells import SIGMOIDS
from golden.errors import InputError
from golden.settings import Settings
from litelstm import outputs
from litelstm.architectures import CELLS
from litelstm.fpga.targets import TARGETS
from litelstm.tasks import TASKS
from sim.jobs import SCHEDULER
from sim.tools.toolchain import SIMULATORS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)
POSITIVE, SEED = click.IntRange(min=1), click.IntRange(min=0)

network_argument = click.argument("network", type=PATH)


def output_option(text: str, *, required: bool = True) -> Decorator:
    """Make the option that names a command's output."""
    return click.option("-o", "--output", type=PATH, required=required, help=text)


def jobs_options(what: str, default: int = 2) -> Decorator:
    """Make the options that tell where independent jobs run, see :func:`sim.jobs.work_through`."""
    return several(
        [
            click.option("--jobs", type=POSITIVE, default=default, help=f"{what} at once."),
            click.option("--scheduler", metavar="ADDRESS", help=SCHEDULER),
        ]
    )


def several(options: list[Decorator]) -> Decorator:
    """Combine options into one decorator; the help lists them in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


BITS = {
    "weight_width": ("--weight-bits", "Bits of a weight, 2 to 18."),
    "activation_width": ("--activation-bits", "Bits of the hidden state h, 2 to 18."),
    "state_width": ("--state-bits", "Bits of the cell state c, 2 to 18."),
    "input_width": ("--input-bits", "Bits of the input x, 2 to 18.  [default: those of h]"),
    "gate_bits": (
        "--gate-bits",
        "Fraction bits of gates and tanh, 2 to 16.  [default: the bits of h]",
    ),
    "pre_width": ("--pre-bits", "Bits of a sum before its activation, up to 18."),
    "out_width": ("--logit-bits", "Bits of a logit, 2 to 32."),
}
"""Option and help of each width in :class:`golden.settings.Settings`, by field."""


def bit_options(*names: str) -> Decorator:
    """Make options of widths, by their fields; an option that is not given is ``None``."""
    defaults = {field.name: field.default for field in fields(Settings)}
    options = []
    for name in names:
        typed, text = BITS[name]
        if defaults[name] is not None:
            text += f"  [default: {defaults[name]}]"
        options.append(click.option(typed, name, type=int, help=text))
    return several(options)


def said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def sigmoid_option(text: str = "Activation of the gates.") -> Decorator:
    """Make the option of the gates' activation."""
    choice = click.Choice(tuple(SIGMOIDS))
    return click.option("--sigmoid", type=choice, help=f"{text}  [default: hard]")


def cell_option(text: str) -> Decorator:
    """Make the option that chooses a cell."""
    return click.option("--cell", type=click.Choice(tuple(CELLS)), help=text)


def target_option(text: str, name: str = "--target", **how: Any) -> Decorator:
    """Make an option that chooses an FPGA."""
    choice = click.Choice(tuple(TARGETS))
    return click.option(name, type=choice, help=text, **how)


task_option = click.option(
    "--task", type=click.Choice(tuple(TASKS)), required=True, help="Data set: docs/training.md."
)
data_option = click.option(
    "--data",
    type=PATH,
    help="The task's public files, or .npz with x_train, y_train, x_test and y_test; not for the "
    "task digits.",
)


def samples_option_of(*, required: bool) -> Decorator:
    """Make the option that names a file of samples."""
    text = ".npz with x (samples, steps, inputs) and, if known, labels y; or x_test and y_test."
    return click.option("--samples", "file", type=PATH, required=required, help=text)


samples_option = samples_option_of(required=True)
count_option = click.option(
    "--count", type=int, help="Run only the first samples, this many.  [default: all]"
)

sim_option = click.option(
    "--sim",
    type=click.Choice(SIMULATORS),
    default="verilator",
    help="Simulator that runs the RTL.",
)


seeds_option = click.option(
    "--seeds", type=POSITIVE, default=1, help="Runs of the router, each with a seed of its own."
)
fresh_option = click.option("--fresh", is_flag=True, help="Ignore cached results; run every tool.")


def _report_path(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Check that the report can be written, before the command does long work."""
    if path is None or path == outputs.STDOUT:
        return path
    if str(path).startswith("-"):
        raise InputError(f"--json is {str(path)!r}, expected {JSON_VALUE}")
    outputs.check_file(path)
    return path


JSON_VALUE = "a path, or - for standard output"
json_option = click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, allow_dash=True),
    callback=_report_path,
    help="Also write the report as JSON; - prints the JSON instead of the text.",
)
