"""Random steps for a core's interface, with the golden model's answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from golden.sessions import Service, serve, state_vectors, state_words
from sim.draw.changes import at_ends, steady
from sim.draw.networks import input_words


@dataclass(frozen=True, kw_only=True)
class Work:
    """Steps in the order in which a core takes them.

    Attributes:
        x: raw input words, (steps, inputs).
        controls: the fields that travel with each step.
        loads: state words, (loads, state words).
        service: the golden model's answers.
    """

    x: NDArray[np.int64]
    controls: list[Control]
    loads: NDArray[np.int64]
    service: Service


def random_work(
    network: QuantizedNetwork,
    interface: Interface,
    *,
    steps: int,
    seed: tuple[int, ...],
    max_steps: int = 0,
    ends: bool = False,
) -> Work:
    """Draw steps of sequences on random streams; the last step ends its sequence.

    Half of the states to load are states that other sequences reached; the other half are random
    words in range. Where the network has thresholds, x changes little; with ``ends`` it is at the
    ends of its format.
    """
    rng = np.random.default_rng([*seed, 30])
    keeps, loads = interface.state != "clear", interface.state == "load"
    first = network.first
    steps += first
    controls: list[Control] = []
    count = 0  # steps since the state was empty
    for left in reversed(range(steps)):
        last = left == 0 or bool(rng.random() < 0.4)
        control = Control(
            last=last,
            stream=int(rng.integers(interface.streams)),
            keep=keeps and bool(rng.random() < 0.5),
            load=loads and bool(rng.random() < 0.2),
            save=loads and bool(rng.random() < 0.2),
        )
        if first:  # every sequence needs so many steps before its result
            begins = not controls or (controls[-1].last and not control.keep)
            count = 1 if begins else count + 1
            control = replace(control, last=left == 0 or (last and count > first < left))
        controls.append(control)
    x = input_words(network, batch=1, steps=steps, seed=(*seed, 31))[0]
    x = steady(x, seed) if network.thresholds else x
    x = at_ends(network, steps=steps, seed=seed) if ends else x
    model = IntegerModel(network)
    count = sum(control.load for control in controls)
    states = np.zeros((0, state_words(network)), dtype=np.int64)
    if count:
        states = np.concatenate(
            [_reached(model, -(-count // 2), (*seed, 32)), _any_state(network, count // 2, rng)]
        )
        states = rng.permutation(states)
    service = serve(model, interface, x, controls, states, max_steps=max_steps)
    return Work(x=x, controls=controls, loads=states, service=service)


def _reached(model: IntegerModel, count: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """Compute the state words after random sequences of two steps."""
    x = input_words(model.network, batch=count, steps=2, seed=seed).reshape(2 * count, -1)
    controls = [Control(last=n % 2 == 1, save=n % 2 == 1) for n in range(2 * count)]
    return serve(model, Interface(state="load"), x, controls).saved


def _any_state(
    network: QuantizedNetwork, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw state words from the whole range of their formats."""
    parts = []
    for name, layer in state_vectors(network):
        to, units = network.layers[layer].formats.operand(name), network.layers[layer].units
        parts.append(rng.integers(to.min, to.max, size=(count, units), endpoint=True))
    return np.concatenate(parts, axis=1)
