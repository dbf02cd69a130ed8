"""Register accesses inside a core with a bus: what every front end speaks, AXI4-Lite or serial."""

from __future__ import annotations

from amaranth.hdl import Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

ADDRESS_BITS = 8
"""Bytes of the register map, as a power of two."""

WORD = 32
"""Bits of a register."""


class Access(wiring.PureInterface):
    """Ports of ``ACCESS``."""

    request: Signal
    write: Signal
    address: Signal
    data: Signal
    strobe: Signal
    done: Signal
    answer: Signal
    error: Signal


class WindowAccess(wiring.PureInterface):
    """Ports of ``WINDOW_ACCESS``."""

    place: Signal
    data: Signal
    read: Signal
    write: Signal
    value: Signal
    error: Signal


ACCESS = wiring.Signature(
    {
        "request": Out(1),
        "write": Out(1),
        "address": Out(ADDRESS_BITS),
        "data": Out(WORD),
        "strobe": Out(WORD // 8),
        "done": In(1),
        "answer": In(WORD),
        "error": In(1),
    }
)
"""One access after another, as seen from the front end.

``request`` stays, with ``write``, ``address`` and ``data`` as they are, up to the cycle of
``done``, one cycle after the request's first or more; in the cycle after it a new request may
begin. From the cycle of ``done`` until the next request, ``answer`` is the word that was read and
``error`` says that it could not be read or written. The address is in bytes; its two lowest bits
are not looked at. ``strobe`` says which bytes of the word a write is for: all; none, and nothing
happens; some only, and it is refused.
``done`` comes from a register, so that no front end has a path from its inputs to its outputs.
"""

WINDOW_ACCESS = wiring.Signature(
    {
        "place": Out(ADDRESS_BITS - 2),
        "data": Out(WORD),
        "read": Out(1),
        "write": Out(1),
        "value": In(WORD),
        "error": In(1),
    }
)
"""Access to the data registers, as seen from the registers.

``place`` is the number of a word and ``data`` a word to write. ``value`` is what ``place`` reads
as, 0 where it is none of these registers. A data register is read or written in the one cycle of
``read`` or ``write``; ``error`` then says that it cannot be.
"""
