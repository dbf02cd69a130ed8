"""Power-of-two scales: binary points of single tensors, and of a layer's tensors together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from golden.cells import Floats
from golden.formats import Format
from golden.layer_formats import BIAS

METHODS = ("mse", "max")
"""Choice of a scale: least mean squared error with saturation, or no saturation."""

_SEARCH = 6
"""Finer binary points that the search tries beyond the finest one without saturation."""

_COARSER = 4
"""Coarser binary points that the search tries for an operand beside its own best one."""


_MOST = 1 << 17
"""Most values of a tensor for measuring mean errors; larger tensors are sampled."""


class Observed:
    """Values of one tensor, with a cache of the errors of formats.

    Args:
        values: real numbers of any shape.
        formats: kind of their format.
    """

    def __init__(self, values: Floats, formats: type[Format] = Format) -> None:
        self._formats = formats
        self.columns = values.shape[-1]
        self.power = float(np.mean(values**2))
        flat = values.ravel()
        self._ends = np.array([flat.min(), flat.max()])
        if flat.size > _MOST:
            flat = np.random.default_rng(0).choice(flat, _MOST, replace=False, shuffle=False)
        self._values = flat
        self._errors: dict[tuple[int, int], float] = {}
        self._chosen: dict[tuple[int, str], int] = {}

    def square_error(self, width: int, frac: int) -> float:
        """Mean squared error of rounding and clipping to a format."""
        if (width, frac) not in self._errors:
            to = self._formats(width=width, frac=frac)
            error = to.to_float(to.quantize(self._values)) - self._values
            self._errors[width, frac] = float(np.mean(error**2))
        return self._errors[width, frac]

    def choose_frac(self, width: int, method: str) -> int:
        """Choose the fraction bits of a power-of-two scale at ``width`` bits.

        Args:
            width: bits of the format.
            method: ``max`` for the finest scale without saturation, ``mse`` for the least mean
                squared error.
        """
        if (width, method) not in self._chosen:
            self._chosen[width, method] = self._search(width, method)
        return self._chosen[width, method]

    def _search(self, width: int, method: str) -> int:
        largest = float(np.abs(self._ends).max())
        if largest == 0:
            return width - 1
        finest = max(-64, min(64, width - 1 - int(np.floor(np.log2(largest)))))
        while finest > -64 and self._saturates(self._formats(width=width, frac=finest)):
            finest -= 1
        if method == "max":
            return finest
        candidates = range(finest, min(64, finest + _SEARCH) + 1)
        return min(candidates, key=lambda frac: self.square_error(width, frac))

    def _saturates(self, to: Format) -> bool:
        low, high = np.floor(np.ldexp(self._ends, to.frac) + 0.5)
        return bool(low < to.least or high > to.max)


@dataclass(frozen=True)
class Block:
    """A weight matrix, the gate whose sum it contributes to, and the operand it multiplies."""

    gate: str
    operand: str
    matrix: Observed


class LayerScales:
    """Chooses the binary points of a layer's operands and of each gate's products together.

    All products of a gate share one binary point, so a finer operand makes coarser weights in every
    gate that reads it. ``max`` makes each operand as fine as possible without saturation, then each
    gate's products as fine as its weights allow. ``mse`` minimizes the noise: for each block, the
    error of the rounded and clipped weights times the operand's power, plus the operand's error
    times the weights' power; and the operands' own errors. With both methods no bias saturates.

    Args:
        blocks: the layer's matrices.
        biases: each gate's bias, at the binary point of the gate's products.
        values: samples of each operand.
        widths: bits of each operand.
        weight_width: bits of a weight.
        method: ``mse`` or ``max``.
    """

    def __init__(
        self,
        blocks: list[Block],
        biases: dict[str, Observed],
        values: dict[str, Observed],
        *,
        widths: dict[str, int],
        weight_width: int,
        method: str,
    ) -> None:
        self._blocks: dict[str, list[Block]] = {}
        for block in blocks:
            self._blocks.setdefault(block.gate, []).append(block)
        self._biases = biases
        self._values = values
        self._widths = widths
        self._weight_width = weight_width
        self._method = method
        self._known: dict[tuple[str, tuple[int, ...]], tuple[float, int]] = {}

    def choose(self, given: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
        """Choose the fraction bits of the operands that are not ``given``, and of the products.

        Returns:
            Fraction bits by operand (the given ones included), and by gate.
        """
        best = {
            name: self._values[name].choose_frac(width, self._method)
            for name, width in self._widths.items()
            if name not in given
        }
        if self._method == "max":
            fracs = given | best
            return fracs, {gate: min(self._finest(gate, fracs)) for gate in self._blocks}
        coarser = [range(frac, frac - _COARSER - 1, -1) for frac in best.values()]
        choices = [
            given | dict(zip(best, choice, strict=True)) for choice in itertools.product(*coarser)
        ]
        fracs = min(choices, key=self._noise)
        return fracs, {gate: self._least(gate, fracs)[1] for gate in self._blocks}

    def _finest(self, gate: str, fracs: dict[str, int]) -> list[int]:
        """Finest binary points of products at which no block saturates, then the bias's."""
        blocks = [
            block.matrix.choose_frac(self._weight_width, "max") + fracs[block.operand]
            for block in self._blocks[gate]
        ]
        return [*blocks, self._biases[gate].choose_frac(BIAS.width, "max")]

    def _noise(self, fracs: dict[str, int]) -> float:
        """Least noise with these operands: their own errors plus the noise in all gates' sums."""
        own = sum(self._operand_error(name, frac) for name, frac in fracs.items())
        return own + sum(self._least(gate, fracs)[0] for gate in self._blocks)

    def _least(self, gate: str, fracs: dict[str, int]) -> tuple[float, int]:
        """Least noise in a gate's sum, and the products' binary point that gives it."""
        key = gate, tuple(fracs[block.operand] for block in self._blocks[gate])
        if key not in self._known:
            *finest, bias = self._finest(gate, fracs)
            last = min(max(finest) + _SEARCH, bias)
            self._known[key] = min(
                (sum(self._block_noise(block, fracs, frac) for block in self._blocks[gate]), frac)
                for frac in range(min(*finest, last), last + 1)
            )
        return self._known[key]

    def _block_noise(self, block: Block, fracs: dict[str, int], product_frac: int) -> float:
        matrix, operand, frac = block.matrix, self._values[block.operand], fracs[block.operand]
        weights = matrix.square_error(self._weight_width, product_frac - frac) * operand.power
        return matrix.columns * (weights + self._operand_error(block.operand, frac) * matrix.power)

    def _operand_error(self, name: str, frac: int) -> float:
        return self._values[name].square_error(self._widths[name], frac)
