"""Bus section of a core's JSON, for drivers."""

from __future__ import annotations

from typing import Any

from golden.interface import Interface
from golden.link.messages import fingerprint
from golden.packing import Packing
from golden.sessions import state_words
from hdl.bus.options import Bus
from hdl.bus.register_map import registers
from hdl.layout.ports import state_shape
from hdl.plan import Plan

WEIGHT_WORD = Packing(element=32, bus=32)


def register_list() -> list[dict[str, Any]]:
    """List the registers as JSON values."""
    return [
        {
            "name": register.name,
            "address": register.address,
            "fields": [
                {"name": field.name, "low": field.low, "width": field.width}
                for field in register.fields
            ],
        }
        for register in registers()
    ]


def bus_section(plan: Plan, *, kind: str, bus: Bus, core: int) -> dict[str, Any]:
    """Describe the buses of a core as JSON values.

    Args:
        plan: of the core.
        kind: ``axi``, ``spi`` or ``uart``.
        bus: its options.
        core: value of its register CORE.
    """
    network, interface = plan.network, plan.options.interface
    has_rom = not plan.options.storage.loadable
    y = interface.out(network).width
    streams = {
        "x": ("s_axis", bus.pack(network.x.width), network.inputs),
        "y": ("m_axis", bus.pack(y), plan.result_words),
    }
    if interface.state == "load":
        packing = bus.pack(state_shape(plan).width)
        streams["state_in"] = ("s_axis_state", packing, state_words(network))
        streams["state_out"] = ("m_axis_state", packing, state_words(network))
    if not has_rom:
        streams["weights"] = ("s_axis_weights", WEIGHT_WORD, 1)
    return {
        "kind": kind,
        "window": bus.window,
        "core": core,
        "network": fingerprint(network, Interface(classes=interface.classes)).hex()
        if has_rom
        else None,
        "state_words": state_words(network) if interface.state == "load" else 0,
        "streams": [
            {
                "name": name,
                "port": "" if bus.window else port,
                "element": packing.element,
                "bus": packing.bus,
                "tight": packing.tight,
                "vector": vector,
            }
            for name, (port, packing, vector) in streams.items()
        ],
    }
