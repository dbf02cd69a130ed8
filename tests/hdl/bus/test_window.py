"""Data sheet of the window: every register address, every access, with and without room."""

from __future__ import annotations

from itertools import product
from typing import Any

from hdl.bus.register_map import registers
from hdl.bus.window import Window
from tests.hdl.simulate import run

STREAMS = ("x", "y", "weights", "state_in", "state_out")
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


def test_every_access() -> None:
    """One word moves where the stream can, none moves elsewhere; a refused access is an error."""
    window = Window(streams=STREAMS)
    by_place = {register.address // 4: register for register in registers()}
    words = {"y": 0x1234_5678, "state_out": 0x9ABC_DEF0}

    async def bench(ctx: Any) -> None:
        for name, word in words.items():
            ctx.set(getattr(window, f"{name}_word"), word)
        for place, read, write, can in product(range(64), (0, 1), (0, 1), (0, 1)):
            register = by_place.get(place)
            stream = REGISTERS.get(register.name) if register else None
            for port, value in ((window.place, place), (window.read, read), (window.write, write)):
                ctx.set(port, value)
            for name in STREAMS:  # the others always could
                ctx.set(getattr(window, f"{name}_can"), can if name == stream else 1)
            for name in STREAMS:
                asked = read if name in words else write
                moves = ctx.get(getattr(window, f"{name}_moves"))
                assert moves == (name == stream and asked and can)
                if moves and name in ("x", "weights"):
                    is_last = register is not None and register.name.endswith("_LAST")
                    assert ctx.get(getattr(window, f"{name}_last")) == is_last
            assert ctx.get(window.error) == (stream is None or not can)
            assert ctx.get(window.value) == words.get(stream or "", 0)

    run(window, bench)


def test_a_stream_that_a_core_lacks_is_an_error() -> None:
    window = Window(streams=("x", "y"))
    place = next(register.address // 4 for register in registers() if register.name == "WEIGHT")

    async def bench(ctx: Any) -> None:
        ctx.set(window.place, place)
        ctx.set(window.write, 1)
        assert ctx.get(window.error)

    run(window, bench)
