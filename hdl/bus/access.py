"""Register accesses between a front end, AXI4-Lite or serial, and the registers."""

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

``request`` stays, and ``write``, ``address``, ``data`` and ``strobe`` do not change, up to the
cycle of ``done``, at least one cycle later. A new request may begin in the next cycle. From
``done`` until the next request ``answer`` is the word read, and ``error`` says that the access was
refused. The address is in bytes; its two lowest bits are ignored. ``strobe`` selects the bytes of a
write: all; none, and nothing happens; or some, and the registers refuse the write. ``done`` comes
from a register, so that no front end has a path from its inputs to its outputs.
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

``place`` is the number of a word, ``data`` a word to write. ``value`` is the word at ``place``, 0
where another register is there. ``read`` or ``write``, for one cycle, takes or gives a word of a
stream; ``error`` then says that the stream cannot.
"""
