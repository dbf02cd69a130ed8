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
    *,
    max_steps: int = 0,
) -> Service:
    """Compute a core's results for steps after reset.

    Args:
        model: integer model of the core's network.
        interface: interface of the core.
        x: raw input words of each step, (inputs,).
        controls: control fields of each step.
        loads: state words, (state words,), one array per step with ``load``.
        max_steps: steps of the longest sequence that the core buffers; longer ones are cut. 0 for a
            core that buffers none.

    Raises:
        InputError: input or state words do not fit, the network does not fit the interface, a
            layer's direction is not ``forward`` in a core that buffers nothing, or a sequence is
            too short for a result.
    """
    network = model.network
    interface.check(network)
    if len(x) != len(controls):
        raise InputError(f"there are {len(x)} steps, but controls of {len(controls)}")
    if max_steps:
        return _serve_whole(model, interface, x, controls, max_steps)
    check_forward(network.layers)
    words: dict[int, Integers] = {}
    saved: dict[int, Integers] = {}
    for state, steps in chains(network, controls, loads):
        if len(steps) <= network.first:  # no result yet
            continue
        run = model.run(np.stack([x[n] for n in steps])[np.newaxis], state)
        words.update(zip(steps[network.first :], interface.answer(run.steps[0])))
        for place, n in enumerate(steps):
            if controls[n].save:
                now = ({name: v[:, place] for name, v in trace.items()} for trace in run.layers)
                saved[n] = pack_state(network, tuple(now))[0]
    given = [n for n in sorted(words) if controls[n].last or interface.every_step]
    return Service(
        words=_rows([words[n] for n in given], interface.words(network)),
        streams=np.array([controls[n].stream for n in given], dtype=np.int64),
        last=np.array([controls[n].last for n in given], dtype=np.int64),
        saved=_rows([saved[n] for n in sorted(saved)], state_words(network)),
    )


def _serve_whole(
    model: IntegerModel,
    interface: Interface,
    x: Integers | Sequence[Integers],
    controls: Sequence[Control],
    max_steps: int,
) -> Service:
    """Compute results of whole sequences on one stream, each from zero state."""
    words: list[Integers] = []
    last: list[int] = []
    for _, steps in chains(model.network, controls):
        if controls[steps[-1]].last:
            run = model.run(np.stack([x[n] for n in steps[:max_steps]])[np.newaxis])
            results = run.steps[0] if interface.every_step else run.output
            words += list(interface.answer(results))
            last += [0] * (len(results) - 1) + [1]
    return Service(
        words=_rows(words, interface.words(model.network)),
        streams=np.zeros(len(last), dtype=np.int64),
        last=np.array(last, dtype=np.int64),
        saved=_rows([], state_words(model.network)),
    )


def _rows(rows: list[Integers], size: int) -> Integers:
    """Stack arrays of ``size`` words, or none."""
    return np.array(rows, dtype=np.int64).reshape(-1, size)


def chains(
    network: QuantizedNetwork, controls: Sequence[Control], loads: Iterable[Integers] = ()
) -> list[tuple[State | None, list[int]]]:
    """List the steps that continue each other in a stream, with the state before the first one.

    Args:
        network: the network.
        controls: control fields of each step.
        loads: state words, one array per step with ``load``.

    Raises:
        InputError: state words do not fit, or a sequence is too short for a result.
    """
    found: list[tuple[State | None, list[int]]] = []
    states = iter(loads)
    now: dict[int, list[int]] = {}
    ended: set[int] = set()
    for n, control in enumerate(controls):
        stream = control.stream
        begins = stream not in now or (stream in ended and not control.keep)
        if control.load or begins:
            state = unpack_state(network, next(states)[np.newaxis]) if control.load else None
            now[stream] = []
            found.append((state, now[stream]))
        now[stream].append(n)
        ended.discard(stream)
        if control.last:
            ended.add(stream)
            network.check_steps(len(now[stream]))
    return found
