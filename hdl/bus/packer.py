"""Packer of words of vectors into beats of a stream bus."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.packing import Packing
from hdl.bus.moves import Put, puts
from hdl.parts.component import port
from hdl.parts.numeric import span


def word_layout(packing: Packing, beside: dict[str, Any]) -> data.StructLayout:
    """Lay out a word: ``data``; ``ends`` its vector; ``last``, ends its frame too; ..."""
    return data.StructLayout({"data": signed(packing.element), "ends": 1, "last": 1, **beside})


def beat_layout(packing: Packing, beside: dict[str, Any]) -> data.StructLayout:
    """Lay out a beat: ``data``; ``keep``, its bytes in use; ``ends``, ``last`` as a word; ..."""
    keep = packing.bus // 8
    return data.StructLayout({"data": packing.bus, "keep": keep, "ends": 1, "last": 1, **beside})


class Packer(wiring.Component):
    """Packs vectors into beats. A vector begins with a fresh beat; zeros fill its last beat.

    After ``restart`` a beat on offer stays. If beats of a frame have left, one more closes the
    frame: zeros, with ``last`` but without ``ends``, all bytes in use.

    Latency: a beat is on offer one cycle after the word that completes it. Throughput: one word per
    cycle, if a word has no more bits than a beat and the receiver takes the beat at once. A vector
    whose last word lies in two beats takes one more cycle.

    Args:
        packing: of the words.
        beside: more fields of words; a beat has those of its last word.
        closing: values of such fields in the beat that closes a frame after ``restart``; a field
            without one stays as it was.
        at_last: such fields that are 0 except in a frame's last beat.

    Attributes:
        i: words, see :func:`word_layout`.
        o: beats, see :func:`beat_layout`.
        empty: the packer holds nothing.
        restart: forget the vector that was begun.
    """

    i = o = port(stream.Interface)
    empty = restart = port(Signal)

    def __init__(
        self,
        *,
        packing: Packing,
        beside: dict[str, Any] | None = None,
        closing: dict[str, int] | None = None,
        at_last: tuple[str, ...] = (),
    ) -> None:
        self.packing = packing
        self._beside = beside or {}
        self._closing = closing or {}
        self._at_last = at_last
        super().__init__(
            {
                "i": In(stream.Signature(word_layout(packing, self._beside))),
                "o": Out(stream.Signature(beat_layout(packing, self._beside))),
                "empty": Out(1),
                "restart": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        schedule = puts(self.packing)
        place = Signal(span(len(schedule)))
        beat = Signal(beat_layout(self.packing, self._beside))
        word = self.i.payload
        fields = [name for name, _ in self.o.payload.shape()]
        offered = Signal()
        begun, closing = Signal(), Signal()  # a frame needs its last beat: some time, now
        flushing, flushed_last = Signal(), Signal()  # the vector's end is carried
        free, takes, moves, over = Signal(), Signal(), Signal(), Signal()
        move = Signal(data.StructLayout({"ends": 1, "completes": 1, "carries": 1}))
        m.d.comb += [
            self.o.valid.eq(offered),
            *(self.o.payload[name].eq(beat[name] & self._counts(beat, name)) for name in fields),
            self.empty.eq(~offered & ~closing & ~flushing & (place == 0)),
            free.eq(~offered | self.o.ready),
            takes.eq(free & ~flushing & ~closing),
            moves.eq(takes & self.i.valid & ~self.restart),
            self.i.ready.eq(takes & move.ends),
            over.eq(move.ends & word.ends & ~move.carries),
        ]
        carry, carry_keep = self._fill(m, schedule, place, beat, move, moves)
        with m.If(self.o.ready):
            m.d.sync += offered.eq(0)
        with m.If(moves):
            m.d.sync += [
                beat.ends.eq(over),
                beat.last.eq(over & word.last),
                *(beat[name].eq(word[name]) for name in self._beside),
                flushing.eq(move.ends & word.ends & move.carries),
                flushed_last.eq(word.last),
                place.eq(place + 1),
            ]
            with m.If((move.ends & word.ends) | (place == len(schedule) - 1)):
                m.d.sync += place.eq(0)
            with m.If(move.completes | over):
                m.d.sync += [offered.eq(1), begun.eq(~(over & word.last))]
        with m.If(free & flushing & ~self.restart):
            m.d.sync += [
                beat.data.eq(carry),
                beat.keep.eq(carry_keep),
                beat.ends.eq(1),
                beat.last.eq(flushed_last),
                flushing.eq(0),
                offered.eq(1),
                begun.eq(~flushed_last),
            ]
        with m.If(free & closing & ~self.restart):
            m.d.sync += [*self._close(beat), closing.eq(0), offered.eq(1), begun.eq(0)]
        with m.If(self.restart):
            m.d.sync += [place.eq(0), flushing.eq(0), closing.eq(begun)]
        return m

    def _close(self, beat: data.View) -> list[Any]:
        """Make an empty last beat, for a frame that a restart cut."""
        return [
            beat.data.eq(0),
            beat.keep.eq(-1),
            beat.ends.eq(0),
            beat.last.eq(1),
            *(beat[name].eq(value) for name, value in self._closing.items()),
        ]

    def _counts(self, beat: data.View, name: str) -> Value:
        """Build the mask of a field: 0 where the beat must not show it yet."""
        told = beat.last if name in self._at_last else Const(1)
        return told.replicate(len(beat[name]))

    def _fill(
        self,
        m: Module,
        schedule: tuple[Put, ...],
        place: Signal,
        beat: data.View,
        move: data.View,
        moves: Signal,
    ) -> tuple[Value, Value]:
        """Put a word's bits into the beat; returns the bits left over, and their bytes in use."""
        container = self.packing.container
        value = self.i.payload.data
        word = Cat(value, value[-1].replicate(container - len(value)))
        left = [container - put.start - put.count if put.ends else 0 for put in schedule]
        carry = Signal(max(1, *left), reset_less=True)
        carry_keep = Signal(len(beat.keep), reset_less=True)
        with m.Switch(place):
            for number, put in enumerate(schedule):
                with m.Case(number):
                    bits = Cat(
                        carry[: put.carried],
                        beat.data[: put.filled],
                        word[put.start : put.start + put.count],
                    )
                    m.d.comb += [
                        move.ends.eq(put.ends),
                        move.completes.eq(put.completes),
                        move.carries.eq(left[number] > 0),
                    ]
                    with m.If(moves):
                        m.d.sync += [
                            beat.data.eq(bits),
                            beat.keep.eq(_keep(put.bits)),
                        ]
                        if left[number]:
                            m.d.sync += [
                                carry.eq(word[put.start + put.count :]),
                                carry_keep.eq(_keep(left[number])),
                            ]
        return carry, carry_keep


def _keep(bits: int) -> int:
    """Give the ``keep`` of a beat with so many bits."""
    return (1 << -(-bits // 8)) - 1
