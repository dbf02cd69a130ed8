"""Golden model of a core in use: several streams, with state kept, loaded and saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from golden.dataclass import dataclass
from golden.directions import check_forward
from golden.errors import InputError
from golden.interface import Control, Interface
from golden.model import IntegerModel, State, check_state
from golden.quantized import Integers, QuantizedNetwork


@dataclass(frozen=True, kw_only=True)
class Service:
    """A core's results for a list of steps.

    Attributes:
        words: raw output words, (results, words).
        streams: stream number of each result.
        last: whether each result is its sequence's last.
        saved: saved state words, (saves, state words).
    """

    words: Integers
    streams: Integers
    last: Integers
    saved: Integers


def state_vectors(network: QuantizedNetwork) -> list[tuple[str, int]]:
    """List the vectors of a stream's state as (name, layer), in the order of the state words.

    The order is h of every layer, then c of every layer that has one.
    """
    return [
        (name, index)
        for name in ("h", "c")
        for index, layer in enumerate(network.layers)
        if name in layer.cell.state
    ]


def state_words(network: QuantizedNetwork) -> int:
    """Count the words of one stream's state."""
    return sum(network.layers[layer].units for _, layer in state_vectors(network))


def pack_state(network: QuantizedNetwork, state: State) -> Integers:
    """Convert the state of a batch to words, (batch, state words)."""
    return np.concatenate([state[layer][name] for name, layer in state_vectors(network)], axis=1)


def unpack_state(network: QuantizedNetwork, words: Integers) -> State:
    """Convert words, (batch, state words), to the state of a batch.

    Raises:
        InputError: the number of words is wrong, or a word does not fit its format.
    """
    if words.ndim != 2 or words.shape[1] != state_words(network):
        expected = f"(batch, {state_words(network)})"
        raise InputError(f"state words are of shape {words.shape}, expected {expected}")
    state: State = tuple({} for _ in network.layers)
    at = 0
    for name, layer in state_vectors(network):
        units = network.layers[layer].units
        state[layer][name] = words[:, at : at + units]
        at += units
    check_state(network, state, len(words))
    return state


def serve(
    model: IntegerModel,
    interface: Interface,
    x: Integers | Sequence[Integers],
    controls: Sequence[Control],
    loads: Iterable[Integers] = (),
) -> Service:
    """Compute a core's results for steps after reset.

    Args:
        model: integer model of the core's network.
        interface: interface of the core.
        x: raw input words of each step, (inputs,).
        controls: control fields of each step.
        loads: state words, (state words,), one array per step with ``load``.

    Raises:
        InputError: input or state words do not fit, or a layer's direction is not ``forward``.
    """
    network, states = model.network, iter(loads)
    check_forward(network.layers)
    now: list[State | None] = [None] * interface.streams
    begins = [True] * interface.streams
    words: list[Integers] = []
    given: list[Control] = []
    saved: list[Integers] = []
    if len(x) != len(controls):
        raise InputError(f"there are {len(x)} steps, but controls of {len(controls)}")
    for vector, control in zip(x, controls):
        stream = control.stream
        if begins[stream] and not control.keep:
            now[stream] = None
        if control.load:
            now[stream] = unpack_state(network, next(states)[np.newaxis])
        run = model.run(vector[np.newaxis, np.newaxis], state=now[stream])
        now[stream], begins[stream] = run.state, control.last
        if control.last or interface.every_step:
            words.append(interface.answer(run.output[0]))
            given.append(control)
        if control.save:
            saved.append(pack_state(network, run.state)[0])
    return Service(
        words=np.array(words, dtype=np.int64).reshape(-1, interface.words(network)),
        streams=np.array([control.stream for control in given], dtype=np.int64),
        last=np.array([control.last for control in given], dtype=np.int64),
        saved=np.array(saved, dtype=np.int64).reshape(-1, state_words(network)),
    )
