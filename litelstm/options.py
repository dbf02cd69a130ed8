"""Options that several commands share, each made once, and the refusal of their old names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from golden.cells import SIGMOIDS
from golden.errors import InputError
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl.bus.options import Bus
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm import outputs
from litelstm.architectures import CELLS
from litelstm.fpga.targets import TARGETS
from litelstm.tasks import TASKS
from sim.tools.toolchain import SIMULATORS

LANES = 16
"""Multipliers in the array, unless there are fewer units."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

CORE_HELP = {
    "lanes": "Multipliers in the array, at most the units of the largest layer.  "
    f"[default: {LANES}, or all units where there are fewer]",
    "tail_multipliers": "Multipliers of the state update; fewer make it slower, 0 makes its "
    "products in logic.",
    "weights": "Where weights live: rom, in the Verilog; ram, loaded over a stream; double, "
    "loaded into memory for two sets.",
    "sums": "Memories of sums: lanes, for LUT RAM; block, for parts that have none.  "
    "[default: lanes; synth: what the part has]",
    "streams": "Sequences that share the core in turns.",
    "state": "Where a sequence's first state comes from: clear; keep (or zero, on request); load "
    "(or keep, or zero), and saved on request after any step.",
    "every_step": "A result after every step, not only the last.",
    "classes": "Give the largest logit's index, not the logits.",
}
"""Fields of :class:`hdl.spec.options.CoreOptions`, in the order of the help."""

CORE_NAMES = {"weights": "storage"}
"""Fields that the command line calls otherwise."""

CHOICES = {"state": Interface.STATES, **Storage.CHOICES}


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
        # A part decides about sums, and a network about lanes: see `core_of`.
        if name != "sums" and default is not MISSING:
            how |= {"default": default, "show_default": True}
    return click.option(typed, name, **how)


def core_options(*only: str, but: Collection[str] = ()) -> Decorator:
    """Give a command the fields of :class:`hdl.spec.options.CoreOptions` as options.

    Args:
        only: names of fields; all of them by default.
        but: fields to leave out.
    """
    return _several([_core_option(name) for name in only or CORE_HELP if name not in but])


def core_of(given: dict[str, Any], *networks: QuantizedNetwork) -> CoreOptions:
    """Take the values of :func:`core_options` out of a command's, and make a core's options.

    Args:
        given: values by parameter; those of a core are removed. ``None`` stands for the default.
        networks: what the core runs; they decide how many lanes it has by default.

    Raises:
        InputError: a value is out of range.
    """
    taken: dict[type, dict[str, Any]] = {CoreOptions: {}, Interface: {}, Storage: {}}
    for name, (owner, _) in FIELDS.items():
        if (value := given.pop(name, None)) is not None:
            taken[owner][name] = value
    units = max(layer.units for network in networks for layer in network.layers)
    return CoreOptions(
        **{"lanes": min(LANES, units), **taken[CoreOptions]},
        interface=Interface(**taken[Interface]),
        storage=Storage(**taken[Storage]),
    )


def _several(options: list[Decorator]) -> Decorator:
    """Make one decorator of several; the help has their order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


BITS = {
    "weight_width": ("--weight-bits", "Bits of a weight, 2 to 18."),
    "activation_width": ("--activation-bits", "Bits of h, 2 to 18."),
    "state_width": ("--state-bits", "Bits of c, which saturates."),
    "input_width": ("--input-bits", "Bits of x.  [default: as of h]"),
    "gate_bits": ("--gate-bits", "Fraction bits of gates and tanh.  [default: bits of h]"),
    "pre_width": ("--pre-bits", "Bits of a pre-activation."),
    "out_width": ("--logit-bits", "Bits of a logit."),
}
"""Widths among the fields of :class:`golden.settings.Settings`: option and help."""


def bit_options(*names: str) -> Decorator:
    """Give a command the widths of these names as options; without a value they are ``None``."""
    defaults = {field.name: field.default for field in fields(Settings)}
    options = []
    for name in names:
        typed, text = BITS[name]
        if defaults[name] is not None:
            text += f"  [default: {defaults[name]}]"
        options.append(click.option(typed, name, type=int, help=text))
    return _several(options)


def said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have a value."""
    return {name: value for name, value in options.items() if value is not None}


def sigmoid_option(text: str = "Gate activation.") -> Decorator:
    """Make the option of the gate activation."""
    choice = click.Choice(tuple(SIGMOIDS))
    return click.option("--sigmoid", type=choice, help=f"{text}  [default: hard]")


def cell_option(text: str) -> Decorator:
    """Make the option of a cell's name."""
    return click.option("--cell", type=click.Choice(tuple(CELLS)), help=text)


def target_option(text: str, name: str = "--target", **how: Any) -> Decorator:
    """Make the option of an FPGA's name."""
    choice = click.Choice(tuple(TARGETS))
    return click.option(name, type=choice, help=text, **how)


task_option = click.option("--task", type=click.Choice(tuple(TASKS)), required=True, help="Task.")

sim_option = click.option(
    "--sim",
    type=click.Choice(SIMULATORS),
    default="verilator",
    show_default=True,
    help="Simulator.",
)


def _report_path(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Check where a report goes before the command works for long."""
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
    help="Write the report here as JSON; - prints it in place of the text.",
)

_BUS = [
    click.option("--axi", is_flag=True, help="AXI4-Lite registers and AXI4-Stream buses."),
    click.option("--bus-width", type=int, help="Bits of the streams: 8 to 128.  [with --axi: 32]"),
    click.option(
        "--packing",
        type=click.Choice(Bus.PACKINGS),
        help="Elements on the streams: extended, in containers of 8, 16 or 32 bits; tight, without "
        "gaps.  [with --axi: extended]",
    ),
    click.option("--window", is_flag=True, help="Data registers in place of the streams."),
    click.option("--spi", is_flag=True, help="Registers over SPI."),
    click.option("--uart", type=int, metavar="BAUD", help="Registers over a serial line."),
    click.option(
        "--clock",
        type=int,
        metavar="HZ",
        help="The core's clock, for constraints and --uart.  [without --uart: 100000000]",
    ),
    target_option("A part of synth, whose constraints are written, too."),
]

bus_options = _several(_BUS)
"""Options of what reaches a core: see :class:`hdl.packaging.system.Host`."""


RENAMED = {
    "--activations": ("--activation-bits",),
    "--batch": ("--batch-size",),
    "--clock": ("--mhz",),
    "--gate": ("--sigmoid",),
    "--gates": ("--gate-bits",),
    "--inputs": ("--input-bits",),
    "--logits": ("--logit-bits",),
    "--pre": ("--pre-bits",),
    "--state": ("--state-bits",),
    "--weights": ("--weight-bits", "--storage"),
}
"""Old options, and what became of them; some commands still have another of an old name."""


def usage_line(error: click.UsageError) -> str:
    """Return what is wrong with a command line, in one line; an old option's names the new one."""
    has = {name for option in error.ctx.command.params for name in option.opts} if error.ctx else ()
    if isinstance(error, click.NoSuchOption):
        for new in RENAMED.get(error.option_name, ()):
            if new in has:
                return f"{error.option_name} is now {new}"
    if isinstance(error, click.BadOptionUsage) and error.option_name == "--json":
        return f"--json needs {JSON_VALUE}"
    return " ".join(error.format_message().split())


ALIASES = {"baud": "uart", "bus": "bus_width"}
"""Words by which a message calls a value whose parameter has another name."""


def speak_as_typed(command: click.Command) -> None:
    """Make a command's messages name its options as they are typed.

    A message that begins with the name of a parameter, such as ``max_drop is -1``, is about the
    option ``--max-drop``.
    """
    typed = {
        option.name: max(option.opts, key=len)
        for option in command.params
        if isinstance(option, click.Option)
    }
    typed = {word: typed[name] for word, name in ALIASES.items() if name in typed} | typed
    run = command.callback
    assert run

    @wraps(run)
    def speaking(*arguments: Any, **options: Any) -> Any:
        try:
            return run(*arguments, **options)
        except InputError as error:
            name, is_, rest = str(error).partition(" is ")
            if not is_ or name not in typed:
                raise
            raise InputError(f"{typed[name]} is {rest}") from None

    command.callback = speaking
