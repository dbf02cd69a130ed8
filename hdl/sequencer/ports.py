"""Ports that both sequencers have: of what they read, and of the rows that they complete."""

from __future__ import annotations

from typing import Any

from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from hdl.layout.pass_table import row_layout
from hdl.layout.ports import step_fields
from hdl.layout.vectors import ready_layout, restarts
from hdl.parts.numeric import span
from hdl.plan import Plan


def vector_ports(plan: Plan) -> dict[str, Any]:
    """Make the ports that tell what of the vectors is ready, and what begins anew."""
    return {
        "x_ready": In(span(plan.sizes.inputs)),
        "x_whole": In(1),
        "x_step": In(data.StructLayout(step_fields(plan))),
        "x_releasing": Out(1),
        "x_release": Out(1),
        "ready": In(ready_layout(plan)),
        "restart": Out(restarts(plan)),
        "head_free": In(plan.unread),
    }


def sum_ports(plan: Plan, place: data.StructLayout) -> dict[str, Any]:
    """Make the ports that tell which sum an operation adds to, and the row that it completes."""
    return {
        "place": Out(place),
        "first": Out(1),
        "final": Out(1),
        "done": Out(1),
        "row": Out(row_layout(plan)),
    }
