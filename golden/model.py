"""Integer model: the bits that the hardware must produce, vectorized over a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Dict, Tuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.cells import Carried
from golden.checks import as_array
from golden.errors import InputError
from golden.formats import Format
from golden.layer_model import DirectedModel
from golden.quantized import Integers, QuantizedNetwork

State = Tuple[Dict[str, Integers], ...]
"""Raw state of every layer by name, each int64 (batch, units of all directions)."""


@dataclass(frozen=True)
class IntegerRun:
    """Results and traces of one run of the integer model.

    Attributes:
        output: raw results, (batch, outputs).
        steps: raw results of every step from the first that counts, (batch, steps, outputs).
        layers: one trace per layer: raw vectors by name, int64, each (batch, steps, units of all
            directions), from the first step that counts. Layers with thresholds have rh, too.
        state: each layer's final state: after the last step, for a reverse layer after the first.
    """

    output: Integers
    steps: Integers
    layers: tuple[dict[str, Integers], ...]
    state: State


class IntegerModel:
    """The golden model of a quantized network.

    Args:
        network: the network.
        walk: whether to run a network with thresholds step by step even if all are 0, so that the
            traces have rh, too.

    Raises:
        InputError: a sum could exceed 62 bits.
    """

    def __init__(self, network: QuantizedNetwork, *, walk: bool = False) -> None:
        self.network = network
        thresholds = network.thresholds
        self._sends = thresholds is not None and thresholds.largest > 0
        by_layer: tuple[Mapping[str, Any] | None, ...] = (None,) * len(network.layers)
        if thresholds is not None and (self._sends or walk):
            by_layer = tuple(thresholds.of_layer(network, n) for n in range(len(network.layers)))
        self._layers = [
            DirectedModel(layer, network.tanh, own) for layer, own in zip(network.layers, by_layer)
        ]

    def forward(self, x: ArrayLike) -> Integers:
        """Compute the output words for input words, from the network's first state.

        Args:
            x: raw inputs in format ``network.x``, shape (batch, steps, inputs).

        Returns:
            int64 of shape (batch, outputs) in format ``network.out``.

        Raises:
            InputError: ``x`` has a wrong shape, or anything but integers in range.
        """
        return self._output(self._run(x, None, every_step=False)[2])

    def forward_steps(self, x: ArrayLike) -> Integers:
        """Compute the output after every step that counts: int64 (batch, steps, outputs)."""
        return self._steps(self._run(x, None)[1])

    def run(self, x: ArrayLike, state: State | None = None) -> IntegerRun:
        """Compute the output and the state of every layer and step.

        Args:
            x: raw inputs, see :meth:`forward`.
            state: each layer's state before its first step; by default its first state.

        Raises:
            InputError: ``x`` or ``state`` does not fit the network, or has anything but integers
                in range.
        """
        traces, vectors, finals = self._run(x, state)
        layers = [
            {k: np.ascontiguousarray(v.transpose(2, 0, 1)).astype(np.int64) for k, v in t.items()}
            for t in traces
        ]
        ends = tuple(
            {name: model.end(trace[name]).T.astype(np.int64) for name in layer.cell.state}
            for layer, model, trace in zip(self.network.layers, self._layers, traces)
        )
        return IntegerRun(self._output(finals), self._steps(vectors), tuple(layers), ends)

    def _run(
        self, x: ArrayLike, state: State | None, *, every_step: bool = True
    ) -> tuple[list[dict[str, Carried]], list[Carried], list[Carried]]:
        """Run all layers, late ones in every step only if asked to.

        Returns:
            The layers' traces, each (steps, units, batch) in its carrier type; every vector of all
            steps; every vector's final value, (units, batch).
        """
        words = check_inputs(self.network, as_array("input words", x))
        if state is not None:
            if self._sends:
                raise InputError("state is given, expected none: the values last sent are unknown")
            check_state(self.network, state, len(words))
        self.network.check_steps(words.shape[1])
        value = words.transpose(1, 2, 0)
        traces: list[dict[str, Carried]] = []

        def run(index: int, x: Carried) -> Carried:
            layer = self._layers[index]
            if x.ndim == 2:  # final values
                return layer.run(x[np.newaxis])["h"][0]
            before = {name: v.T for name, v in state[index].items()} if state else None
            traces.append(layer.run(x, before))
            return traces[-1]["h"]

        flow = self.network.flow(
            value,
            run=run,
            final=lambda index, h: self._layers[index].end(h),
            end=_before_end,
            axis=-2,
            time=0,
            every_step=every_step,
        )
        return traces, *flow

    def _steps(self, vectors: list[Carried]) -> Integers:
        """Select the output words of every step that counts, (batch, steps, outputs)."""
        return self._output(vectors)[:, self.network.first :]

    def _output(self, vectors: list[Carried]) -> Integers:
        """Select output words, (batch, outputs) or for all steps (batch, steps, outputs)."""
        words = self.network.joined(vectors, axis=-2)
        return np.ascontiguousarray(np.moveaxis(words, -1, 0)).astype(np.int64)


def _before_end(values: Carried, lag: int, first: int) -> Carried:
    """Select the values ``lag`` steps before the last; zero before step ``first``."""
    step = len(values) - 1 - lag
    return values[step] if step >= first else np.zeros_like(values[0])


def check_inputs(network: QuantizedNetwork, x: NDArray[Any]) -> NDArray[Any]:
    """Refuse input words that are not (batch, steps, inputs) integers in range."""
    expected = f"(samples, steps, {network.inputs})"
    if x.ndim != 3 or x.shape[2] != network.inputs or 0 in x.shape:
        raise InputError(f"samples are of shape {x.shape}, expected {expected}")
    if x.dtype.kind not in "iu":
        raise InputError(f"input words are of type {x.dtype}, expected integers")
    _check_range("input words are", x, network.x)
    return x


def check_state(network: QuantizedNetwork, state: State, batch: int) -> None:
    """Refuse a state that does not fit the layers, or has anything but integers in range."""
    if len(state) != len(network.layers):
        raise InputError(f"state is of {len(state)} layers, expected {len(network.layers)}")
    for index, (layer, given) in enumerate(zip(network.layers, state)):
        names = layer.cell.state
        if sorted(given) != sorted(names):
            found = ", ".join(given) or "nothing"
            raise InputError(f"state of layer{index} has {found}, expected {', '.join(names)}")
        for name in names:
            what = f"layer{index} {name}"
            values, shape = as_array(what, given[name]), (batch, layer.outputs)
            if values.shape != shape or values.dtype.kind not in "iu":
                found = f"{values.dtype} of shape {values.shape}"
                raise InputError(f"{what} is {found}, expected integers of shape {shape}")
            _check_range(f"{what} is", values, layer.formats.operand(name))


def _check_range(what: str, values: NDArray[Any], to: Format) -> None:
    low, high = int(values.min()), int(values.max())
    if low < to.min or high > to.max:
        raise InputError(f"{what} {low} to {high}, expected {to.min} to {to.max}")
