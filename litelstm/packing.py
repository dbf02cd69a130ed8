"""Images of weights for an existing core, from its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl.plan import Plan
from hdl.spec.capacity import Capacity
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage


def read_capacity(path: Path) -> Capacity:
    """Read the capacity of a core from the JSON of ``litelstm generate``.

    Raises:
        InputError: the file cannot be read, is no such JSON, or the core's weights are in the
            Verilog.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON: {error}") from None
    try:
        return capacity_of(told)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def capacity_of(description: Mapping[str, Any]) -> Capacity:
    """Extract the capacity of a core from its description.

    Raises:
        InputError: ``description`` does not describe a core that loads weights.
    """
    if not isinstance(description, dict) or "weight_stream" not in description:
        raise InputError("is no description of a core: it has no field weight_stream")
    told = description["weight_stream"]
    if told is None:
        raise InputError("the core has its weights in the Verilog, expected weights ram or double")
    try:
        capacity = Capacity.from_json(told["capacity"])
        number, own = int(told["core_id"]), capacity.number
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"weight_stream is not as generated: {error!r}") from None
    if own != number:
        raise InputError(f"core_id is {number}, expected {own}, that of the capacity beside it")
    return capacity


def plan_for(network: QuantizedNetwork, capacity: Capacity) -> Plan:
    """Plan a network on a core; :func:`hdl.layout.weight_image.image` makes its image.

    Raises:
        InputError: the network does not fit; the message has the reason.
    """
    return Plan(
        network=network,
        options=CoreOptions(
            lanes=capacity.lanes,
            tail_multipliers=capacity.tail_multipliers,
            interface=capacity.interface,
            storage=Storage(weights="ram"),
        ),
        core=capacity,
    )
