"""All that is known of a core with a bus once it is generated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hdl.bus.identity import core_hash
from hdl.bus.options import Bus
from hdl.description import describe
from hdl.packaging.bus_description import bus_section, register_list
from hdl.plan import Plan


def describe_system(
    plan: Plan, *, name: str, kind: str, bus: Bus, ports: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The JSON of a core with a bus: that of the core, its bus, and its registers."""
    return {
        **describe(plan, name=name),
        "ports": list(ports),
        "bus": bus_section(plan, kind=kind, bus=bus, core=core_hash(plan)),
        "registers": register_list(),
    }
