"""Contents of the memories that a plan fills: weights, biases, diagonals and first states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from golden.cells import Gate
from golden.quantized import QuantizedLayer
from hdl.plan import Plan
from hdl.spec.passes import Pass


def weight_words(plan: Plan) -> list[int]:
    """Words of the weight memory: ``lanes`` weights per word, lane 0 in the lowest bits.

    One word is read per cycle, in this order. Lanes that share multipliers read their weights as
    :meth:`hdl.parts.joint.Joint.stored` has them.
    """
    words: list[int] = []
    for single in plan.work.passes:
        weights = _pass_weights(plan, single)
        stored = plan.joint.stored(weights) if plan.joint else weights
        words += _pack(stored, plan.sizes.weight_width)
    return words + [0] * (plan.sizes.weight_words - len(words))


def bias_words(plan: Plan, slot: int) -> list[int]:
    """Biases of the gate in an accumulator slot, one per unit of every layer.

    A unit without a gate in that slot has 0.
    """
    return _unit_words(plan.network.layers, slot, lambda gate: gate.bias)


def diagonal_words(plan: Plan, slot: int) -> list[int]:
    """Diagonal weights of the gate in an accumulator slot, one per unit.

    They are of every layer up to the last one that makes a vector. A unit without a diagonal
    there has 0.
    """
    layers = plan.network.layers[: plan.work.state_layers]
    return _unit_words(layers, slot, lambda gate: gate.peephole if gate.diagonal else None)


def first_words(plan: Plan, name: str, *, read: bool = False) -> list[int]:
    """First state, h or c, one word per unit as in the vector's memory; empty if all are 0.

    With ``read`` they are 0 where the array does not read the state of the step before.
    """
    reads = {one.source for one in plan.work.passes if one.recurrent and one.operand == name}
    words: list[int] = []
    for index, layer in enumerate(plan.network.layers[: plan.work.state_layers]):
        start = layer.start(1)
        known = name in start and (index in reads or not read)
        words += start[name][0].tolist() if known else [0] * layer.units
    return words if any(words) else []


def diagonal_slots(plan: Plan) -> list[int]:
    """Accumulator slots whose gate has a diagonal in some kind."""
    return [
        slot for slot in range(plan.sizes.gates) if any(kind.diagonal(slot) for kind in plan.kinds)
    ]


def _pass_weights(plan: Plan, single: Pass) -> NDArray[np.int64]:
    """Weights of a pass in the order of their use, shape (operations, lanes)."""
    rows, lanes = plan.work.rows_of(single), plan.options.lanes
    layer = plan.network.layers[single.layer]
    gates = [layer.cell.gates[gate] for gate in single.gates]
    matrices = [layer.weights[gate.matrix(single.matrix)] for gate in gates]
    columns = single.columns * single.choices
    padded = np.zeros((len(matrices), rows * lanes, columns), dtype=np.int64)
    padded[:, : matrices[0].shape[0]] = np.stack(matrices)
    dealt = padded.reshape(len(matrices), rows, lanes, columns)
    return dealt.transpose(3, 1, 0, 2).reshape(-1, lanes)


def _unit_words(
    layers: Sequence[QuantizedLayer], slot: int, name: Callable[[Gate], str | None]
) -> list[int]:
    """Values that a layer's array ``name(gate)`` gives its units; 0 where there is none."""
    words: list[int] = []
    for layer in layers:
        gates = layer.cell.gates
        key = name(gates[slot]) if slot < len(gates) else None
        words += layer.weights[key].tolist() if key else [0] * layer.units
    return words


def _pack(weights: NDArray[np.int64], width: int) -> list[int]:
    """Rows of signed weights to words, the first weight in the lowest bits."""
    bits = (weights[:, :, np.newaxis] >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).reshape(len(weights), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
