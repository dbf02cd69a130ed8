"""Recurrent ONNX nodes as networks of this project.

Shapes and the order of gates are those of the operators RNN, GRU and LSTM, version 22. The first
axis of every weight is the direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import GRU, LSTM, RNN, Cell
from golden.network import Layer, Network
from tests.conformance.weights import Weights, by_gate, gru_weights, with_hard_sigmoid

Arrays = Mapping[str, NDArray[Any]]

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""Inputs of an LSTM in their order; RNN and GRU have the first six."""

KNOWN_ATTRIBUTES = {
    "hidden_size",
    "direction",
    "input_forget",
    "layout",
    "linear_before_reset",
    "activations",
    "activation_alpha",
    "activation_beta",
}


@dataclass(frozen=True)
class Results:
    """Output of a node, batch first, with the directions' vectors side by side.

    Attributes:
        h: beside every step, (batch, steps, units of all directions).
        state: what it ends with by name, each (batch, units of all directions).
    """

    h: NDArray[Any]
    state: Arrays

    def error(self, other: Results) -> float:
        """The largest difference of any number that both have."""
        pairs = [(self.h, other.h)] if self.h.size and other.h.size else []
        common = self.state.keys() & other.state.keys()
        pairs += [(self.state[name], other.state[name]) for name in common]
        return max(float(np.abs(a - b).max()) for a, b in pairs)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One recurrent node with all its inputs.

    Attributes:
        operator: RNN, GRU or LSTM.
        attributes: by their names in ONNX.
        inputs: arrays by their names in ``INPUTS``. X is (steps, batch, inputs), or with ``layout``
            1 (batch, steps, inputs).
    """

    operator: str
    attributes: Mapping[str, Any]
    inputs: Arrays

    @property
    def cell(self) -> Cell:
        """The cell that computes what this operator does."""
        activation = self.candidate.lower()
        if self.operator == "RNN":
            return RNN(activation=activation)
        if self.operator == "GRU":
            after = self.attributes.get("linear_before_reset", 0)
            return GRU(reset="after" if after else "before", activation=activation)
        return LSTM(
            peephole="current" if "P" in self.inputs else "none",
            activation=activation,
            forget="coupled" if self.attributes.get("input_forget", 0) else "gate",
        )

    @property
    def candidate(self) -> str:
        """Activation of candidates and of an LSTM's c, by its name in ONNX."""
        return self.attributes.get("activations", ["Tanh"])[-1]

    def network(self) -> Network:
        """The node as a network of one layer, without head.

        Raises:
            NotImplementedError: it has something that is out of scope, see docs/conformance.md.
        """
        unknown = self.attributes.keys() - KNOWN_ATTRIBUTES
        if unknown:
            raise NotImplementedError(f"attribute {min(unknown)} is out of scope")
        directions = len(self.inputs["W"])
        sets = [self._weights(index) for index in range(directions)]
        slope = self._slope(directions)
        if slope is not None:
            sets = [with_hard_sigmoid(self.cell, weights, slope) for weights in sets]
        layer = Layer(
            cell=self.cell,
            sigmoid="logistic" if slope is None else "hard",
            weights=sets[0],
            direction=self.attributes.get("direction", "forward"),
            backward=sets[1] if directions == 2 else None,
        )
        return Network(layers=(layer,))

    def _slope(self, directions: int) -> float | None:
        """Slope of the hard sigmoid that closes all gates; None for the logistic one."""
        functions, last = list(self.attributes.get("activations", ())), self.candidate
        if not functions or functions == activations(self.operator, "Sigmoid", last) * directions:
            return None
        slopes = set(self.attributes["activation_alpha"])
        alike = len(slopes) == 1 and set(self.attributes["activation_beta"]) == {0.5}
        if not alike or functions != activations(self.operator, "HardSigmoid", last) * directions:
            raise NotImplementedError(f"activations {functions} are out of scope")
        return slopes.pop()

    def _weights(self, direction: int) -> Weights:
        W, U = self.inputs["W"][direction], self.inputs["R"][direction]
        b = self.inputs["B"][direction] if "B" in self.inputs else np.zeros(2 * len(W))
        b_x, b_h = np.split(b.astype(np.float64), 2)
        match self.cell:
            case RNN():
                return by_gate("h", W, U, b_x + b_h)
            case GRU(reset=reset):
                return gru_weights("zrn", W, U, b_x, b_h, reset=reset)
        gates = {gate.name for gate in self.cell.gates}
        named = by_gate("iofg", W, U, b_x + b_h)
        weights = {name: array for name, array in named.items() if name.split("_")[1][0] in gates}
        if "P" in self.inputs:
            diagonals = np.split(self.inputs["P"][direction].astype(np.float64), 3)
            pairs = zip("iof", diagonals, strict=True)
            weights |= {f"w_{gate}c": diagonal for gate, diagonal in pairs if gate in gates}
        return weights

    @property
    def batch_first(self) -> bool:
        """Whether the batch is the first axis of X and Y and of states."""
        return self.attributes.get("layout", 0) == 1

    @property
    def x(self) -> NDArray[np.float64]:
        """X as (batch, steps, inputs)."""
        x = self.inputs["X"].astype(np.float64)
        return x if self.batch_first else x.swapaxes(0, 1)

    @property
    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return the layer's initial vectors by name, each (batch, units of all directions)."""
        given = {name: self.inputs.get(f"initial_{name}") for name in ("h", "c")}
        return {
            name: self._flat_state(values).astype(np.float64)
            for name, values in given.items()
            if values is not None
        }

    @property
    def lengths(self) -> NDArray[Any] | None:
        """Steps of each sequence, where the node has them."""
        return self.inputs.get("sequence_lens")

    def run(self) -> Results:
        """The float reference's results."""
        run = self.network().run(self.x, state=[self.state], lengths=self.lengths)
        return Results(run.steps, run.state[0])

    def results(self, outputs: Arrays) -> Results:
        """Outputs as ONNX shapes them (``Y``, ``Y_h``, ``Y_c``) as results."""
        h = np.zeros(0)
        if "Y" in outputs:
            # (steps, directions, batch, units), or (batch, steps, directions, units)
            Y = outputs["Y"] if self.batch_first else outputs["Y"].transpose(2, 0, 1, 3)
            h = Y.reshape(*Y.shape[:2], -1)
        ends = {name: outputs.get(f"Y_{name}") for name in ("h", "c")}
        return Results(h, {n: self._flat_state(v) for n, v in ends.items() if v is not None})

    def _flat_state(self, values: NDArray[Any]) -> NDArray[Any]:
        """(directions, batch, units), or with ``layout`` 1 (batch, directions, units), flat."""
        values = values if self.batch_first else values.swapaxes(0, 1)
        return values.reshape(len(values), -1)


def activations(operator: str, sigmoid: str, candidate: str) -> list[str]:
    """Activations of one direction, as ONNX orders them."""
    return {
        "RNN": [candidate],
        "GRU": [sigmoid, candidate],
        "LSTM": [sigmoid, candidate, candidate],
    }[operator]
