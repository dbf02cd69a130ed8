"""Data sheet of the window: every register address, every access, with and without room."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from amaranth.lib import data

from hdl.bus.register_map import registers
from hdl.bus.window import INTO, Window
from tests.hdl.simulate import run

WORDS = {"y": 0x1234_5678, "state_out": 0x9ABC_DEF0}
REGISTERS = {
    "X": "x",
    "X_LAST": "x",
    "WEIGHT": "weights",
    "WEIGHT_LAST": "weights",
    "STATE_IN": "state_in",
    "Y": "y",
    "STATE_OUT": "state_out",
}
"""The stream behind each data register, by the names of docs/bus.md."""

BY_PLACE = {register.address // 4: register.name for register in registers()}
PLACES = {name: place for place, name in BY_PLACE.items()}


def make(*names: str) -> Window:
    beat = data.StructLayout({"data": 32, "last": 1})
    result = data.StructLayout({"data": 32, "last": 1, "error": 1, "id": 8})
    return Window(payloads={name: result if name == "y" else beat for name in ("x", "y", *names)})


async def ask(ctx: Any, window: Window, place: int, **access: int) -> None:
    """Read or write a place, or neither, for as long as nothing else is asked for."""
    for name, value in {"place": place, "read": 0, "write": 0, **access}.items():
        ctx.set(getattr(window.access, name), value)


def test_every_access() -> None:
    """One word moves where the stream can, none moves elsewhere; a refused access is an error."""
    window = make("state_in", "state_out")

    async def bench(ctx: Any) -> None:
        for name, word in WORDS.items():
            ctx.set(window.streams[name].payload.data, word)
        ctx.set(window.access.data, 77)
        for place, read, write, can in product(range(64), (0, 1), (0, 1), (0, 1)):
            register = BY_PLACE.get(place, "")
            asked = REGISTERS.get(register)
            if register in ("ROOM", "WEIGHT", "WEIGHT_LAST"):
                continue
            await ask(ctx, window, place, read=read, write=write)
            for name, port in window.streams.items():  # the others always could
                ctx.set(port.ready if name in INTO else port.valid, can if name == asked else 1)
            for name, port in window.streams.items():
                moves = ctx.get(port.valid) and ctx.get(port.ready)
                assert moves == (name == asked and (write if name in INTO else read) and can)
                if moves and name in INTO:
                    assert ctx.get(port.payload.data) == 77
                    assert ctx.get(port.payload.last) == (register == "X_LAST")
            assert ctx.get(window.access.error) == (asked is None or not can)
            assert ctx.get(window.access.value) == WORDS.get(asked or "", 0)

    run(window, bench)


def test_the_last_word_of_a_state_is_told_by_its_guard() -> None:
    window = make("state_in")

    async def bench(ctx: Any) -> None:
        await ask(ctx, window, PLACES["STATE_IN"], write=1)
        for ends in (0, 1):
            ctx.set(window.state_ends, ends)
            assert ctx.get(window.streams["state_in"].payload.last) == ends

    run(window, bench)


@pytest.mark.parametrize("register", ["WEIGHT", "WEIGHT_LAST"])
def test_a_word_of_weights_waits_until_it_is_taken(register: str) -> None:
    """A second word is refused until then."""
    window = make("weights")
    port = window.streams["weights"]

    async def bench(ctx: Any) -> None:
        for word in (5, 6):
            ctx.set(window.access.data, word)
            await ask(ctx, window, PLACES[register], write=1)
            assert not ctx.get(window.access.error)
            await ctx.tick()
            for _ in range(3):
                assert ctx.get(window.access.error)
                assert ctx.get(port.valid)
                sent = (ctx.get(port.payload.data), ctx.get(port.payload.last))
                assert sent == (word, register == "WEIGHT_LAST")
                await ctx.tick()
            await ask(ctx, window, PLACES["X"])
            ctx.set(port.ready, 1)
            await ctx.tick()
            assert not ctx.get(port.valid)
            ctx.set(port.ready, 0)

    run(window, bench)


def test_room_tells_what_each_register_can_do() -> None:
    window = make("weights", "state_in", "state_out")
    (room,) = (register for register in registers() if register.name == "ROOM")

    async def bench(ctx: Any) -> None:
        await ask(ctx, window, PLACES["ROOM"])
        assert ctx.get(window.access.value) == room.field("WEIGHT").mask  # nothing waits there
        signals = {
            "X": window.streams["x"].ready,
            "Y": window.streams["y"].valid,
            "STATE_IN": window.streams["state_in"].ready,
            "STATE_OUT": window.streams["state_out"].valid,
            "Y_LAST": window.streams["y"].payload.last,
            "Y_ERROR": window.streams["y"].payload.error,
            "Y_STREAM": window.streams["y"].payload.id,
        }
        for name, signal in signals.items():
            ctx.set(signal, -1)
            expected = room.field("WEIGHT").mask | room.field(name).mask
            assert ctx.get(window.access.value) == expected, name
            ctx.set(signal, 0)

    run(window, bench)


def test_a_stream_that_a_core_lacks_is_an_error() -> None:
    window = make()

    async def bench(ctx: Any) -> None:
        await ask(ctx, window, PLACES["WEIGHT"], write=1)
        assert ctx.get(window.access.error)

    run(window, bench)
