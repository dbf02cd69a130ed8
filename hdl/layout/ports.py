"""Payloads of the core's streams, and addresses of what each stream of sequences has for itself."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Value, signed
from amaranth.lib import data

from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.spec.swept_network import SweptNetwork


def step_fields(plan: Plan) -> dict[str, Any]:
    """Fields that travel with a step's x: those of :class:`golden.interface.Control`.

    In a core for sweeps ``first``, the step is its sweep's first, and ``next``, the position of the
    first pass of the step that follows.
    """
    interface = plan.options.interface
    fields: dict[str, Any] = {"last": 1}
    if isinstance(plan.network, SweptNetwork):
        fields |= {"first": 1, "next": span(plan.sizes.passes)}
    if interface.streams > 1:
        fields["stream"] = span(interface.streams)
    if interface.state != "clear":
        fields["keep"] = 1
    if interface.state == "load":
        fields |= {"load": 1, "save": 1}
    return fields


def input_layout(plan: Plan) -> data.StructLayout:
    """A beat of ``i``: one element of x, ``data``, and the fields of its step.

    In a core for sweeps ``ends``: the element is its step's last; where some read an index
    ``index``: it is one.
    """
    swept = isinstance(plan.network, SweptNetwork)
    ends = {"ends": 1, **({"index": 1} if plan.network.indexed else {})} if swept else {}
    return data.StructLayout({"data": signed(plan.sizes.x_width), **step_fields(plan), **ends})


def output_layout(plan: Plan) -> data.StructLayout:
    """A beat of ``o``: one word, whether it ends a sequence's last result, and its stream."""
    fields: dict[str, Any] = {"data": signed(plan.sizes.out_width), "last": 1}
    if plan.options.interface.streams > 1:
        fields["stream"] = span(plan.options.interface.streams)
    return data.StructLayout(fields)


def state_shape(plan: Plan) -> Any:
    """Shape of a state word: the widest of h and c."""
    return signed(max(plan.sizes.vector_width("h"), plan.sizes.vector_width("c")))


def unit_address(plan: Plan, unit: Value, stream: Value) -> Value:
    """Address of a stream's unit in a vector's memory; the stream is in the upper bits."""
    if plan.options.interface.streams == 1:
        return unit
    return Cat(unit[: unit_bits(plan)], stream)


def unit_bits(plan: Plan) -> int:
    """Bits of a unit's index in a vector's memory."""
    return max(1, (plan.sizes.state_units - 1).bit_length())


def vector_depth(plan: Plan) -> int:
    """Words of a vector's memory."""
    if plan.options.interface.streams == 1:
        return max(2, plan.sizes.state_units)
    return plan.options.interface.streams << unit_bits(plan)
