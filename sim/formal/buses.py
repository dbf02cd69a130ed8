"""Proofs of what stands around a core: claims hold for any traffic and behavior of the core."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from golden.interface import Interface
from golden.packing import Packing
from sim.formal.bus_guards import prove_guard, prove_states
from sim.formal.bus_packer import prove_packer
from sim.formal.bus_registers import prove_registers
from sim.formal.conductor import prove_conductor
from sim.formal.prover import Verdict

BUS_PROOFS: dict[str, Callable[..., Verdict]] = {
    "bus: registers over AXI4-Lite": prove_registers,
    "bus: with data registers": partial(prove_registers, window=True),
    "bus: x, elements side by side": partial(
        prove_guard, inputs=3, packing=Packing(element=4, bus=16), interface=Interface()
    ),
    "bus: x, one element a step": partial(
        prove_guard, inputs=1, packing=Packing(element=4, bus=16), interface=Interface()
    ),
    "bus: x, elements over beats": partial(
        prove_guard, inputs=2, packing=Packing(element=12, bus=8), interface=Interface()
    ),
    "bus: x, tight": partial(
        prove_guard, inputs=5, packing=Packing(element=3, bus=8, tight=True), interface=Interface()
    ),
    "bus: x, three streams": partial(
        prove_guard,
        inputs=2,
        packing=Packing(element=4, bus=8),
        interface=Interface(streams=3, state="load"),
    ),
    "bus: states": prove_states,
    "bus: results, side by side": partial(prove_packer, packing=Packing(element=4, bus=16)),
    "bus: results, over beats": partial(prove_packer, packing=Packing(element=12, bus=8)),
    "sequences: last step": partial(prove_conductor, every_step=False),
    "sequences: every step": partial(prove_conductor, every_step=True),
    "bus: results, tight": partial(prove_packer, packing=Packing(element=3, bus=8, tight=True)),
}
"""Proofs of the buses' parts, and of the conductor of sequences, with the core cut off, by name."""
