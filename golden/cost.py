"""Hardware cost of a quantized network: bits of memory, adder cells of arithmetic.

This model compares settings of one network. It does not estimate an FPGA's resources.
"""

from __future__ import annotations

from dataclasses import dataclass

from golden.formats import Format
from golden.layer_formats import LayerFormats
from golden.quantized import QuantizedNetwork, signed_width

LANES = 16
"""Multipliers of the array in the cost model; the state update has ``_TAIL`` more."""

_TAIL = 2


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of one network.

    Attributes:
        weights: bits of all weights; all are stored at the width of the widest.
        biases: bits of all biases; each gate's are stored at the width of its widest.
        state: bits of h and c of all layers, and of two input vectors; of those that a layer reads
            at a lag as many as the lag, rounded up to a power of two.
        sums: bits of all accumulators and of their shadows.
        table: bits of the tanh table.
        operand_width, weight_width: bits of the array's multipliers.
        accumulator_width: bits of the array's adders.
        update: adder cells per multiplier of the state update (gate times c or h).
    """

    weights: int
    biases: int
    state: int
    sums: int
    table: int
    operand_width: int
    weight_width: int
    accumulator_width: int
    update: int

    @property
    def memory(self) -> int:
        """Bits of all memories."""
        return self.weights + self.biases + self.state + self.sums + self.table

    @property
    def lane(self) -> int:
        """Adder cells per lane: one partial product per weight bit, and the sum."""
        return self.operand_width * self.weight_width + self.accumulator_width

    @property
    def arithmetic(self) -> int:
        """Adder cells of ``LANES`` lanes and of the state update."""
        return LANES * self.lane + _TAIL * self.update

    def relative(self, reference: Cost) -> float:
        """Return the mean of two ratios to ``reference``: memory and arithmetic."""
        memory = self.memory / reference.memory
        return (memory + self.arithmetic / reference.arithmetic) / 2


def cost(network: QuantizedNetwork) -> Cost:
    """Compute the cost of a network."""
    layers = network.layers
    weight_width = max(layer.formats.weight_width for layer in layers)
    arrays = [array for layer in layers for array in layer.arrays.items()]
    biases = [array for name, array in arrays if _is_bias(name)]
    sums = sum(array.size for array in biases)
    slots = [_slots(network, vector) for vector in range(1 + len(layers))]
    kept = [  # vectors that a later pass reads
        layer.outputs
        * getattr(layer.formats, name).width
        * (slots[index + 1] if name == "h" else 1)
        for index, layer in enumerate(layers)
        for name in layer.cell.makes
        if layer.cell.state or network.is_read(index + 1)
    ]
    return Cost(
        weights=weight_width * sum(array.size for name, array in arrays if not _is_bias(name)),
        biases=sum(b.size * signed_width(int(b.min()), int(b.max())) for b in biases),
        state=max(2, slots[0]) * network.inputs * network.x.width + sum(kept),
        sums=2 * sums * network.accumulator_width,
        table=network.tanh.entries
        * network.tanh.out.width
        * (2 if network.tanh.interpolate else 1),
        operand_width=max(
            layer.formats.operand(name).width
            for layer in layers
            for gate in layer.cell.gates
            for name in layer.reads(gate)
        ),
        weight_width=weight_width,
        accumulator_width=network.accumulator_width,
        update=max(_update(layer.formats, network.tanh.out) for layer in layers),
    )


def _slots(network: QuantizedNetwork, vector: int) -> int:
    """Number of steps of a vector that are kept."""
    lags = (
        lag
        for layer, sources in zip(network.lags, network.sources)
        for lag, source in zip(layer, sources)
        if source == vector
    )
    longest = max((0, *lags))
    return 1 << (longest + 1).bit_length() if longest else 1


def _is_bias(name: str) -> bool:
    return name.split(".")[-1].startswith("b")


def _update(formats: LayerFormats, tanh: Format) -> int:
    """Adder cells of gate * (state + tanh), the widest product of an update; 0 if it has none."""
    if not (formats.gate and formats.pre):
        return 0
    state = formats.c or formats.h
    frac = max(state.frac, tanh.frac)
    factor = max(state.width + frac - state.frac, tanh.width + frac - tanh.frac) + 1
    return formats.gate.width * factor + formats.pre.width
