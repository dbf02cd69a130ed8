"""Ports of a core's Verilog: one per field of its streams."""

from __future__ import annotations

from typing import Any

from amaranth.lib.data import StructLayout

from hdl.export.verilog_names import FAULT
from hdl.layout.ports import input_layout, output_layout, state_shape
from hdl.loading.loader import LOAD, WEIGHT_STREAM
from hdl.parts.top_ports import Port, stream_ports
from hdl.plan import Plan

_MEANINGS = {
    "i_data": "input element, signed",
    "i_last": "with the last element of a sequence's last step",
    "i_stream": "with a step's first element: number of its stream",
    "i_keep": "with a sequence's first element: go on from the state that its stream has",
    "i_load": "with a step's first element: its stream's state comes from i_state",
    "i_save": "with a step's last element: its stream's state goes to o_state afterwards",
    "o_data": "output word, signed",
    "o_last": "with the last word of a sequence's last result",
    "o_stream": "number of the stream that the word belongs to",
    "i_state_data": "state word, signed",
    "o_state_data": "state word, signed",
    "i_weights_data": "word of an image of weights",
    "i_weights_last": "with an image's last word",
}
"""Meanings of the streams' fields, by their ports."""

_LOAD_MEANINGS = {
    "loaded": "a set of weights is active",
    "loading": "an image is being taken",
    "done": "for one cycle: the image became the active set",
    "failed": "for one cycle: it did not",
    "reason": "with load_failed: 1 last too early, 2 last missing, 3 CRC, 4 not for this core",
}


def plain_ports(plan: Plan) -> list[Port]:
    """List the ports of a core's Verilog other than ``clk`` and ``rst``."""
    streams: list[tuple[str, Any]] = [("i", input_layout(plan)), ("o", output_layout(plan))]
    if plan.options.interface.state == "load":
        streams += [("i_state", state_shape(plan)), ("o_state", state_shape(plan))]
    if plan.options.storage.loadable:
        streams.append(("i_weights", WEIGHT_STREAM.members["payload"].shape))
    found: list[Port] = []
    for stream, payload in streams:
        into = stream.startswith("i")
        if isinstance(payload, StructLayout):
            fields = [(name, field.shape, f"payload.{name}") for name, field in payload]
        else:
            fields = [("data", payload, "payload")]
        offered = "a beat" if into else "a word"
        found += stream_ports(f"{stream}_", stream, fields, _MEANINGS, into=into, offered=offered)
    if plan.options.storage.loadable:
        found += [
            Port(f"load_{name}", "output", field.shape, _LOAD_MEANINGS[name], f"load.{name}")
            for name, field in LOAD
        ]
        found += [
            Port("restart", "input", 1, "forget everything but the weights", "restart"),
            Port("idle", "output", 1, "no step begun, nothing in flight", "idle"),
        ]
    if plan.options.max_steps:
        found.append(
            Port("overlong", "output", 1, "for one cycle: a sequence was too long, cut", "overlong")
        )
    if plan.options.parity:
        found.append(Port(FAULT, "output", 1, "until a reset: a memory gave a word that is wrong"))
    return found
