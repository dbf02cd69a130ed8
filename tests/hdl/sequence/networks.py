"""Networks with layers that are not forward, and their plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.draw.directions import with_directions, with_lags
from sim.draw.graphs import random_graph
from sim.draw.networks import input_words

STEPS = 5


def turned(seed: int) -> QuantizedNetwork:
    """A random graph in which some layers are reverse or bidirectional."""
    return with_directions(random_graph((seed, 50), units=4, layers=4), (seed, 51))


def windowed(seed: int) -> QuantizedNetwork:
    """A random graph as of `turned`, in which layers read vectors at lags."""
    return with_lags(turned(seed), (seed, 52))


def plan_of(network: QuantizedNetwork, *, every_step: bool = False, **options: Any) -> Plan:
    interface = Interface(every_step=every_step)
    chosen = {"lanes": 2, "max_steps": STEPS, "interface": interface, **options}
    units = max(layer.units for layer in network.body)
    return Plan(
        network=network,
        options=CoreOptions(**{**chosen, "lanes": min(chosen["lanes"], units)}),
    )


def sequences_of(network: QuantizedNetwork, *lengths: int) -> list[NDArray[np.int64]]:
    words = input_words(network, batch=len(lengths), steps=max(lengths), seed=5)
    return [one[:length] for one, length in zip(words, lengths, strict=True)]


def expected(plan: Plan, sequence: NDArray[np.int64]) -> list[int]:
    """The golden model's words; of a sequence that is too long those of the steps that fit."""
    model, interface = IntegerModel(plan.network), plan.options.interface
    kept = sequence[np.newaxis, : plan.options.max_steps]
    words = model.forward_steps(kept) if interface.every_step else model.forward(kept)
    return interface.answer(words[0]).ravel().tolist()


async def send(
    ctx: Any,
    stream: Any,
    sequences: Sequence[NDArray[np.int64]],
    taken: Callable[[], object] = lambda: None,
) -> None:
    """Send sequences without a pause; ``taken`` is called after each element."""
    ctx.set(stream.valid, 1)
    for sequence in sequences:
        for step, x in enumerate(sequence):
            for value in x.tolist():
                ctx.set(stream.payload.data, value)
                ctx.set(stream.payload.last, step == len(sequence) - 1)
                await ctx.tick().until(stream.ready)
                taken()
    ctx.set(stream.valid, 0)
