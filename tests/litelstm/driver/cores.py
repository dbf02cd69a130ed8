"""Small cores with a bus, their descriptions and networks, for tests of the drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, LiteLSTM
from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from golden.sessions import Service, serve
from hdl.board.board_top import Line
from hdl.bus.options import Bus
from hdl.layout.weight_image import image
from hdl.packaging.system import Host, System, describe_system, generate_system
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.driver.description import Description
from sim.draw.directions import with_directions
from tests.networks import Recipe, input_words, quantized_network

NAME = "core"


@dataclass(frozen=True, kw_only=True)
class BusCase:
    """A core with a bus.

    Attributes:
        recipe: of its network.
        lanes, interface, storage, host, max_steps: of the core.
    """

    recipe: Recipe
    lanes: int = 2
    interface: Interface = field(default_factory=Interface)
    storage: Storage = field(default_factory=Storage)
    host: Host = field(default_factory=Host)
    max_steps: int = 0

    @cached_property
    def network(self) -> QuantizedNetwork:
        network = quantized_network(self.recipe, 5)
        return with_directions(network, 5) if self.max_steps else network

    @cached_property
    def model(self) -> IntegerModel:
        return IntegerModel(self.network)

    @cached_property
    def other(self) -> BusCase:
        """Return the core with other weights in its network."""
        first, *rest = self.network.layers
        weights = {
            name: -np.maximum(array, -127) if array.ndim == 2 else array
            for name, array in first.weights.items()
        }
        changed = replace(self.network, layers=(replace(first, weights=weights), *rest))
        other = replace(self)
        vars(other)["network"] = changed
        return other

    @cached_property
    def image(self) -> bytes:
        """Network that a core with loaded weights runs."""
        return image(self.plan).astype("<u4").tobytes()

    @property
    def has(self) -> QuantizedNetwork | dict[bytes, QuantizedNetwork]:
        """Source of the core's weights: a network in its Verilog, or images."""
        if not self.storage.loadable:
            return self.network
        return {case.image: case.network for case in (self, self.other)}

    @cached_property
    def plan(self) -> Plan:
        return Plan(
            network=self.network,
            options=CoreOptions(
                lanes=self.lanes,
                interface=self.interface,
                storage=self.storage,
                max_steps=self.max_steps,
            ),
        )

    @cached_property
    def system(self) -> System:
        """The generated core."""
        return generate_system(self.plan, host=self.host, name=NAME)

    @cached_property
    def json(self) -> dict[str, Any]:
        return describe_system(self.plan, name=NAME, host=self.host)

    @cached_property
    def description(self) -> Description:
        return Description.of(self.json, Path("core.json"))

    def sequence(self, steps: int, seed: int) -> NDArray[np.int64]:
        """Input words (steps, inputs)."""
        return input_words(self.network, batch=1, steps=steps, seed=seed)[0]

    def serve(
        self, x: Sequence[NDArray[np.int64]], controls: Sequence[Control], *loads: NDArray[Any]
    ) -> Service:
        """Return a core's answers to steps from reset on."""
        return serve(self.model, self.interface, x, controls, loads, max_steps=self.max_steps)

    def result(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of one sequence from zero: (outputs,), or (steps, outputs)."""
        controls = [Control(last=step == len(x) - 1) for step in range(len(x))]
        words = self.serve(list(x), controls).words
        return words if self.interface.every_step else words[0]


CASES = {
    "both ways": BusCase(recipe=Recipe(inputs=3, units=(4,), outputs=2), max_steps=8),
    "plain": BusCase(recipe=Recipe(inputs=3, units=(4,), outputs=2)),
    "tight": BusCase(
        recipe=Recipe(inputs=3, units=(5,), outputs=3, cells=(LSTM(),), activation_width=6),
        host=Host(bus=Bus(width=8, packing="tight")),
    ),
    "states": BusCase(
        recipe=Recipe(inputs=2, units=(3, 2), outputs=2, cells=(LSTM(), GRU())),
        interface=Interface(streams=3, state="load", every_step=True),
        host=Host(bus=Bus(width=64)),
    ),
    "window": BusCase(
        recipe=Recipe(inputs=3, units=(4,), outputs=3, cells=(LiteLSTM(),)),
        interface=Interface(streams=2, state="load"),
        host=Host(bus=Bus(window=True)),
    ),
    "classes": BusCase(
        recipe=Recipe(inputs=2, units=(3,), outputs=4),
        interface=Interface(classes=True),
        host=Host(bus=Bus(window=True)),
    ),
    "ram": BusCase(
        recipe=Recipe(inputs=3, units=(4,), outputs=2),
        storage=Storage(weights="ram"),
    ),
    "double": BusCase(
        recipe=Recipe(inputs=2, units=(3, 2), outputs=2),
        interface=Interface(state="load"),
        storage=Storage(weights="double"),
        host=Host(bus=Bus(window=True)),
    ),
    "uart": BusCase(
        recipe=Recipe(inputs=3, units=(4,), outputs=2),
        interface=Interface(streams=2, state="load"),
        host=Host(kind="uart", line=Line(clock=100_000_000, baud=12_500_000)),
    ),
    "spi": BusCase(
        recipe=Recipe(inputs=2, units=(3,), outputs=3, cells=(GRU(),)),
        interface=Interface(every_step=True),
        host=Host(kind="spi"),
    ),
}
