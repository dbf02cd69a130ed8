"""Small boards whose whole top is simulated, UART included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from golden.cells import LSTM
from golden.formats import Format
from golden.interface import DEFAULT, Interface
from golden.link.board import BoardModel
from golden.link.messages import Identity
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.board.board_top import BoardTop, Line, board_verilog
from hdl.board.plls.ice40 import Ice40Pll
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.draw.directions import with_directions
from sim.testbench.plls import with_plls
from tests.networks import Recipe, input_words, quantized_network

BOARD = "LITELSTM_TEST_BOARD"
"""Environment variable: the case that a simulator process was started for."""

LINE = Line(clock=8_000_000, baud=1_000_000)
CLOCK_NS = 10
BIT_NS = CLOCK_NS * LINE.divisor


@dataclass(frozen=True, kw_only=True)
class BoardCase:
    """A board.

    Attributes:
        recipe: of its network.
        lanes: of its core.
        capacity: bytes of x that a request can have.
        interface: of its core.
        input_width: bits of x, if not those of the recipe.
        max_steps: of its core, whose layers then turn.
        pll: whether a PLL makes the clock.
    """

    recipe: Recipe
    lanes: int
    capacity: int
    interface: Interface = DEFAULT
    input_width: int | None = None
    max_steps: int = 0
    pll: bool = False

    @cached_property
    def network(self) -> QuantizedNetwork:
        network = quantized_network(self.recipe, 5)
        if self.max_steps:
            return with_directions(network, 5)
        if self.input_width is None:
            return network
        first, *others = network.layers
        x = Format(width=self.input_width, frac=self.input_width - 1)
        wider = replace(first, formats=replace(first.formats, x=x))
        return replace(network, layers=(wider, *others))

    @cached_property
    def verilog(self) -> str:
        top = BoardTop(
            plan=Plan(
                network=self.network,
                options=CoreOptions(
                    lanes=self.lanes, interface=self.interface, max_steps=self.max_steps
                ),
            ),
            identity=Identity.of(self.network, self.interface, capacity=self.capacity),
            line=LINE,
            high=("always_high",),
            pll=Ice40Pll.nearest(12_000_000, 27_000_000) if self.pll else None,
        )
        text = board_verilog(top)
        return with_plls(text) if self.pll else text

    @cached_property
    def model(self) -> IntegerModel:
        return IntegerModel(self.network)

    def board_model(self) -> BoardModel:
        return BoardModel(
            self.network,
            interface=self.interface,
            capacity=self.capacity,
            max_steps=self.max_steps,
        )

    def sequence(self, steps: int, seed: int) -> NDArray[np.int64]:
        """Input words (steps, inputs)."""
        return input_words(self.network, batch=1, steps=steps, seed=seed)[0]

    def result(self, x: NDArray[np.int64]) -> list[int]:
        """The words that a board must answer to a sequence."""
        return self.interface.answer(self.model.forward(x[np.newaxis]))[0].tolist()


_CASES: Mapping[str, BoardCase] = {
    # Four steps per request, so that longer sequences take several.
    "parts": BoardCase(recipe=Recipe(inputs=3, units=(5,), outputs=2), lanes=2, capacity=14),
    "classes": BoardCase(
        recipe=Recipe(inputs=1, units=(3,), outputs=4, out_width=20),
        lanes=1,
        capacity=16,
        interface=Interface(classes=True),
        pll=True,
    ),
    "long_words": BoardCase(
        recipe=Recipe(inputs=2, units=(4, 3), outputs=3, cells=(LSTM(), LSTM()), out_width=32),
        lanes=3,
        capacity=60,
        input_width=18,
    ),
    # A request may have more steps than the core can buffer.
    "both_ways": BoardCase(
        recipe=Recipe(inputs=2, units=(3,), outputs=2, cells=(LSTM(),)),
        lanes=2,
        capacity=40,
        max_steps=13,
    ),
}
NAMES = tuple(_CASES)


@cache
def case(name: str) -> BoardCase:
    """A board by name."""
    return _CASES[name]
