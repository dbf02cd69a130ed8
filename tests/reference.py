"""A second integer model of every cell: scalar, plain Python integers, from equations and contract.

It shares no code with :mod:`golden.model` and is as slow as it is short. Only the description of
the network (:mod:`golden.quantized`) and of its formats is common to both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from golden.cells import cell_options
from golden.quantized import QuantizedLayer, QuantizedNetwork

GUARD = 2
"""Extra fraction bits of an interpolated table's entries."""


Curve = Callable[[float], float]
"""A tabulated function of real numbers, 0 or more."""


class Binary(Protocol):
    """Fields of a format that this module reads."""

    @property
    def width(self) -> int: ...
    @property
    def frac(self) -> int: ...


class Table(Protocol):
    """Fields of a tanh table that this module reads."""

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


ALPHAS = {"elu": 1.0, "selu": 1.6732632423543772}
"""alpha of alpha (exp(x) - 1), below 0."""


def hard_sigmoid(raw: int, frac: int, to: Binary) -> int:
    """Eq. (21): clip(x/4 + 1/2, 0, 1). x/4 is the same integer with two more fraction bits."""
    value = requantize(raw + 2 ** (frac + 1), frac + 2, to)
    return max(0, min(2**to.frac, value))


def tanh_point(index: int, table: Table, frac: int, curve: Curve = math.tanh) -> int:
    """tanh at table point ``index``, rounded (halves up) to ``frac`` fraction bits."""
    x = index * 2.0 ** (table.log2_range - table.log2_entries)
    return math.floor(curve(x) * 2.0**frac + 0.5)


def rectified(name: str, raw: int, frac: int, table: Table) -> tuple[int, int]:
    """ReLU, ELU or SELU without its factor, and the result's fraction bits."""
    if name == "relu":
        return max(0, raw), frac
    fine = max(frac, table.out.frac)
    if raw >= 0:
        return raw * 2 ** (fine - frac), fine
    below = tanh(raw, frac, table, lambda x: -ALPHAS[name] * math.expm1(-x))
    return below * 2 ** (fine - table.out.frac), fine


def tanh(raw: int, frac: int, table: Table, curve: Curve = math.tanh) -> int:
    """tanh by table, odd, in format ``table.out``; or another curve."""
    size = abs(raw)
    entries = 2**table.log2_entries
    step_frac = table.log2_entries - table.log2_range
    if not table.interpolate:
        # Nearest point, halves up: floor(|x| / step + 1/2).
        numerator, denominator = size * 2 ** max(0, step_frac), 2 ** max(0, -step_frac) * 2**frac
        index = min(entries - 1, (2 * numerator + denominator) // (2 * denominator))
        magnitude = saturate(tanh_point(index, table, table.out.frac, curve), table.out)
    else:
        # |x| = (index + part / 2**below) * step
        below = max(0, frac - step_frac)
        fine = size * 2 ** max(0, step_frac - frac)
        index, part = divmod(fine, 2**below)
        if index >= entries:
            index, part = entries - 1, 2**below
        left = tanh_point(index, table, table.out.frac + GUARD, curve)
        right = tanh_point(index + 1, table, table.out.frac + GUARD, curve)
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


@dataclass(frozen=True, kw_only=True)
class LayerStep:
    """One step of one layer: its operands, and what the equations of every cell are made of.

    Args:
        layer, table: the layer, and the table of tanh.
        x: the vectors that it reads.
        h, c: operands of the step before.
        seen_h, seen_c: what matrices multiply in place of h and c.
        see_rh: makes what a matrix multiplies in place of rh.
    """

    layer: QuantizedLayer
    table: Table
    x: Sequence[Sequence[int]]
    h: Sequence[int]
    c: Sequence[int]
    seen_h: Sequence[int]
    seen_c: Sequence[int]
    see_rh: Callable[[list[int]], list[int]]

    @property
    def pre(self) -> Binary:
        """Format of a pre-activation."""
        return self.layer.formats.operand("pre")

    @property
    def gate(self) -> Binary:
        """Format of a gate."""
        return self.layer.formats.operand("gate")

    def matrix(self, name: str, unit: int, vector: Sequence[int]) -> int:
        """A row of a matrix times a vector."""
        return dot(self.layer.weights[name][unit], vector)

    def one(self, name: str, unit: int) -> int:
        """An element of a bias or a diagonal."""
        return int(self.layer.weights[name][unit])

    def on_x(self, gate: str, unit: int) -> int:
        """W x + W' x' + ... of all vectors that the layer reads, plus b."""
        total = self.one(f"b_{gate}", unit)
        for number, vector in enumerate(self.x):
            total += self.matrix(f"W_{gate}x{number or ''}", unit, vector)
        return total

    def affine(self, gate: str, unit: int, h: Sequence[int] | None = None) -> int:
        """W x + U h + b, with another vector in place of h if one is given."""
        product = self.on_x(gate, unit)
        product += self.matrix(f"U_{gate}h", unit, self.seen_h if h is None else h)
        return product

    def narrow(self, gate: str, total: int) -> int:
        """A gate's sum to a pre-activation."""
        to = self.layer.formats
        return requantize(total, to.product_fracs[gate], self.pre)

    def sigma(self, gate: str, total: int) -> int:
        """The gate activation of a gate's sum."""
        if self.layer.sigmoid == "hard":
            return hard_sigmoid(self.narrow(gate, total), self.pre.frac, self.gate)
        return logistic(self.narrow(gate, total), self.pre.frac, self.table, self.gate)

    def tanh(self, gate: str, total: int) -> int:
        """tanh of a gate's sum."""
        return tanh(self.narrow(gate, total), self.pre.frac, self.table)

    def candidate(self, total: int, frac: int) -> tuple[int, int]:
        """The activation of a candidate's sum, and its fraction bits."""
        name = cell_options(self.layer.cell).get("activation", "tanh")
        if name != "tanh":
            hidden = self.layer.formats.operand("hidden")
            return rectified(name, requantize(total, frac, hidden), hidden.frac, self.table)
        pre = requantize(total, frac, self.pre)
        return tanh(pre, self.pre.frac, self.table), self.table.out.frac

    def sum_to(self, to: Binary, *terms: tuple[int, int]) -> int:
        """Exact sum of (integer, fraction bits), narrowed once."""
        frac = max(point for _, point in terms)
        return requantize(sum(raw * 2 ** (frac - point) for raw, point in terms), frac, to)

    def output(self, gate: int, c_new: int) -> int:
        """Eqs. (7), (13), (25): gate times tanh(c), or another activation."""
        to = self.layer.formats
        name = cell_options(self.layer.cell).get("activation", "tanh")
        if name != "tanh":
            seen, frac = rectified(name, c_new, to.operand("c").frac, self.table)
            return requantize(gate * seen, self.gate.frac + frac, to.h)
        product = gate * tanh(c_new, to.operand("c").frac, self.table)
        return requantize(product, self.gate.frac + self.table.out.frac, to.h)

    def mix(self, unit: int, z: int, n: int, frac: int) -> int:
        """Eq. (17): (1 - z) h + z n, where n has some fraction bits."""
        to = self.layer.formats
        kept = (
            (2**self.gate.frac - z) * self.h[unit],
            self.gate.frac + to.h.frac,
        )
        return self.sum_to(to.h, kept, (z * n, self.gate.frac + frac))


def litelstm(step: LayerStep, unit: int) -> tuple[int, int]:
    """Eqs. (18)-(25): new h and c."""
    to, weights = step.layer.formats, step.layer.weights
    sum_f = step.affine("f", unit)
    if "W_fc" in weights:
        sum_f += step.matrix("W_fc", unit, step.seen_c)
    if "w_fc" in weights:
        sum_f += step.one("w_fc", unit) * step.c[unit]
    f, g = step.sigma("f", sum_f), step.tanh("g", step.affine("g", unit))
    c_new = step.sum_to(
        to.operand("c"),
        (f * step.c[unit], step.gate.frac + to.operand("c").frac),
        (f * g, step.gate.frac + step.table.out.frac),
    )
    return step.output(f, c_new), c_new


def lstm(step: LayerStep, unit: int) -> tuple[int, int]:
    """Eqs. (2)-(7), with diagonals (8)-(13): new h and c."""
    to, options = step.layer.formats, cell_options(step.layer.cell)
    peephole, coupled = options["peephole"], options.get("forget") == "coupled"
    sums = {gate: step.affine(gate, unit) for gate in ("iog" if coupled else "ifog")}
    seen = {"none": "", "previous": "ifo", "current": "if"}[peephole]
    for gate in seen.replace("f", "") if coupled else seen:
        sums[gate] += step.one(f"w_{gate}c", unit) * step.c[unit]
    i = step.sigma("i", sums["i"])
    f = 2**step.gate.frac - i if coupled else step.sigma("f", sums["f"])
    g, g_frac = step.candidate(sums["g"], to.product_fracs["g"])
    c_new = step.sum_to(
        to.operand("c"),
        (f * step.c[unit], step.gate.frac + to.operand("c").frac),
        (i * g, step.gate.frac + g_frac),
    )
    if peephole == "current":
        sums["o"] += step.one("w_oc", unit) * c_new
    return step.output(step.sigma("o", sums["o"]), c_new), c_new


def rnn(step: LayerStep, unit: int) -> int:
    """Eq. (1): new h."""
    to, total = step.layer.formats, step.affine("h", unit)
    if cell_options(step.layer.cell).get("activation") == "relu":
        return max(0, requantize(total, to.product_fracs["h"], to.h))
    return requantize(*step.candidate(total, to.product_fracs["h"]), to.h)


def gru_before(step: LayerStep) -> list[int]:
    """Eqs. (14)-(17), reset before the product: new h of all units."""
    to, units = step.layer.formats, range(step.layer.units)
    r = [step.sigma("r", step.affine("r", unit)) for unit in units]
    z = [step.sigma("z", step.affine("z", unit)) for unit in units]
    rh = [requantize(r[unit] * step.h[unit], step.gate.frac + to.h.frac, to.h) for unit in units]
    rh = step.see_rh(rh)
    n = [step.candidate(step.affine("n", unit, rh), to.product_fracs["n"]) for unit in units]
    return [step.mix(unit, z[unit], *n[unit]) for unit in units]


def gru_after(step: LayerStep, unit: int) -> int:
    """n = tanh(W x + b + r (U h + b')), reset after the product: new h."""
    to = step.layer.formats
    r, z = (step.sigma(gate, step.affine(gate, unit)) for gate in "rz")
    sum_m = step.matrix("U_mh", unit, step.seen_h) + step.one("b_m", unit)
    m = requantize(sum_m, to.product_fracs["m"], to.operand("hidden"))
    sum_n = step.on_x("n", unit)
    reset = r * m, step.gate.frac + to.operand("hidden").frac
    frac = max(to.product_fracs["n"], reset[1])
    total = sum_n * 2 ** (frac - to.product_fracs["n"]) + reset[0] * 2 ** (frac - reset[1])
    return step.mix(unit, z, *step.candidate(total, frac))


def layer_step(step: LayerStep) -> tuple[list[int], list[int]]:
    """New h and c of all units; c is empty for a cell that has none."""
    cell, units = step.layer.cell, range(step.layer.units)
    if cell.kind in ("lstm", "litelstm"):
        equations = lstm if cell.kind == "lstm" else litelstm
        pairs = [equations(step, unit) for unit in units]
        return [h for h, _ in pairs], [c for _, c in pairs]
    if cell.kind in ("rnn", "dense", "pool"):
        equation = {"rnn": rnn, "dense": dense, "pool": pool}[cell.kind]
        return [equation(step, unit) for unit in units], []
    if cell_options(cell)["reset"] == "before":
        return gru_before(step), []
    return [gru_after(step, unit) for unit in units], []


def dense(step: LayerStep, unit: int) -> int:
    """h = A(W x + W' x' + ... + b)."""
    to, options = step.layer.formats, cell_options(step.layer.cell)
    total = max(step.on_x(gate.name, unit) for gate in step.layer.cell.gates)
    frac = to.product_fracs["y"]
    match options["activation"]:
        case "tanh":
            return requantize(step.tanh("y", total), step.table.out.frac, to.h)
        case "sigmoid":
            return requantize(step.sigma("y", total), step.gate.frac, to.h)
        case "elu" | "selu":
            return requantize(*step.candidate(total, frac), to.h)
        case "leaky" if total < 0:
            down = int(options["slope"].removeprefix("1/")).bit_length() - 1
            return requantize(total, frac + down, to.h)
        case "relu":
            return max(0, requantize(total, frac, to.h))
        case "relu6":
            return max(0, min(requantize(6, 0, to.h), requantize(total, frac, to.h)))
        case _:
            return requantize(total, frac, to.h)


def pool(step: LayerStep, unit: int) -> int:
    """h + W x + b, or the larger of the two."""
    to, y = step.layer.formats, (step.on_x("y", unit), step.layer.formats.product_fracs["y"])
    if cell_options(step.layer.cell)["over"] == "max":
        return max(step.h[unit], requantize(*y, to.h))
    return step.sum_to(to.h, (step.h[unit], to.h.frac), y)


def empty(layer: QuantizedLayer) -> list[int]:
    """h of a layer, or c, before a sequence's first step."""
    smallest = cell_options(layer.cell).get("over") == "max"
    return [layer.formats.h.min if smallest else 0] * layer.units


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything a sequence leaves behind.

    Args:
        h: h[step][layer][unit].
        c: c[step][layer][unit]; empty for a layer without c.
        y: words of a result after every step, y[step][output].
        changed: changed[step][vector, name][element]: it was sent, of a network with thresholds.
    """

    h: list[list[list[int]]]
    c: list[list[list[int]]]
    y: list[list[int]]
    changed: list[dict[tuple[int, str], list[bool]]]


def run(
    network: QuantizedNetwork,
    samples: Sequence[Sequence[int]],
    state: tuple[list[list[int]], list[list[int]]] | None = None,
) -> Run:
    """Run one sequence of input words, samples[step][input], from an empty state or from (h, c).

    Results of steps that do not count are left out.
    """
    before = [empty(layer) for layer in network.layers]
    h, c = state or (before, before)
    sent: dict[tuple[int, str], list[int]] = {}  # by vector and name

    def see(vector: int, name: str, value: list[int]) -> list[int]:
        """Send the elements that differ by more than the threshold; return what was sent last."""
        if network.thresholds is None:
            return value
        own = network.thresholds.layers[vector - 1] if vector else {"x": network.thresholds.x}
        if name in own:
            old = sent.get((vector, name), [0] * len(value))
            pairs = zip(value, old, strict=True)
            sent[vector, name] = [new if abs(new - was) > own[name] else was for new, was in pairs]
            moved = [abs(new - was) > own[name] for new, was in zip(value, old, strict=True)]
            result.changed[-1][vector, name] = moved
        return sent.get((vector, name), value)

    result = Run(h=[], c=[], y=[], changed=[])
    past: list[list[list[int]]] = []  # past[step][vector][element]
    counts = [0]
    for layer, sources in zip(network.layers, network.sources, strict=True):
        counts.append(layer.warmup + max(counts[n] for n in sources))
    for t, sample in enumerate(samples):
        result.changed.append({})
        past.append([[int(value) for value in sample]])
        see(0, "x", past[t][0])
        c_new: list[list[int]] = []
        for index, (layer, sources) in enumerate(zip(network.layers, network.sources, strict=True)):
            x = [
                past[t - lag][n] if not lag or t - lag >= counts[n] else [0] * network.sizes[n]
                for n, lag in zip(sources, network.lags[index], strict=True)
            ]
            if layer.cell.state:
                x = [
                    sent.get((n, "h" if n else "x"), old) for n, old in zip(sources, x, strict=True)
                ]
            if t <= counts[index + 1] and state is None:
                h[index], c[index] = before[index], before[index]
            number = index + 1
            step = LayerStep(
                layer=layer,
                table=network.tanh,
                x=x,
                h=h[index],
                c=c[index],
                seen_h=sent.get((number, "h"), h[index]),
                seen_c=sent.get((number, "c"), c[index]),
                see_rh=lambda rh, number=number: see(number, "rh", rh),
            )
            h_after, c_after = layer_step(step)
            see(number, "h", h_after)
            see(number, "c", c_after)
            past[t].append(h_after)
            c_new.append(c_after)
        h, c = past[t][1:], c_new
        result.h.append(h)
        result.c.append(c)
        if t >= max(counts[n] for n in network.result_vectors):
            result.y.append([word for n in network.result_vectors for word in past[t][n]])
    return result
