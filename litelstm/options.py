"""Options that several commands share, each made once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from golden.cells import SIGMOIDS
from golden.errors import InputError
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl.spec.multipliers import SIZES, USUAL, Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm import outputs
from litelstm.architectures import CELLS
from litelstm.fpga.targets import TARGETS, Target
from litelstm.tasks import TASKS
from sim.jobs import SCHEDULER
from sim.tools.toolchain import SIMULATORS

LANES = 16
"""Lanes of the array, unless there are fewer units."""

STEPS = 28
"""Length of a sequence that is counted, unless another is asked for."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)
POSITIVE, SEED = click.IntRange(min=1), click.IntRange(min=0)

network_argument = click.argument("network", type=PATH)


def output_option(text: str, *, required: bool = True) -> Decorator:
    """Make the option that names a command's output."""
    return click.option("-o", "--output", type=PATH, required=required, help=text)


CORE_HELP = {
    "lanes": "Products per cycle of the MAC array, at most one per unit of the largest layer.  "
    f"[default: {LANES}, or one per unit if there are fewer]",
    "tail_multipliers": "Multipliers for the element-wise products of the state update. Fewer take "
    "more cycles; with 0 the products use LUTs.",
    "weights": "Memory of the weights: rom is part of the Verilog; ram is loaded over a stream; "
    "double has room for two sets, so that one is loaded while the other is in use.",
    "sums": "Memory of the sums: lanes gives each lane LUT RAM of its own; block puts all lanes in "
    "block RAM, for parts without LUT RAM.  [default: lanes; synth: the one that suits the part]",
    "max_steps": "Longest sequence that the core buffers, in steps, for reverse and bidirectional "
    "layers; a longer one is cut. 0 for a core of forward layers, which takes steps as they come.",
    "delta": "Multiply only what changed from step to step: the sums of recurrent layers live on.  "
    "[default: where the network has thresholds]",
    "pack": "Products that each multiplier of the array computes. auto takes 2 or 3 where the part "
    "has too few multipliers, or where only --multiplier says what fits.",
    "multiplier": "Bits of a hardware multiplier's factors, for --pack.  [default: the part's; "
    f"{USUAL} if none is named]",
    "parity": "Give every word of every memory a parity bit, and check it when the word is read: "
    "the port fault, or the register ERRORS behind a bus, tells of a flipped bit.",
    "streams": "Independent sequences that take turns on the core, each with a state of its own.",
    "state": "State in which a sequence starts: clear is always the network's, mostly zero; keep "
    "is that of the sequence before, if the input asks for it; load can also be written and read "
    "by the host.",
    "every_step": "Output a result after every step, not only after the last.",
    "classes": "Output the index of the largest logit instead of the logits.",
}
"""Fields of :class:`hdl.spec.options.CoreOptions`, in the order of the help."""

CORE_NAMES = {"weights": "storage"}
"""Fields that have another name on the command line."""

CHOICES = {
    "state": Interface.STATES,
    **Storage.CHOICES,
    "pack": Multipliers.CHOICES["pack"],
    "multiplier": tuple(SIZES),
}


def _fields(of: type) -> Iterator[tuple[type, Field[Any]]]:
    """Yield the fields of a dataclass and of the dataclasses in it, with their owners."""
    for field in fields(of):
        if is_dataclass(field.default):
            yield from _fields(type(field.default))
        else:
            yield of, field


FIELDS = {field.name: (owner, field) for owner, field in _fields(CoreOptions)}


def _core_option(name: str) -> Decorator:
    """Make the option of one field of :class:`hdl.spec.options.CoreOptions`."""
    default = FIELDS[name][1].default
    typed = f"--{CORE_NAMES.get(name, name).replace('_', '-')}"
    how: dict[str, Any] = {"help": CORE_HELP[name]}
    if isinstance(default, bool):
        how["is_flag"] = True
    else:
        how["type"] = click.Choice(CHOICES[name]) if name in CHOICES else int
        # Part and network decide the other defaults: see `core_of`.
        if name not in ("sums", "multiplier") and default is not MISSING:
            how["default"] = default
    return click.option(typed, name, **how)


def core_options(*only: str, but: Collection[str] = ()) -> Decorator:
    """Make options of the fields of :class:`hdl.spec.options.CoreOptions`.

    Args:
        only: names of the fields; all by default.
        but: fields to leave out.
    """
    return several([_core_option(name) for name in only or CORE_HELP if name not in but])


def core_of(
    given: dict[str, Any], *networks: QuantizedNetwork, part: Target | None = None
) -> CoreOptions:
    """Make a core's options from the values of :func:`core_options`.

    Args:
        given: a command's values by parameter; this removes those of a core. ``None`` stands for
            the default.
        networks: networks that the core runs; they decide the default number of lanes.
        part: decides how the lanes use multipliers.

    Raises:
        InputError: a value is out of range.
    """
    taken: dict[type, dict[str, Any]] = {
        CoreOptions: {},
        Interface: {},
        Storage: {},
        Multipliers: {} if part is None else part.multipliers,
    }
    for name, (owner, _) in FIELDS.items():
        if (value := given.pop(name, None)) is not None:
            taken[owner][name] = value
    if any(network.thresholds for network in networks):
        taken[CoreOptions]["delta"] = True
    units = max(layer.units for network in networks for layer in network.body)
    return CoreOptions(
        **{"lanes": min(LANES, units), **taken[CoreOptions]},
        interface=Interface(**taken[Interface]),
        storage=Storage(**taken[Storage]),
        multipliers=Multipliers(**taken[Multipliers]),
    )


def jobs_options(what: str, default: int = 2) -> Decorator:
    """Make the options that tell where independent jobs run, see :func:`sim.jobs.work_through`."""
    return several(
        [
            click.option("--jobs", type=POSITIVE, default=default, help=f"{what} at once."),
            click.option("--scheduler", metavar="ADDRESS", help=SCHEDULER),
        ]
    )


def steps_option(text: str) -> Decorator:
    """Make the option for the length of a sequence, see :func:`length_of`."""
    return click.option(
        "--steps", type=POSITIVE, help=f"{text}  [default: {STEPS}, or --max-steps if that is less]"
    )


def length_of(core: CoreOptions, steps: int | None, default: int = STEPS) -> int:
    """Return the length of a sequence for a core.

    Raises:
        InputError: the core cannot buffer so many steps.
    """
    most = core.max_steps or steps or default
    if steps is not None and steps > most:
        raise InputError(f"steps is {steps}, expected 1 to {most} (--max-steps)")
    return steps or min(default, most)


def typed_core(given: Mapping[str, Any]) -> str:
    """Return the values of :func:`core_options` that are not the defaults, as they are typed."""
    words: list[str] = []
    for name, (_, field) in FIELDS.items():
        value = given.get(name)
        if value is None or value == field.default:
            continue
        words.append(f"--{CORE_NAMES.get(name, name).replace('_', '-')}")
        words += [] if value is True else [str(value)]
    return " ".join(words)


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
