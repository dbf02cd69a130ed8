"""Data registers: each is one end of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.bus.access import WINDOW_ACCESS, WindowAccess
from hdl.bus.register_map import registers
from hdl.parts.component import port

INTO = {"x": ("X", "X_LAST"), "weights": ("WEIGHT", "WEIGHT_LAST"), "state_in": ("STATE_IN",)}
"""Registers that write a word of a stream; the second, where there is one, a frame's last word."""

OUT_OF = {"y": ("Y",), "state_out": ("STATE_OUT",)}
"""The register that takes a word of a stream."""


class Window(wiring.Component):
    """Moves a word of a stream in the cycle of an access, or refuses the access.

    Args:
        payloads: shapes of the streams' payloads, by the names in ``INTO`` and ``OUT_OF``.

    Attributes:
        access: from :class:`hdl.bus.register_block.RegisterBlock`.
        streams: the streams, by their names.
        state_ends: the next word of ``state_in`` ends its state: no register tells that.
    """

    access = port(WindowAccess)
    state_ends = port(Signal)

    def __init__(self, *, payloads: Mapping[str, Any]) -> None:
        self._map = {register.name: register for register in registers()}
        ports = {
            name: (Out if name in INTO else In)(stream.Signature(shape))
            for name, shape in payloads.items()
        }
        super().__init__({"access": In(WINDOW_ACCESS), "state_ends": In(1), **ports})
        self.streams = {name: getattr(self, name) for name in payloads}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        access = self.access
        room: dict[str, Value] = {}
        m.d.comb += access.error.eq(1)
        for name, side in self.streams.items():
            names = INTO[name] if name in INTO else OUT_OF[name]
            at = self._at(*names)
            if name in INTO:
                can = self._give(m, name, access.write & at, self._at(names[-1]))
            else:
                can = side.valid
                m.d.comb += side.ready.eq(access.read & at)
                with m.If(at):
                    m.d.comb += access.value.eq(side.payload.data)
            room[names[0]] = can
            with m.If(at):
                m.d.comb += access.error.eq(~can)
        y = self.streams["y"].payload
        room |= {"Y_LAST": y.last, "Y_ERROR": y.error}
        if "id" in dict(y.shape()):
            room["Y_STREAM"] = y.id
        with m.If(self._at("ROOM")):
            for name, value in room.items():
                low = self._map["ROOM"].field(name).low
                m.d.comb += access.value[low : low + len(value)].eq(value)
        return m

    def _give(self, m: Module, name: str, writes: Value, last: Value) -> Value:
        """Give what is written to a stream; returns whether the stream has room for it."""
        side, written = self.streams[name], self.access.data
        if name != "weights":
            m.d.comb += [
                side.valid.eq(writes & side.ready),
                side.payload.data.eq(written),
                side.payload.last.eq(self.state_ends if name == "state_in" else last),
            ]
            return side.ready
        # The core is not ready before a word of weights is offered: here one waits.
        with m.If(side.ready):
            m.d.sync += side.valid.eq(0)
        with m.If(writes & ~side.valid):
            m.d.sync += [
                side.valid.eq(1),
                side.payload.data.eq(written),
                side.payload.last.eq(last),
            ]
        return ~side.valid

    def _at(self, *names: str) -> Value:
        return self.access.place.matches(*(self._map[name].address // 4 for name in names))
