"""The cores that :mod:`sim.bus.soak` runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from golden.cells import GRU, LSTM, LiteLSTM
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from golden.sessions import state_words
from hdl.bus.options import Bus
from hdl.bus.top import AxiTop
from hdl.core import Core
from hdl.layout.ports import state_shape
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage
from hdl.verilog import convert
from sim.bus.traffic import Layout
from sim.draw.lively import lively
from sim.draw.networks import Recipe, input_words, quantized_network


@dataclass(frozen=True, kw_only=True)
class SoakCore:
    """A core for the soak."""

    name: str
    recipe: Recipe
    lanes: int
    bus: Bus = field(default_factory=Bus)
    interface: Interface = field(default_factory=Interface)
    storage: Storage = BUILT_IN

    @cached_property
    def networks(self) -> tuple[QuantizedNetwork, QuantizedNetwork]:
        """The core's own network, and a second one of its shape: the matrices' columns reversed."""
        network = quantized_network(self.recipe, 1)
        network = lively(network, input_words(network, batch=8, steps=4, seed=1))
        layers = tuple(
            replace(
                layer,
                weights={n: w[:, ::-1] if w.ndim == 2 else w for n, w in layer.weights.items()},
            )
            for layer in network.layers
        )
        return network, replace(network, layers=layers)

    def plan(self, network: QuantizedNetwork) -> Plan:
        """Make the core's plan for a network."""
        return Plan(
            network=network,
            options=CoreOptions(lanes=self.lanes, interface=self.interface, storage=self.storage),
        )

    def verilog(self) -> str:
        """Generate the Verilog of the core with its buses."""
        core = Core(plan=self.plan(self.networks[0]), watched=True)
        return convert(AxiTop(core=core, bus=self.bus), name=self.name)

    @cached_property
    def layout(self) -> Layout:
        """Layout of the core's buses."""
        network = self.networks[0]
        plan = self.plan(network)
        return Layout(
            interface=self.interface,
            inputs=network.inputs,
            result_words=plan.result_words,
            x=self.bus.pack(network.x.width),
            y=self.bus.pack(self.interface.out(network).width),
            state=self.bus.pack(state_shape(plan).width),
            state_words=state_words(network),
        )


CORES = (
    SoakCore(
        name="plain",
        recipe=Recipe(inputs=5, units=(4,), outputs=3, cells=(LiteLSTM(),)),
        lanes=4,
    ),
    SoakCore(
        name="everything",
        recipe=Recipe(inputs=3, units=(3, 2), outputs=2, cells=(LiteLSTM(), GRU())),
        lanes=3,
        bus=Bus(width=16),
        interface=Interface(streams=3, state="load"),
        storage=Storage(weights="double"),
    ),
    SoakCore(
        name="tight",
        recipe=Recipe(inputs=4, units=(3,), outputs=None, cells=(LSTM(),), activation_width=7),
        lanes=3,
        bus=Bus(width=8, packing="tight"),
        interface=Interface(streams=2, state="keep", every_step=True),
        storage=Storage(weights="ram"),
    ),
)
