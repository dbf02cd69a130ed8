"""One recurrent layer of any cell as a PyTorch module."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from golden.cells import Activations, Cell, Sums
from golden.network import weight_shapes


def hard_sigmoid(x: Tensor) -> Tensor:
    """Eq. (21): clip(x/4 + 1/2, 0, 1)."""
    return torch.clamp(x * 0.25 + 0.5, 0, 1)


def maximum(value: Tensor, other: Any) -> Tensor:
    """The larger of a value and another one, or a number."""
    return torch.clamp(value, min=other)


ACTIVATIONS = {
    name: Activations(sigmoid=sigmoid, tanh=torch.tanh, exp=torch.exp, maximum=maximum)
    for name, sigmoid in (("hard", hard_sigmoid), ("logistic", torch.sigmoid))
}
"""Activation functions of the cells' equations, by name of the gate activation."""

Trace = dict[str, list[Tensor]]
"""The vectors of every step by name (``h``, ``c``), each (batch, units)."""

Seen = Callable[[str, Tensor], Tensor]
"""Function from a vector's name and its value in a step to what matrices multiply."""


class RecurrentLayer(nn.Module):
    """One layer of any cell of :mod:`golden.cells`, run by that cell's own equations.

    Args:
        cell: the kind of cell, with its options.
        gate: gate activation, ``hard`` or ``logistic``.
        inputs, units: lengths of x and h.
    """

    def __init__(self, cell: Cell, gate: str, inputs: int, units: int, **factory: Any) -> None:
        super().__init__()
        self.cell, self.gate, self.inputs, self.units = cell, gate, inputs, units
        for name, shape in weight_shapes(cell, inputs, units).items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape, **factory)))
        # Gates that read h come first, so that they share one product.
        self._gates = sorted(cell.gates, key=lambda gate: "h" not in gate.reads)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the parameters: uniform within 1/sqrt(columns), U of tanh orthogonal, biases 0.

        The gate f, which keeps c from step to step, starts with a bias of 1.
        """
        for gate in self.cell.gates:
            for operand in gate.reads:
                matrix = self.get_parameter(gate.matrix(operand))
                if gate.tanh and operand in ("h", "rh"):
                    nn.init.orthogonal_(matrix)
                else:
                    bound = 1 / math.sqrt(matrix.shape[1])
                    matrix.uniform_(-bound, bound)
            if gate.diagonal:
                bound = 1 / math.sqrt(self.units)
                self.get_parameter(gate.peephole).uniform_(-bound, bound)
            self.get_parameter(gate.bias).fill_(1.0 if gate.name == "f" else 0.0)

    def forward(
        self,
        x: Tensor,
        state: Mapping[str, Tensor],
        mask: Tensor | None = None,
        seen: Seen = lambda _, value: value,
    ) -> Trace:
        """Run all steps.

        Args:
            x: inputs (steps, batch, inputs).
            state: state before the first step by name, each (batch, units).
            mask: (steps, batch, 1), false after a sequence's end, where its state stays unchanged.
            seen: makes of h, c or rh of each step what matrices multiply in its place.
        """
        now = dict(state)
        trace: Trace = {name: [] for name in self.cell.makes}
        weights = self.weights()
        from_h = self._from_h(weights)
        operands = dict(now)
        for t, from_x in enumerate(self._from_x(x, weights)):
            new = self.step(self._sums(from_x, now, operands, from_h, weights, seen), now)
            if mask is not None:
                new = {name: torch.where(mask[t], value, now[name]) for name, value in new.items()}
            now = new
            for name, value in now.items():
                trace[name].append(value)
                operands[name] = seen(name, value)
        return trace

    def weights(self) -> dict[str, Tensor]:
        """Parameters by name, in the form for the sums."""
        return dict(self.named_parameters())

    def step(self, sums: Sums, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the state of step t from the gates' sums and the state of step t-1."""
        return self.cell.step(sums, state, ACTIVATIONS[self.gate])

    def _from_x(self, x: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Compute the part of all gates' sums from x and biases, per step (batch, gates * units).

        It does not depend on the state, so one product covers all steps.
        """
        bias = torch.cat([weights[gate.bias] for gate in self._gates])
        none = bias.new_zeros(self.units, self.inputs)
        matrix = torch.cat(
            [weights[gate.matrix("x")] if "x" in gate.reads else none for gate in self._gates]
        )
        steps, batch, _ = x.shape
        sums = torch.addmm(bias, x.reshape(steps * batch, -1), matrix.t())
        return sums.view(steps, batch, -1).unbind(0)

    def _from_h(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Concatenate the matrices that multiply h of step t-1: (units, gates * units)."""
        reading = [weights[gate.matrix("h")] for gate in self._gates if "h" in gate.reads]
        return torch.cat(reading).t() if reading else torch.empty(self.units, 0)

    def _sums(
        self,
        from_x: Tensor,
        state: Mapping[str, Tensor],
        operands: Mapping[str, Tensor],
        from_h: Tensor,
        weights: Mapping[str, Tensor],
        seen: Seen,
    ) -> Sums:
        """Make the gates' sums of one step, see golden.cells.Sums; matrices take ``operands``."""
        reading, rest = from_h.shape[1], from_x.shape[1] - from_h.shape[1]
        parts = [part for part in from_x.split([reading, rest], dim=1) if part.shape[1]]
        if reading:
            parts[0] = torch.addmm(parts[0], operands["h"], from_h)
        by_gate = [gate for part in parts for gate in part.split(self.units, dim=1)]
        by_name = {gate.name: (gate, by_gate[n]) for n, gate in enumerate(self._gates)}

        def sums(name: str, **made: Tensor) -> Tensor:
            gate, total = by_name[name]
            for operand in gate.reads:
                if operand not in ("x", "h"):
                    matrix = weights[gate.matrix(operand)]
                    value = seen("rh", made["rh"]) if operand == "rh" else operands[operand]
                    total = torch.addmm(total, value, matrix.t())
            if gate.diagonal:
                total = torch.addcmul(total, weights[gate.peephole], {**state, **made}["c"])
            return total

        return sums
