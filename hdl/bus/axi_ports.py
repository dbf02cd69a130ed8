"""The ports of a core with AXI buses, and the streams inside that they are."""

from __future__ import annotations

from hdl.bus.access import ADDRESS_BITS, WORD
from hdl.bus.bus_core import BusCore
from hdl.bus.input_guard import STREAM_BITS, user_bits
from hdl.parts.top_ports import Port


def axi_ports(core: BusCore) -> tuple[Port, ...]:
    """All ports of :class:`hdl.bus.top.AxiTop`, clock and reset first."""
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
    into = {
        "aw": [("addr", ADDRESS_BITS, "payload")],
        "w": [("data", WORD, "payload.data"), ("strb", WORD // 8, "payload.strb")],
        "ar": [("addr", ADDRESS_BITS, "payload")],
    }
    out_of = {
        "b": [("resp", 2, "payload")],
        "r": [("data", WORD, "payload.data"), ("resp", 2, "payload.resp")],
    }
    ports = []
    for channel, fields in into.items():
        ports += _channel("s_axil_" + channel, f"lite.{channel}", fields, into=True)
    for channel, fields in out_of.items():
        ports += _channel("s_axil_" + channel, f"lite.{channel}", fields, into=False)
    return ports


def _streams(core: BusCore) -> list[Port]:
    plan, width = core.plan, core.bus.width
    several = plan.options.interface.streams > 1
    ident = [("id", STREAM_BITS, "payload.id")] if several else []
    user = [("user", user_bits(plan), "payload.user")] if user_bits(plan) else []
    data, last = ("data", width, "payload.data"), ("last", 1, "payload.last")
    keep = ("keep", width // 8, "payload.keep")
    error = ("user", 1, "payload.error")
    ports = _channel("s_axis_t", "core.x", [data, last, *ident, *user], into=True)
    ports += _channel("m_axis_t", "core.y", [data, keep, last, *ident, error], into=False)
    if core.state_guard:
        ports += _channel("s_axis_state_t", "core.state_in", [data, last], into=True)
        ports += _channel("m_axis_state_t", "core.state_out", [data, keep, last], into=False)
    if core.core.loader:
        word = ("data", WORD, "payload.data")
        ports += _channel("s_axis_weights_t", "core.weights", [word, last], into=True)
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


def _channel(
    prefix: str, inner: str, fields: list[tuple[str, int, str]], *, into: bool
) -> list[Port]:
    """A channel's payload, valid and ready."""
    forward, backward = ("input", "output") if into else ("output", "input")
    ports = [
        Port(prefix + name, forward, width, _MEANINGS[prefix + name], f"{inner}.{path}")
        for name, width, path in fields
    ]
    return [
        *ports,
        Port(prefix + "valid", forward, 1, "a beat is offered", f"{inner}.valid"),
        Port(prefix + "ready", backward, 1, "it is taken at this edge", f"{inner}.ready"),
    ]
