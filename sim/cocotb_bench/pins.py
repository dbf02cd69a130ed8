"""Ports of a top module under cocotb, found by name."""

from __future__ import annotations

from typing import Any

from cocotb.handle import LogicObject, PackedObject

from sim.streams import PORTS


def line(dut: Any, name: str) -> LogicObject:
    """Return the one-bit port `name` of a top module.

    Raises:
        TypeError: there is no such port.
    """
    handle = getattr(dut, name, None)
    if not isinstance(handle, LogicObject):
        raise TypeError(f"The top module has no port {name} of one bit")
    return handle


def bus(dut: Any, name: str) -> PackedObject[Any]:
    """Return the port `name` of a top module, two bits wide or more.

    Raises:
        TypeError: there is no such port.
    """
    handle = getattr(dut, name, None)
    if not isinstance(handle, PackedObject):
        raise TypeError(f"The top module has no port {name} of several bits")
    return handle


def ports(dut: Any, stream: str) -> dict[str, LogicObject | PackedObject[Any]]:
    """Return a stream's ports other than data, valid and ready, by field."""
    found = {name: getattr(dut, f"{stream}_{name}", None) for name in PORTS}
    return {
        name: handle
        for name, handle in found.items()
        if isinstance(handle, LogicObject | PackedObject)
    }
