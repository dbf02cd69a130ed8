"""The cores with a bus that `test_bus.py` runs, and what golden answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np

from golden.cells import GRU, LSTM, LiteLSTM
from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.packing import Packing
from golden.quantized import Integers, QuantizedNetwork
from golden.sessions import Service, serve
from hdl.bus.options import Bus
from hdl.bus.top import AxiTop
from hdl.layout.ports import state_shape
from hdl.plan import Plan
from hdl.sequence.sequence_core import core_of
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage
from hdl.verilog import convert
from sim.draw.directions import with_directions
from sim.draw.lively import lively
from sim.draw.networks import Recipe, input_words, quantized_network
from tests.sim.answers import changed

CASE = "LITELSTM_BUS_CASE"
TOP = "litelstm_axi"


@dataclass(frozen=True, kw_only=True)
class BusCase:
    """A network, a core of it, and its buses."""

    recipe: Recipe
    lanes: int
    bus: Bus = field(default_factory=Bus)
    interface: Interface = field(default_factory=Interface)
    storage: Storage = BUILT_IN
    seed: int = 1
    other: Recipe | None = None
    max_steps: int = 0

    @cached_property
    def network(self) -> QuantizedNetwork:
        network = quantized_network(self.recipe, self.seed)
        network = lively(network, input_words(network, batch=8, steps=4, seed=1))
        return with_directions(network, self.seed) if self.max_steps else network

    @cached_property
    def plan(self) -> Plan:
        return self.plan_of(self.network)

    def plan_of(self, network: QuantizedNetwork) -> Plan:
        """The plan of the same core with another network."""
        own = Plan(
            network=self.network,
            options=CoreOptions(
                lanes=self.lanes,
                interface=self.interface,
                storage=self.storage,
                max_steps=self.max_steps,
            ),
            others=self.others,
        )
        return own if network is self.network else own.of(network)

    @cached_property
    def others(self) -> tuple[QuantizedNetwork, ...]:
        """Networks of other sizes that the core is made for, too."""
        return (quantized_network(self.other, 2),) if self.other else ()

    @cached_property
    def mirrored(self) -> QuantizedNetwork:
        """A network that the core can take in place of its own: its matrices' columns turned."""
        network = self.network
        layers = [
            changed(
                layer,
                weights={k: np.flip(w, -1) if w.ndim == 2 else w for k, w in layer.weights.items()},
            )
            for layer in network.layers
        ]
        return changed(network, layers=tuple(layers))

    @cached_property
    def model(self) -> IntegerModel:
        return IntegerModel(self.network)

    @cached_property
    def verilog(self) -> str:
        core = core_of(self.plan, watched=True)
        return convert(AxiTop(core=core, bus=self.bus), name=TOP)

    @property
    def x_packing(self) -> Packing:
        return self.bus.pack(self.network.x.width)

    @property
    def y_packing(self) -> Packing:
        return self.bus.pack(self.interface.out(self.network).width)

    @property
    def state_packing(self) -> Packing:
        return self.bus.pack(state_shape(self.plan).width)

    def x(self, steps: int, seed: int) -> Integers:
        """Random raw input words, (steps, inputs)."""
        return input_words(self.network, batch=1, steps=steps, seed=(seed, 9))[0]

    def serve(
        self, x: Integers, controls: list[Control], loads: tuple[Integers, ...] = ()
    ) -> Service:
        """Return the core's answer."""
        return serve(self.model, self.interface, x, controls, loads, max_steps=self.max_steps)

    def frame(self, x: Integers) -> bytes:
        """A sequence as bytes on the bus."""
        return self.x_packing.pack(x).tobytes()

    def words(self, data: bytes) -> Integers:
        """Results from the bytes in use of their frame, (results, words)."""
        each = self.y_packing.byte_count(self.plan.result_words)
        rows = np.frombuffer(data, np.uint8).reshape(-1, each)
        return self.y_packing.unpack(rows, self.plan.result_words)

    def answer(self, x: Integers, network: QuantizedNetwork | None = None) -> Integers:
        """Results of one sequence from a cleared state, (results, words)."""
        last = [Control(last=step == len(x) - 1) for step in range(len(x))]
        model = IntegerModel(network) if network else self.model
        return serve(model, self.interface, x, last, max_steps=self.max_steps).words

    def answer_bytes(self, x: Integers) -> bytes:
        """Bytes in use of its frame."""
        each = self.y_packing.byte_count(self.plan.result_words)
        return self.y_packing.pack(self.answer(x))[:, :each].tobytes()


_WIDE: dict[str, Any] = {"activation_width": 12, "out_width": 12, "state_width": 16}

CASES = {
    "plain": BusCase(recipe=Recipe(inputs=5, units=(5,), outputs=3), lanes=2),
    "tight": BusCase(
        recipe=Recipe(inputs=5, units=(5,), outputs=None, cells=(LSTM(),), activation_width=7),
        lanes=2,
        bus=Bus(width=64, packing="tight"),
        interface=Interface(every_step=True),
    ),
    "narrow": BusCase(
        recipe=Recipe(inputs=3, units=(4,), outputs=3, **_WIDE), lanes=4, bus=Bus(width=8)
    ),
    "narrow tight": BusCase(
        recipe=Recipe(inputs=3, units=(4,), outputs=None, **_WIDE),
        lanes=3,
        bus=Bus(width=8, packing="tight"),
        interface=Interface(state="keep"),
    ),
    "states": BusCase(
        recipe=Recipe(inputs=2, units=(3, 4), outputs=2, cells=(LiteLSTM(), GRU())),
        lanes=2,
        bus=Bus(width=16),
        interface=Interface(streams=3, state="load"),
    ),
    "window": BusCase(
        recipe=Recipe(inputs=2, units=(3,), outputs=2, cells=(LSTM(),)),
        lanes=2,
        bus=Bus(window=True),
        interface=Interface(streams=2, state="load"),
    ),
    "ram": BusCase(
        recipe=Recipe(inputs=3, units=(5,), outputs=2),
        lanes=2,
        storage=Storage(weights="ram"),
    ),
    "two sizes": BusCase(
        recipe=Recipe(inputs=3, units=(4,), outputs=2),
        other=Recipe(inputs=6, units=(6, 3), outputs=5),
        lanes=2,
        storage=Storage(weights="ram"),
    ),
    "double": BusCase(
        recipe=Recipe(inputs=3, units=(5,), outputs=2),
        lanes=5,
        storage=Storage(weights="double"),
    ),
    "both ways": BusCase(
        recipe=Recipe(inputs=3, units=(3, 4), outputs=2, cells=(LSTM(), GRU())),
        lanes=2,
        max_steps=12,
        seed=4,
    ),
    "saturating": BusCase(
        recipe=Recipe(inputs=2, units=(5,), outputs=2, state_width=5, log2_state=1, drive=True),
        lanes=2,
    ),
}


@cache
def case(name: str) -> BusCase:
    """The case of a name."""
    return CASES[name]
