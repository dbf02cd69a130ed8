"""The loader: takes an image of weights, checks it, and makes it the active set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.enum import EnumView
from amaranth.lib.wiring import In, Out

from hdl.layout.weight_image import HEADER, MAGIC, VERSION, WIDTH, core_id, length, sections
from hdl.parts.component import port
from hdl.parts.numeric import constant_by, span
from hdl.plan import Plan


class Reason(enum.Enum, shape=3):
    """Why an image was not taken."""

    NONE = 0
    SHORT = 1
    """``last`` came before the last word."""
    LONG = 2
    """The last word was not marked: more words follow."""
    CRC = 3
    """The check sum is not that of the words."""
    MISFIT = 4
    """Not an image, or one of another version, for another core, or of a wrong length."""


WEIGHT_STREAM = stream.Signature(data.StructLayout({"data": WIDTH, "last": 1}))
"""Words of an image, the last one marked."""

LOAD = data.StructLayout({"loaded": 1, "loading": 1, "done": 1, "failed": 1, "reason": 3})
"""Layout of the loader's status.

``loaded``: a set is active. ``loading``: an image is being taken. For one cycle at an image's end
either ``done``, the set became active, or ``failed``, with ``reason``, a :class:`Reason`.
"""


def write_layout(plan: Plan) -> data.StructLayout:
    """Layout of a write to one of the loaded memories.

    ``section`` of `sections`, ``address`` of the word, ``part`` of it, ``data``, and the ``bank``
    that is not active.
    """
    found = sections(plan)
    return data.StructLayout(
        {
            "valid": 1,
            "section": span(len(found)),
            "address": span(max(section.depth for section in found)),
            "part": span(max(section.parts for section in found)),
            "data": WIDTH,
            "bank": 1,
        }
    )


class Loader(wiring.Component):
    """Takes images one after the other, a word per cycle.

        i ─► header ─► words ─┬─► write ─► memories
                              └─► CRC ─► (idle) ─► activate

    With one bank, an image begins only while the core is idle, and its first memory word destroys
    the set before. With two banks, the core works on with the set before until the new one is
    checked and the core is idle.

    After a failure the loader discards words until ``last``; then the next image may come.

    Latency: ``latency.ACTIVATE`` cycles from the last word until ``i`` of the core is ready.

    Attributes:
        i: the words.
        load: see ``LOAD``.
        idle: the core is.
        hold: the core should become idle: no sequence should start.
        blocks: the core must take nothing.
        activate: for one cycle, the core must forget everything.
        bank: the active one; ``write`` goes to the other.
        write: see :func:`write_layout`.
        owns: the memories are the loader's, and the core does not read them.
    """

    i = port(stream.Interface)
    load = write = port(data.View)
    idle = hold = blocks = activate = bank = owns = port(Signal)

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "i": In(WEIGHT_STREAM),
                "load": Out(LOAD),
                "idle": In(1),
                "hold": Out(1),
                "blocks": Out(1),
                "activate": Out(1),
                "bank": Out(1),
                "write": Out(write_layout(plan)),
                "owns": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        double = self.plan.options.storage.double
        loaded, bank, taken = Signal(), Signal(), Signal()
        busy = Signal()  # in all states but WAIT
        activates = Signal()  # in ACTIVATE
        done, reason = Signal(), Signal(Reason)
        index = Signal(range(HEADER))
        last, match = self.i.payload.last, self._crc(m, taken)
        m.d.comb += [
            taken.eq(self.i.valid & self.i.ready),
            *self._status(loaded, busy, done, reason),
            self.bank.eq(bank),
        ]
        m.d.sync += [done.eq(0), reason.eq(Reason.NONE), activates.eq(0)]
        uses = ~loaded if double else busy | ~loaded
        m.d.comb += [
            self.i.ready.eq(1),
            self.activate.eq(activates),
            self.blocks.eq(uses | activates),
            self.owns.eq(uses),
        ]
        words, at_crc = self._write(m, taken, bank)

        def fail(why: Reason) -> None:
            m.d.sync += reason.eq(why)
            m.next = "SWALLOW"
            with m.If(last):
                m.d.sync += busy.eq(0)
                m.next = "WAIT"

        with m.FSM():
            with m.State("WAIT"):
                m.d.comb += self.i.ready.eq(0)
                m.d.sync += index.eq(0)
                if not double:
                    m.d.comb += self.hold.eq(self.i.valid)
                with m.If(self.i.valid & (self.idle | double)):
                    m.d.sync += busy.eq(1)
                    m.next = "HEADER"
            with m.State("HEADER"), m.If(taken):
                m.d.sync += index.eq(index + 1)
                self._take_header(m, index, fail)
            with m.State("WORDS"):
                m.d.comb += words.eq(1)
                with m.If(taken):
                    if not double:
                        m.d.sync += loaded.eq(0)
                    self._take_word(m, at_crc, fail)
            self._check(m, match, busy, reason, activates)
            with m.State("ACTIVATE"):
                m.d.comb += self.i.ready.eq(0)
                m.d.sync += [loaded.eq(1), done.eq(1), busy.eq(0)]
                if double:
                    m.d.sync += bank.eq(~bank)
                m.next = "WAIT"
            with m.State("SWALLOW"), m.If(taken & last):
                m.d.sync += busy.eq(0)
                m.next = "WAIT"
        return m

    def _check(
        self,
        m: Module,
        match: Value,
        busy: Signal,
        reason: EnumView[Reason],
        activates: Signal,
    ) -> None:
        """States after an image's last word: check its CRC, hold input until the core is idle."""
        with m.State("CHECK"):
            m.d.comb += self.i.ready.eq(0)
            m.next = "IDLE"
            with m.If(~match):
                m.d.sync += [reason.eq(Reason.CRC), busy.eq(0)]
                m.next = "WAIT"
        with m.State("IDLE"):
            m.d.comb += [self.i.ready.eq(0), self.hold.eq(1)]
            with m.If(self.idle):
                m.d.sync += activates.eq(1)
                m.next = "ACTIVATE"

    def _status(
        self, loaded: Value, busy: Value, done: Value, reason: EnumView[Reason]
    ) -> list[Any]:
        """Fill in ``load``."""
        return [
            self.load.loaded.eq(loaded),
            self.load.loading.eq(busy),
            self.load.done.eq(done),
            self.load.failed.eq(reason != Reason.NONE),
            self.load.reason.eq(reason),
        ]

    def _take_header(self, m: Module, index: Value, fail: Callable[[Reason], None]) -> None:
        """Check a word of the header; go on to the words after its last one."""
        with m.If(~self._fits(index)):
            fail(Reason.MISFIT)
        with m.Elif(self.i.payload.last):
            fail(Reason.SHORT)
        with m.Elif(index == HEADER - 1):
            m.next = "WORDS"

    def _take_word(self, m: Module, at_crc: Value, fail: Callable[[Reason], None]) -> None:
        """Check that an image ends with its CRC, not before or after it."""
        last = self.i.payload.last
        with m.If(last & ~at_crc):
            fail(Reason.SHORT)
        with m.Elif(at_crc & ~last):
            fail(Reason.LONG)
        with m.Elif(at_crc):
            m.next = "CHECK"

    def _crc(self, m: Module, taken: Value) -> Value:
        """Tell whether the words that were taken end with the CRC of those before it."""
        crc: Any = CRC32_ISO_HDLC(WIDTH).create()
        m.submodules.crc32 = crc
        m.d.comb += [
            crc.start.eq(~self.load.loading),
            crc.valid.eq(taken),
            crc.data.eq(self.i.payload.data),
        ]
        return crc.match_detected

    def _fits(self, index: Value) -> Value:
        """Tell whether a word of the header is right."""
        word, whole = self.i.payload.data, length(self.plan)
        expected = (MAGIC, VERSION, core_id(self.plan), whole)
        return Cat(word == value for value in expected).bit_select(index, 1)

    def _write(self, m: Module, taken: Value, bank: Value) -> tuple[Signal, Signal]:
        """Words to the memories, in the order of the image.

        Returns:
            What is to say that words come that are not the header's; and whether the next one is
            the CRC.
        """
        found, write = sections(self.plan), self.write
        words, at_crc = Signal(), Signal()
        section = Signal(write.section.shape())
        address = Signal(write.address.shape())
        part = Signal(write.part.shape())
        last_part = constant_by(m, section, [s.parts - 1 for s in found], name="last_part")
        last_address = constant_by(m, section, [s.depth - 1 for s in found], name="last_address")
        m.d.comb += [
            write.valid.eq(taken & words & ~at_crc),
            write.section.eq(section),
            write.address.eq(address),
            write.part.eq(part),
            write.data.eq(self.i.payload.data),
            write.bank.eq(~bank if self.plan.options.storage.double else 0),
        ]
        with m.If(~words):
            m.d.sync += [section.eq(0), address.eq(0), part.eq(0), at_crc.eq(0)]
        with m.Elif(taken):
            m.d.sync += part.eq(part + 1)
            with m.If(part == last_part):
                m.d.sync += [part.eq(0), address.eq(address + 1)]
                with m.If(address == last_address):
                    m.d.sync += [
                        address.eq(0),
                        section.eq(section + 1),
                        at_crc.eq(section == len(found) - 1),
                    ]
        return words, at_crc


def section_of(plan: Plan, name: str) -> Any:
    """Index of a section."""
    return [section.name for section in sections(plan)].index(name)
