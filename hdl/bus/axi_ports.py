"""Ports of a core with AXI buses, and the signals inside that they connect to."""

from __future__ import annotations

from hdl.bus.access import ADDRESS_BITS, WORD
from hdl.bus.bus_core import BusCore
from hdl.bus.input_guard import STREAM_BITS, user_bits
from hdl.parts.top_ports import Port, stream_ports


def axi_ports(core: BusCore) -> tuple[Port, ...]:
    """List the ports of :class:`hdl.bus.top.AxiTop`, clock and reset first."""
    ports = [
        Port("aclk", "input", 1, "clock, rising edge"),
        Port("aresetn", "input", 1, "synchronous reset, active low"),
        Port("irq", "output", 1, "interrupt, level, active high", "core.interrupt"),
        *_axi_lite(),
    ]
    if not core.bus.window:
        ports += _streams(core)
    return tuple(ports)


def _axi_lite() -> list[Port]:
    """``s_axil_*``: a slave of 32 bits."""
    address = [("addr", ADDRESS_BITS, "payload")]
    word, response = ("data", WORD, "payload.data"), ("resp", 2, "payload.resp")
    channels = {
        "aw": address,
        "w": [word, ("strb", WORD // 8, "payload.strb")],
        "ar": address,
        "b": [("resp", 2, "payload")],
        "r": [word, response],
    }
    ports = []
    for name, fields in channels.items():
        into = name in ("aw", "w", "ar")
        ports += stream_ports(f"s_axil_{name}", f"lite.{name}", fields, _MEANINGS, into=into)
    return ports


def _streams(core: BusCore) -> list[Port]:
    plan, width = core.plan, core.bus.width
    several = plan.options.interface.streams > 1
    ident = [("id", STREAM_BITS, "payload.id")] if several else []
    user = [("user", user_bits(plan), "payload.user")] if user_bits(plan) else []
    data, last = ("data", width, "payload.data"), ("last", 1, "payload.last")
    keep = ("keep", width // 8, "payload.keep")
    streams = {
        "s_axis_t": ("x", [data, last, *ident, *user]),
        "m_axis_t": ("y", [data, keep, last, *ident, ("user", 1, "payload.error")]),
    }
    if core.state_guard:
        streams["s_axis_state_t"] = ("state_in", [data, last])
        streams["m_axis_state_t"] = ("state_out", [data, keep, last])
    if core.core.loader:
        streams["s_axis_weights_t"] = ("weights", [("data", WORD, "payload.data"), last])
    ports = []
    for prefix, (name, fields) in streams.items():
        into = prefix.startswith("s_")
        ports += stream_ports(prefix, f"core.{name}", fields, _MEANINGS, into=into)
    return ports


_MEANINGS = {
    "s_axis_tdata": "elements of x, the first in the lowest bits; a step begins with a fresh beat",
    "s_axis_tlast": "with a sequence's last beat",
    "s_axis_tid": "with a step's first beat: number of its stream",
    "s_axis_tuser": "bit 0, with a sequence's first beat: go on from the stream's state; bit 1, "
    "with it: its state comes from s_axis_state; bit 2, with its last: its state goes to "
    "m_axis_state",
    "m_axis_tdata": "words of results, the first in the lowest bits; a result begins with a fresh "
    "beat",
    "m_axis_tkeep": "bytes in use",
    "m_axis_tlast": "with the last beat of a sequence's last result",
    "m_axis_tid": "number of the stream",
    "m_axis_tuser": "the sequence was not right, or the state that it began from",
    "s_axis_state_tdata": "state words, the first in the lowest bits",
    "s_axis_state_tlast": "with a state's last beat",
    "m_axis_state_tdata": "state words, the first in the lowest bits",
    "m_axis_state_tkeep": "bytes in use",
    "m_axis_state_tlast": "with a state's last beat",
    "s_axis_weights_tdata": "word of an image of weights",
    "s_axis_weights_tlast": "with an image's last word",
    "s_axil_awaddr": "address of a write, in bytes",
    "s_axil_wdata": "word to write",
    "s_axil_wstrb": "bytes to write: all; none, and nothing happens; else the write is refused",
    "s_axil_bresp": "0 or, refused, 2",
    "s_axil_araddr": "address of a read, in bytes",
    "s_axil_rdata": "word that was read",
    "s_axil_rresp": "0 or, refused, 2",
}
