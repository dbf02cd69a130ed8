"""Unpacker of beats of a stream bus into vectors, each of the right length whatever comes."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.packing import Packing
from hdl.bus.moves import Take, takes
from hdl.parts.component import port
from hdl.parts.numeric import span


class Unpacker(wiring.Component):
    """Unpacks vectors of ``count`` elements, or fewer. A vector begins with a fresh beat.

    If a frame ends inside a vector, its missing elements become 0. An incomplete element is
    missing.

    Latency: none. Throughput: one element per cycle, if it has no more bits than a beat.
    Cost: where an element may lie in two beats, a register for its first bits.

    Attributes:
        i: beats; ``last`` ends a frame.
        o: elements.
        first: nothing of the next vector was taken yet.
        last_index: index of a vector's last element, where ``varies``; at most ``count`` - 1.
        final: the element on offer is the vector's last.
        last: with ``final``: the frame ends with it, or was cut short, if ``padding``.
        padding: the elements on offer stand for missing ones.
        hold: take no beat. Only while ``first``, as ``drop``.
        drop: take beats and discard them.
        moves: the unpacker takes a beat of a vector, or gives an element.
        cut: a beat that ends its frame is taken inside a vector.
        restart: forget the vector that was begun.
    """

    i = o = port(stream.Interface)
    first = final = last = padding = hold = drop = moves = cut = restart = port(Signal)
    last_index = port(Signal)

    def __init__(self, *, packing: Packing, count: int, varies: bool = False) -> None:
        self.packing = packing
        self.count = count
        self._varies = varies
        only = not varies and count == 1
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout({"data": packing.bus, "last": 1}))),
                "o": Out(stream.Signature(signed(packing.element))),
                "first": Out(1, init=1),  # pyright: ignore[reportCallIssue]
                "final": Out(1, init=only),  # pyright: ignore[reportCallIssue]
                **{name: Out(1) for name in ("last", "padding", "moves", "cut")},
                **{name: In(1) for name in ("hold", "drop", "restart")},
                **({"last_index": In(span(count))} if varies else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        schedule = takes(self.packing)
        place = Signal(span(len(schedule)))
        index = Signal(span(self.count))
        makes, ends = Signal(), Signal()
        element = self._element(m, schedule, place, makes, ends)
        held = Signal()
        taken, given = Signal(), Signal()
        m.d.comb += [
            held.eq(self.hold | self.drop),
            self.last.eq(self.final & (self.padding | self.i.payload.last)),
            self.o.valid.eq(self.padding | (self.i.valid & makes & ~held)),
            self.o.payload.eq(Mux(self.padding, 0, element)),
            self.i.ready.eq(
                ~self.padding
                & Mux(
                    held,
                    self.drop,
                    ~makes | ((ends | self.final) & self.o.ready),
                )
            ),
            taken.eq(self.i.valid & self.i.ready & ~held),
            given.eq(self.o.valid & self.o.ready),
            self.moves.eq(taken | given),
            self.cut.eq(taken & self.i.payload.last & ~(makes & self.final)),
        ]
        with m.If(given):
            m.d.sync += index.eq(Mux(self.final, 0, index + 1))
        with m.If(self.moves):
            if len(schedule) > 1:
                m.d.sync += place.eq(Mux(place == len(schedule) - 1, 0, place + 1))
            m.d.sync += self.first.eq(given & self.final)
        with m.If(given & self.final):
            m.d.sync += [place.eq(0), self.padding.eq(0)]
        with m.Elif(self.cut):  # padding does not depend on the place
            m.d.sync += self.padding.eq(1)
        with m.If(self.restart):
            m.d.sync += [index.eq(0), place.eq(0), self.padding.eq(0), self.first.eq(1)]
        self._find_final(m, index, given)
        return m

    def _find_final(self, m: Module, index: Value, given: Value) -> None:
        """Tell whether the element is the last, from a register where the length is fixed."""
        if self._varies:
            m.d.comb += self.final.eq(index == self.last_index)
            return
        only = self.count == 1
        with m.If(given):
            m.d.sync += self.final.eq(Mux(self.final, only, index == self.count - 2))
        with m.If(self.restart):
            m.d.sync += self.final.eq(only)

    def _element(
        self, m: Module, schedule: tuple[Take, ...], place: Signal, makes: Signal, ends: Signal
    ) -> Value:
        """Build the element at a place of the schedule, and keep the bits of the next one."""
        packing, beat = self.packing, self.i.payload.data
        most = max(move.kept for move in schedule)
        kept = Signal(max(1, most), reset_less=True)
        element = Signal(signed(packing.element))
        with m.Switch(place):
            for number, move in enumerate(schedule):
                with m.Case(number):
                    used = packing.container - move.kept if move.makes else 0
                    bits = Cat(kept[: move.kept], beat[move.start :])
                    m.d.comb += [
                        makes.eq(move.makes),
                        ends.eq(move.ends),
                        element.eq(bits[: packing.element]),
                    ]
                    if most and move.ends:
                        left = beat[move.start + used :]
                        with m.If(self.moves):
                            m.d.sync += kept.eq(
                                left if move.makes else Cat(kept[: move.kept], left)
                            )
        return element
