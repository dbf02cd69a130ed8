"""The other sides of a bus component under proof, and the run of its proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amaranth.hdl import Mux, Signal, Value

from golden.cells import LiteLSTM
from golden.interface import Interface
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.draw.networks import Recipe, quantized_network
from sim.formal.claims import Claims
from sim.formal.prover import Verdict, prove
from sim.formal.streams import claim_offer


def plan_of(inputs: int, interface: Interface) -> Plan:
    """Return a small core's plan; no claim depends on its network."""
    recipe = Recipe(inputs=inputs, units=(1,), outputs=None, cells=(LiteLSTM(),), weight_width=2)
    return Plan(
        network=quantized_network(recipe, 1), options=CoreOptions(lanes=1, interface=interface)
    )


class Environment:
    """The other sides of a component's streams: free, except for the protocol's rules.

    Args:
        claims: about the component.

    Attributes:
        inputs: signals that are free in every cycle.
    """

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.inputs: list[Value] = []

    def free(self, name: str, width: int = 1) -> Signal:
        """Make a signal that is free in every cycle."""
        self.inputs.append(signal := Signal(width, name=name))
        return signal

    def offers(self, name: str, port: Any) -> None:
        """Connect a sender: its offers stay, unchanged, until taken."""
        m, payload = self.claims.m, Value.cast(port.payload)
        fresh, begins = self.free(f"{name}_fresh", len(payload)), self.free(f"{name}_begins")
        waits, held = Signal(name=f"{name}_waits"), Signal(len(payload), name=f"{name}_held")
        m.d.comb += [port.valid.eq(waits | begins), payload.eq(Mux(waits, held, fresh))]
        m.d.sync += [waits.eq(port.valid & ~port.ready), held.eq(payload)]

    def takes(self, name: str, port: Any) -> None:
        """Connect a receiver that is ready at any time; claim that offers to it stay."""
        self.claims.m.d.comb += port.ready.eq(self.free(f"{name}_ready"))
        payload = Value.cast(port.payload)
        claim_offer(self.claims, name, valid=port.valid, payload=payload, ready=port.ready)


def prove_bus(environment: Environment, folder: Path, kept: tuple[str, ...] = ()) -> Verdict:
    return prove(environment.claims, inputs=environment.inputs, data=(), kept=kept, folder=folder)
