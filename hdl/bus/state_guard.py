"""State guard between the bus of states and the core: every state that is loaded has its length."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.packing import Packing
from hdl.bus.unpacker import Unpacker
from hdl.parts.component import port


class StateGuard(wiring.Component):
    """Turns frames into states. A short frame is filled up with zeros, a long one is cut.

    ``last`` comes with a frame's last beat.

    Latency: none. Throughput: that of :class:`hdl.bus.unpacker.Unpacker`.

    Attributes:
        i: beats.
        o: words to the core.
        final: the word on offer is a state's last.
        dropped, wrong: for one cycle: a beat is dropped; a state's length is wrong.
        add, mark: the core has taken a whole state; its length was wrong.
        restart, enable: forget the state that was begun; drop the rest of its frame if ``enable``.
    """

    i = o = port(stream.Interface)
    final = dropped = wrong = add = mark = restart = enable = port(Signal)

    def __init__(self, *, packing: Packing, words: int) -> None:
        self.unpacker = Unpacker(packing=packing, count=words)
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout({"data": packing.bus, "last": 1}))),
                "o": Out(stream.Signature(self.unpacker.o.payload.shape())),
                **{name: Out(1) for name in ("final", "dropped", "wrong", "add", "mark")},
                **{name: In(1) for name in ("restart", "enable")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.unpacker = unpacker = self.unpacker
        begun, dropping = Signal(), Signal()
        ends, late, taken = Signal(), Signal(), Signal()
        live = ~self.restart  # decides last: a restart overrides all registers here
        m.d.comb += [
            unpacker.i.payload.eq(self.i.payload),
            unpacker.i.valid.eq(self.i.valid),
            unpacker.drop.eq(dropping),
            unpacker.restart.eq(self.restart),
            self.i.ready.eq(unpacker.i.ready & live),
            self.o.payload.eq(unpacker.o.payload),
            self.o.valid.eq(unpacker.o.valid & live),
            unpacker.o.ready.eq(self.o.ready),
            self.final.eq(unpacker.final),
            taken.eq(self.i.valid & unpacker.i.ready),
            ends.eq(unpacker.o.valid & self.o.ready & unpacker.final),
            late.eq(ends & ~unpacker.last),
            self.add.eq(ends & live),
            self.mark.eq(unpacker.padding | ~unpacker.last),
            self.wrong.eq((late | unpacker.cut) & live),
            self.dropped.eq(taken & unpacker.first & dropping & live),
        ]
        with m.If(unpacker.moves & ~unpacker.padding):  # where an end is padded, the frame is over
            m.d.sync += begun.eq(1)
        with m.If(taken & self.i.payload.last):
            m.d.sync += [begun.eq(0), dropping.eq(0)]
        with m.If(late):
            m.d.sync += dropping.eq(1)
        with m.If(self.restart):
            m.d.sync += [begun.eq(0), dropping.eq(Mux(self.enable, begun | dropping, 0))]
        return m
