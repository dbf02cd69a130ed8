"""A second integer LiteLSTM: scalar, plain Python integers, from the equations and the contract.

It shares no code with :mod:`golden.model` and is as slow as it is short. Only the description of
the network (:mod:`golden.quantized`) and of its formats is common to both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from golden.quantized import QuantizedDense, QuantizedLayer, QuantizedNetwork

GUARD = 2
"""Extra fraction bits of an interpolated table's entries."""


class Binary(Protocol):
    """What this module needs of a format."""

    @property
    def width(self) -> int: ...
    @property
    def frac(self) -> int: ...


class Table(Protocol):
    """What this module needs of a tanh table."""

    @property
    def log2_entries(self) -> int: ...
    @property
    def log2_range(self) -> int: ...
    @property
    def interpolate(self) -> bool: ...
    @property
    def out(self) -> Binary: ...


def saturate(raw: int, to: Binary) -> int:
    """The nearest value of two's complement of ``to.width`` bits."""
    return max(-(2 ** (to.width - 1)), min(2 ** (to.width - 1) - 1, raw))


def requantize(raw: int, frac: int, to: Binary) -> int:
    """Add half, shift with floor, saturate; to the left the shift is exact."""
    drop = frac - to.frac
    if drop > 0:
        return saturate((raw + 2 ** (drop - 1)) // 2**drop, to)
    return saturate(raw * 2**-drop, to)


def hard_sigmoid(raw: int, frac: int, to: Binary) -> int:
    """Eq. (21): clip(x/4 + 1/2, 0, 1). x/4 is the same integer with two more fraction bits."""
    value = requantize(raw + 2 ** (frac + 1), frac + 2, to)
    return max(0, min(2**to.frac, value))


def tanh_point(index: int, table: Table, frac: int) -> int:
    """tanh at table point ``index``, rounded (halves up) to ``frac`` fraction bits."""
    x = index * 2.0 ** (table.log2_range - table.log2_entries)
    return math.floor(math.tanh(x) * 2.0**frac + 0.5)


def tanh(raw: int, frac: int, table: Table) -> int:
    """tanh by table, odd, in format ``table.out``."""
    size = abs(raw)
    entries = 2**table.log2_entries
    step_frac = table.log2_entries - table.log2_range
    if not table.interpolate:
        # Nearest point, halves up: floor(|x| / step + 1/2).
        numerator, denominator = size * 2 ** max(0, step_frac), 2 ** max(0, -step_frac) * 2**frac
        index = min(entries - 1, (2 * numerator + denominator) // (2 * denominator))
        magnitude = saturate(tanh_point(index, table, table.out.frac), table.out)
    else:
        # |x| = (index + part / 2**below) * step
        below = max(0, frac - step_frac)
        fine = size * 2 ** max(0, step_frac - frac)
        index, part = divmod(fine, 2**below)
        if index >= entries:
            index, part = entries - 1, 2**below
        left = tanh_point(index, table, table.out.frac + GUARD)
        right = tanh_point(index + 1, table, table.out.frac + GUARD)
        exact = left * 2**below + (right - left) * part
        magnitude = requantize(exact, table.out.frac + GUARD + below, table.out)
    return saturate(-magnitude if raw < 0 else magnitude, table.out)


def logistic(raw: int, frac: int, table: Table, to: Binary) -> int:
    """(1 + tanh(x/2)) / 2, clamped to [0, 1]."""
    half = tanh(raw, frac + 1, table)
    value = requantize(2**table.out.frac + half, table.out.frac + 1, to)
    return max(0, min(2**to.frac, value))


def dot(row: Sequence[int], vector: Sequence[int]) -> int:
    """Exact sum of products."""
    if len(row) != len(vector):
        raise AssertionError(f"{len(row)} weights for {len(vector)} elements")
    return sum(int(w) * v for w, v in zip(row, vector, strict=True))


def unit_step(
    layer: QuantizedLayer,
    table: Table,
    unit: int,
    x: Sequence[int],
    h: Sequence[int],
    c: Sequence[int],
) -> tuple[int, int]:
    """Eqs. (18)-(25) for one unit: new h and c."""
    w, to, to_c = layer.weights, layer.formats, layer.formats.operand("c")
    sum_f = dot(w["W_fx"][unit], x) + dot(w["U_fh"][unit], h) + int(w["b_f"][unit])
    if "W_fc" in w:
        sum_f += dot(w["W_fc"][unit], c)
    if "w_fc" in w:
        sum_f += int(w["w_fc"][unit]) * c[unit]
    sum_g = dot(w["W_gx"][unit], x) + dot(w["U_gh"][unit], h) + int(w["b_g"][unit])
    pre_f = requantize(sum_f, to.product_frac, to.pre)
    pre_g = requantize(sum_g, to.product_frac, to.pre)
    if layer.sigmoid == "hard":
        f = hard_sigmoid(pre_f, to.pre.frac, to.gate)
    else:
        f = logistic(pre_f, to.pre.frac, table, to.gate)
    g = tanh(pre_g, to.pre.frac, table)
    frac = max(to_c.frac, table.out.frac)
    c_plus_g = c[unit] * 2 ** (frac - to_c.frac) + g * 2 ** (frac - table.out.frac)
    c_new = requantize(f * c_plus_g, to.gate.frac + frac, to_c)
    h_new = requantize(f * tanh(c_new, to_c.frac, table), to.gate.frac + table.out.frac, to.h)
    return h_new, c_new


def head_words(head: QuantizedDense, h: Sequence[int]) -> list[int]:
    """y = requantize(W h + b)."""
    weights, bias = head.weights["W"], head.weights["b"]
    return [
        requantize(dot(row, h) + int(b), head.product_frac, head.out)
        for row, b in zip(weights, bias, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything a sequence leaves behind.

    Args:
        h: h[step][layer][unit].
        c: c[step][layer][unit].
        y: words of the head after every step, y[step][output]; h of the last layer without head.
    """

    h: list[list[list[int]]]
    c: list[list[list[int]]]
    y: list[list[int]]


def run(
    network: QuantizedNetwork,
    samples: Sequence[Sequence[int]],
    state: tuple[list[list[int]], list[list[int]]] | None = None,
) -> Run:
    """Run one sequence of input words, samples[step][input], from a zero state or from (h, c)."""
    if state is None:
        zeros = [[0] * layer.units for layer in network.layers]
        state = zeros, zeros
    h, c = state
    result = Run(h=[], c=[], y=[])
    for sample in samples:
        x = [int(value) for value in sample]
        h_new: list[list[int]] = []
        c_new: list[list[int]] = []
        for index, layer in enumerate(network.layers):
            pairs = [
                unit_step(layer, network.tanh, unit, x, h[index], c[index])
                for unit in range(layer.units)
            ]
            h_new.append([pair[0] for pair in pairs])
            c_new.append([pair[1] for pair in pairs])
            x = h_new[-1]
        h, c = h_new, c_new
        result.h.append(h)
        result.c.append(c)
        result.y.append(head_words(network.head, x) if network.head else x)
    return result
