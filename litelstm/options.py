"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from golden.errors import InputError
from golden.quantized import QuantizedNetwork

LANES = 16
"""Default number of lanes, unless there are fewer units."""

lanes_option = click.option(
    "--lanes",
    type=int,
    help="Multipliers in the array, at most the units of the largest layer.  "
    f"[default: {LANES}, or all units where there are fewer]",
)


def lanes_for(lanes: int | None, *networks: QuantizedNetwork) -> int:
    """Return the value of ``--lanes``, or the default for a core of these networks."""
    if lanes is not None:
        return lanes
    return min(LANES, max(layer.units for network in networks for layer in network.layers))


tail_multipliers_option = click.option(
    "--tail-multipliers",
    default=2,
    show_default=True,
    help="Multipliers of the state update; fewer make it slower, 0 makes its products in logic.",
)

_STREAMS = click.option(
    "--streams", default=1, show_default=True, help="Sequences that share the core in turns."
)
_STATE = click.option(
    "--state",
    default="clear",
    show_default=True,
    help="Where a sequence's first state comes from: clear; keep (or zero, on request); load (or "
    "keep, or zero), and saved on request after any step.",
)
classes_option = click.option(
    "--classes", is_flag=True, help="Give the largest logit's index, not the logits."
)
_OUTPUTS = (
    click.option(
        "--every-step", is_flag=True, help="A result after every step, not only the last."
    ),
    classes_option,
)


weights_option = click.option(
    "--weights",
    default="rom",
    show_default=True,
    help="Where weights are: rom, in the Verilog; ram, they come in over a stream; double, the "
    "same with memory for two sets.",
)

_SUMS = click.option(
    "--sums",
    default="lanes",
    show_default=True,
    help="Memories of sums: lanes, for LUT RAM; block, for parts that have none.",
)


def storage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the fields of :class:`hdl.spec.storage.Storage` as options."""
    return weights_option(_SUMS(command))


def interface_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the fields of :class:`golden.interface.Interface` as options."""
    for option in (*reversed(_OUTPUTS), _STATE, _STREAMS):
        command = option(command)
    return command


def stateless_interface_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the interface options except for the state, for commands that run whole sequences."""
    for option in (*reversed(_OUTPUTS), _STREAMS):
        command = option(command)
    return command


_BUS = (
    click.option("--axi", is_flag=True, help="AXI4-Lite registers and AXI4-Stream buses."),
    click.option("--bus-width", type=int, help="Bits of the streams: 8 to 128.  [with --axi: 32]"),
    click.option(
        "--packing",
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
    click.option("--target", help="A part of synth, whose constraints are written, too."),
)


def bus_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a core's bus, see :class:`hdl.packaging.system.Host`."""
    for option in reversed(_BUS):
        command = option(command)
    return command


ALIASES = {
    "activation_width": "activations",
    "baud": "uart",
    "bus": "bus_width",
    "sigmoid": "gate",
    "simulator": "sim",
    "state_width": "state",
    "target": "netlist",
    "task": "task_name",
    "weight_width": "weights",
}
"""Names of values in messages, with the different names of the commands' parameters."""


def speak_as_typed(command: click.Command) -> None:
    """Make a command's messages name its options as a user types them.

    A message that begins with the name of a parameter, such as ``max_drop is -1``, then begins with
    the option, ``--max-drop is -1``.
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
