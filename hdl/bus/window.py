"""Data registers: each is one end of a stream."""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib.wiring import In, Out

from hdl.bus.access import ADDRESS_BITS, WORD
from hdl.bus.register_map import registers
from hdl.parts.component import Component

INTO = {"x": ("X", "X_LAST"), "weights": ("WEIGHT", "WEIGHT_LAST"), "state_in": ("STATE_IN",)}
"""Registers that write a word of a stream, the one for a frame's last word behind."""

OUT_OF = {"y": "Y", "state_out": "STATE_OUT"}
"""The register that takes a word of a stream."""


class Window(Component):
    """Gives what is written to streams and takes what is read from others: at once, or not at all.

    Args:
        streams: names of those that there are.

    Attributes:
        read, write, place, value, error: see :class:`hdl.bus.register_block.RegisterBlock`.
        NAME_moves: a word of the stream is given or taken; ``NAME_last``: it ends its frame.
        NAME_can: the stream's other side is ready, or offers.
        NAME_word: what it offers.
    """

    def __init__(self, *, streams: tuple[str, ...]) -> None:
        self._streams = streams
        self._places = {register.name: register.address // 4 for register in registers()}
        ports = {}
        for name in streams:
            ports |= {f"{name}_moves": Out(1), f"{name}_can": In(1)}
            ports |= {f"{name}_last": Out(1)} if name in INTO else {f"{name}_word": In(WORD)}
        super().__init__(
            {
                "read": In(1),
                "write": In(1),
                "place": In(ADDRESS_BITS - 2),
                "value": Out(WORD),
                "error": Out(1),
                **ports,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.error.eq(1)
        for name in self._streams:
            can, moves = getattr(self, f"{name}_can"), getattr(self, f"{name}_moves")
            if name in INTO:
                at = self._at(*INTO[name])
                m.d.comb += getattr(self, f"{name}_last").eq(self._at(INTO[name][-1]))
            else:
                at = self._at(OUT_OF[name])
                with m.If(at):
                    m.d.comb += self.value.eq(getattr(self, f"{name}_word"))
            m.d.comb += moves.eq((self.write if name in INTO else self.read) & at & can)
            with m.If(at):
                m.d.comb += self.error.eq(~can)
        return m

    def _at(self, *names: str) -> Value:
        return self.place.matches(*(self._places[name] for name in names))
