"""Table 1 of the LiteLSTM paper, computed from the cells' descriptions.

Gates, matrices and parameters follow from :mod:`golden.cells`; element-wise products, activations
and cycles from the state updates and schedules of :mod:`hdl.cells`. :mod:`litelstm.paper` has the
figures for comparison: the paper's equations counted by hand, and its table as printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from golden.cells import Cell
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl.cells import Update, schedule
from hdl.cycles import steady_state
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import CELLS, Architecture
from litelstm.paper import PAPER, TABLE_1, Paper, Printed

REFERENCE = "lstm"
"""Cell that the ratios of parameters and cycles refer to."""


ROWS = (*PAPER, "litelstm-diagonal", "litelstm-none")
"""Compared cells, by their names in :mod:`litelstm.architectures`."""


@dataclass(kw_only=True)
class _Activations(Update[None]):
    """Counts the activations of a state update; see :class:`hdl.cells.Update`."""

    of: dict[str, int] = field(default_factory=lambda: {"sigmoid": 0, "tanh": 0})

    def sum(self, gate: str, *, c: None = None) -> None: ...
    def state(self, name: str) -> None: ...
    def narrow(self, a: None, to: str, *, name: str) -> None: ...
    def add(self, a: None, b: None, *, name: str) -> None: ...
    def subtract(self, a: None, b: None, *, name: str) -> None: ...
    def multiply(self, a: None, b: None, *, name: str) -> None: ...
    def exponential(self, activation: str, a: None, *, name: str) -> None: ...
    def relu(self, a: None, *, name: str) -> None: ...
    def maximum(self, a: None, b: None, *, name: str) -> None: ...
    def leaky(self, a: None, shift: int, *, name: str) -> None: ...
    def make(
        self, vector: str, a: None, *, low: float | None = None, high: float | None = None
    ) -> None: ...

    def sigmoid(self, a: None, *, name: str) -> None:
        self.of["sigmoid"] += 1

    def tanh(self, a: None, *, name: str) -> None:
        self.of["tanh"] += 1


def activations(cell: Cell) -> dict[str, int]:
    """Count the activations per unit and step by function, ``sigmoid`` and ``tanh``."""
    counter = _Activations()
    for drain in schedule(cell).drains:
        drain.update(counter)
    return counter.of


@dataclass(frozen=True, kw_only=True)
class Row:
    """One cell in the comparison: one layer, no head.

    Attributes:
        cell: its name.
        gates: number of gates with a gate activation, without the candidate.
        activations: activations per unit and step, by function.
        memory, peephole: whether the cell has a c, and whether a gate reads it.
        matrices, vectors, biases: numbers of weight matrices, diagonal weights and biases.
        products: element-wise products per unit and step, as the core computes them.
        parameters: trained numbers, biases included.
        weight_bits: bits of matrices and diagonals, without biases.
        cycles_per_step: cycles per step in the steady state.
        parameters_ratio, cycles_ratio: ratios to ``REFERENCE``.
        paper: counts of the paper's equations, if the cell is the paper's.
        table: the paper's Table 1, if the cell is the paper's.
    """

    cell: str
    gates: int
    activations: dict[str, int]
    memory: bool
    peephole: bool
    matrices: int
    vectors: int
    biases: int
    products: int
    parameters: int
    weight_bits: int
    cycles_per_step: int
    parameters_ratio: float = 1.0
    cycles_ratio: float = 1.0
    paper: Paper | None
    table: Printed | None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Layer that every cell is compared as, and the array that runs it.

    Attributes:
        inputs, units: sizes of the layer.
        lanes: multipliers of the array.
        settings: bit widths.
        sigmoid: gate activation.
    """

    inputs: int
    units: int
    lanes: int
    settings: Settings
    sigmoid: str

    @property
    def title(self) -> str:
        """Say all but the gate activation in words."""
        return (
            f"{self.inputs} inputs, {self.units} units, {self.settings.weight_width}-bit weights, "
            f"{self.lanes} lanes"
        )

    def as_json(self) -> dict[str, Any]:
        """Return JSON values; of the settings the width of weights."""
        return {
            "inputs": self.inputs,
            "units": self.units,
            "lanes": self.lanes,
            "weight_width": self.settings.weight_width,
            "sigmoid": self.sigmoid,
        }

    def quantized(self, cell: str) -> QuantizedNetwork:
        """Make the layer of a cell, with random weights.

        Raises:
            InputError: a number is out of range.
        """
        return Architecture(
            cell=cell, inputs=self.inputs, units=self.units, sigmoid=self.sigmoid
        ).quantized(self.settings)


def compare(layer: Layer) -> list[Row]:
    """Compute the table for one layer.

    Raises:
        InputError: a number is out of range.
    """
    rows = {name: _row(name, layer) for name in ROWS}
    reference = rows[REFERENCE]
    return [
        replace(
            row,
            parameters_ratio=row.parameters / reference.parameters,
            cycles_ratio=row.cycles_per_step / reference.cycles_per_step,
        )
        for row in rows.values()
    ]


def _row(name: str, layer: Layer) -> Row:
    cell, network = CELLS[name], layer.quantized(name)
    plan = Plan(network=network, options=CoreOptions(lanes=layer.lanes))
    return Row(
        cell=name,
        gates=sum(not (gate.tanh or gate.wide) for gate in cell.gates),
        activations=activations(cell),
        memory="c" in cell.state,
        peephole=any("c" in gate.reads or gate.diagonal for gate in cell.gates),
        matrices=sum(len(gate.reads) for gate in cell.gates),
        vectors=sum(gate.diagonal for gate in cell.gates),
        biases=len(cell.gates),
        products=plan.update_cost.products,
        **sizes(network),
        cycles_per_step=steady_state(plan).cycles_per_step,
        paper=PAPER.get(name),
        table=TABLE_1.get(name),
    )


def sizes(network: QuantizedNetwork) -> dict[str, int]:
    """Count a layer's ``parameters``, and its ``weight_bits`` without those of biases."""
    (layer,) = network.layers
    parameters = sum(array.size for array in layer.weights.values())
    biases = sum(layer.weights[gate.bias].size for gate in layer.cell.gates)
    bits = (parameters - biases) * layer.formats.weight_width
    return {"parameters": parameters, "weight_bits": bits}
