"""Options of a core that several commands share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import click

from golden.errors import InputError
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from hdl.spec.multipliers import SIZES, USUAL, Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.fpga.targets import Target
from litelstm.options import POSITIVE, Decorator, several

LANES = 16
"""Lanes of the array, unless there are fewer units."""

STEPS = 28
"""Length of a sequence that is counted, unless another is asked for."""

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
    flag = f"--{CORE_NAMES.get(name, name).replace('_', '-')}"
    how: dict[str, Any] = {"help": CORE_HELP[name]}
    if isinstance(default, bool):
        how["is_flag"] = True
    else:
        how["type"] = click.Choice(CHOICES[name]) if name in CHOICES else int
        # Part and network decide the other defaults: see `core_of`.
        if name not in ("sums", "multiplier") and default is not MISSING:
            how["default"] = default
    return click.option(flag, name, **how)


def options(*only: str, but: Collection[str] = ()) -> Decorator:
    """Make options of the fields of :class:`hdl.spec.options.CoreOptions`.

    Args:
        only: names of the fields; all by default.
        but: fields to leave out.
    """
    return several([_core_option(name) for name in only or CORE_HELP if name not in but])


def core_of(
    given: dict[str, Any], *networks: QuantizedNetwork, part: Target | None = None
) -> CoreOptions:
    """Make a core's options from the values of :func:`options`.

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


def typed(given: Mapping[str, Any]) -> str:
    """Return the values of :func:`options` that are not the defaults, as they are typed."""
    words: list[str] = []
    for name, (_, field) in FIELDS.items():
        value = given.get(name)
        if value is None or value == field.default:
            continue
        words.append(f"--{CORE_NAMES.get(name, name).replace('_', '-')}")
        words += [] if value is True else [str(value)]
    return " ".join(words)
