"""A scalar model of a quantized network in plain integers, written from docs/arithmetic.md alone.

It reads the fields of a network's file, and takes neither code nor tables from the project; NumPy
only opens the file. test_arithmetic_page.py compares it with the golden model.
"""

import dataclasses
import math
import operator
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    """An exact number, raw * 2**-frac."""

    raw: int
    frac: int

    def __add__(self, other: "Fixed") -> "Fixed":
        frac = max(self.frac, other.frac)
        return Fixed((self.raw << frac - self.frac) + (other.raw << frac - other.frac), frac)

    def __mul__(self, other: "Fixed") -> "Fixed":
        return Fixed(self.raw * other.raw, self.frac + other.frac)


HALF = Fixed(1, 1)
Vector = list[Fixed]
Format = tuple[int, int]  # width, frac


def saturate(value: int, width: int) -> int:
    return max(-(2 ** (width - 1)), min(2 ** (width - 1) - 1, value))


def input_word(sample: float, scale: float, x: Format) -> int:
    return saturate(math.floor(sample * scale * 2.0 ** x[1] + 0.5), x[0])


def plus(a: Vector, b: Vector) -> Vector:
    return list(map(operator.add, a, b))


def times(a: Vector, b: Vector) -> Vector:
    return list(map(operator.mul, a, b))


class ScalarModel:
    curve = staticmethod(math.tanh)
    ends = (-1, 0)  # beyond R: entry N - 1 of a nearest table, N of an interpolated one

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self.fields = {name: file[name].tolist() for name in file}
        assert self.fields["kind"] == "litelstm quantized network"
        assert self.fields["version"] == 2
        self.out: Format = tuple(self.fields["tanh.out"])
        self.entries: int = 2 ** self.fields["tanh.log2_entries"]
        self.reach: int = 2 ** self.fields["tanh.log2_range"]
        self.log2_steps: int = self.fields["tanh.log2_entries"] - self.fields["tanh.log2_range"]

    def shift(self, value: int, d: int) -> int:
        return (value + 2 ** (d - 1)) >> d if d > 0 else value << -d

    def narrow(self, value: Fixed, to: Format) -> Fixed:
        return Fixed(saturate(self.shift(value.raw, value.frac - to[1]), to[0]), to[1])

    def tanh(self, x: Fixed) -> Fixed:
        below = max(0, x.frac - self.log2_steps)  # bits of x below the index
        scaled = abs(x.raw) << max(0, self.log2_steps - x.frac)
        look_up = self.interpolated if self.fields["tanh.interpolate"] else self.nearest
        y = look_up(scaled, below)
        return Fixed(-y.raw, y.frac) if x.raw < 0 else y

    def rectified(self, name: str, x: Fixed) -> Fixed:
        """ReLU, ELU or SELU."""
        above = Fixed(max(0, x.raw), x.frac)
        if name == "relu":
            return above
        alpha = {"elu": 1.0, "selu": 1.6732632423543772}[name]
        self.curve = lambda x: alpha * (1 - math.exp(-x))
        below = self.tanh(Fixed(min(0, x.raw), x.frac))
        self.curve = math.tanh
        return above + below

    def entry(self, i: int, frac: int) -> Fixed:
        real = self.curve(i * self.reach / self.entries)
        return Fixed(math.floor(real * 2.0**frac + 0.5), frac)

    def nearest(self, x: int, below: int) -> Fixed:
        i = min(self.shift(x, below), self.entries + self.ends[0])
        return Fixed(saturate(self.entry(i, self.out[1]).raw, self.out[0]), self.out[1])

    def interpolated(self, x: int, below: int) -> Fixed:
        i, part = x >> below, x % 2**below
        if i >= self.entries:
            i, part = self.entries + self.ends[1], 0
        start, end = self.entry(i, self.out[1] + 2), self.entry(i + 1, self.out[1] + 2)
        rise = Fixed(end.raw - start.raw, start.frac)
        return self.narrow(start + rise * Fixed(part, below), self.out)

    def gate(self, sigmoid: str, p: Fixed, to: Format) -> Fixed:
        if sigmoid == "hard":
            g = self.narrow(Fixed(p.raw, p.frac + 2) + HALF, to)
        else:
            t = self.tanh(Fixed(p.raw, p.frac + 1))
            g = self.narrow(Fixed(t.raw, t.frac + 1) + HALF, to)
        return Fixed(max(0, min(2 ** to[1], g.raw)), to[1])

    def result(self, words: list[list[int]]) -> list[int]:
        """The result of a sequence, given the words of each step."""
        frac = self.fields["x"][1]
        vectors = [[[Fixed(word, frac) for word in step] for step in words]]  # of every step
        finals = [vectors[0][-1]]
        for n in range(self.fields["layers"]):
            sources = self.fields.get(f"layer{n}.sources", [n])
            steps = [[vectors[s][t] for s in sources] for t in range(len(words))]
            every, end = self.layer(n, steps, [finals[s] for s in sources])
            vectors.append(every)
            finals.append(end)
        results = self.fields.get("results", [self.fields["layers"]])
        return [word.raw for k in results for word in finals[k]]

    def layer(
        self, n: int, steps: list[list[Vector]], end: list[Vector]
    ) -> tuple[list[Vector], Vector]:
        """A layer's vector of every step and its final one, from those that it reads."""
        if self.fields[f"layer{n}.cell"] == "dense":
            every, ends = (Layer(self, n).run(x) for x in (steps, [end]))
            return every, ends[-1]
        direction = self.fields.get(f"layer{n}.direction", "forward")
        if direction == "forward":
            every = Layer(self, n).run(steps)
            return every, every[-1]
        both = direction == "bidirectional"
        back = Layer(self, n, "backward." if both else "").run(steps[::-1])[::-1]
        if not both:
            return back, back[0]
        every = Layer(self, n).run(steps)
        return list(map(operator.add, every, back)), every[-1] + back[0]


def multiplied(matrix: list[list[int]], operand: Vector, sums: Vector) -> Vector:
    """The sums with matrix times operand added; they keep their fraction bits."""
    for u, row in enumerate(matrix):
        for weight, value in zip(row, operand, strict=True):
            sums[u] += Fixed(weight, sums[u].frac - value.frac) * value
    return sums


class Layer:
    def __init__(self, model: ScalarModel, number: int, direction: str = "") -> None:
        start = f"layer{number}."
        self.model, self.direction = model, direction
        self.own = {
            k.removeprefix(start): v for k, v in model.fields.items() if k.startswith(start)
        }
        self.weights = {k.removeprefix(direction): v for k, v in self.own.items()}
        gru = "rzn" if self.own.get("reset") == "before" else "nrzm"
        lstm = "iog" if self.own.get("forget") == "coupled" else "ifog"
        gates = {"rnn": "h", "lstm": lstm, "gru": gru, "litelstm": "fg", "dense": "y"}
        gates = gates[self.own["cell"]]
        self.thresholds = self.sent_below(number, model.fields)
        self.sent: dict[str, Vector] = {}
        fracs = np.broadcast_to(self.own["product_frac"], len(gates)).tolist()
        self.fracs = dict(zip(gates, fracs, strict=True))

    def sent_below(self, number: int, fields: dict) -> dict[str, int]:
        """The thresholds of what a recurrent layer multiplies, by operand; none of a dense one."""
        if self.own["cell"] == "dense" or "threshold.x" not in fields:
            return {}
        sources = fields.get(f"layer{number}.sources", [number])
        names = [f"layer{s - 1}.threshold.h" if s else "threshold.x" for s in sources]
        read = {f"x{k or ''}": fields[name] for k, name in enumerate(names)}
        marked = {k: v for k, v in self.own.items() if k.startswith("threshold.")}
        return read | {k.removeprefix("threshold."): v for k, v in marked.items()}

    def send(self, name: str, values: Vector) -> Vector:
        """The values sent; to ask again in the same step changes nothing."""
        if name not in self.thresholds:
            return values
        old = self.sent.get(name, [Fixed(0, v.frac) for v in values])
        pairs = zip(values, old, strict=True)
        self.sent[name] = [v if abs(v.raw - o.raw) > self.thresholds[name] else o for v, o in pairs]
        return self.sent[name]

    def run(self, sequence: list[list[Vector]]) -> list[Vector]:
        units = len(next(v for k, v in self.own.items() if k.startswith("b_")))
        h, c = self.first("h", units), self.first("c", units) if "c" in self.own else []
        results = []
        for x in sequence:
            h, c = self.step(x, h, c)
            results.append(h)
        return results

    def first(self, name: str, units: int) -> Vector:
        """h or c before the first step; of a second direction the upper half."""
        words = self.own.get(f"first.{name}", [0] * 2 * units)
        words = words[units:] if self.direction else words[:units]
        return [Fixed(word, self.own[name][1]) for word in words]

    def narrow(self, to: str, values: Vector) -> Vector:
        return [self.model.narrow(v, self.own[to]) for v in values]

    def sums(self, gate: str, x: list[Vector], h: Vector, c: Vector) -> Vector:
        totals = [Fixed(b, self.fracs[gate]) for b in self.weights[f"b_{gate}"]]
        reads = [(f"W_{gate}x{k or ''}", f"x{k or ''}", operand) for k, operand in enumerate(x)]
        own = "rh" if (gate, self.own.get("reset")) == ("n", "before") else "h"
        for name, sent, operand in (*reads, (f"U_{gate}h", own, h), (f"W_{gate}c", "c", c)):
            if name in self.weights:
                totals = multiplied(self.weights[name], self.send(sent, operand), totals)
        for u, weight in enumerate(self.weights.get(f"w_{gate}c", [])):
            totals[u] += Fixed(weight, totals[u].frac - c[u].frac) * c[u]
        return totals

    def step(self, x: list[Vector], h: Vector, c: Vector) -> tuple[Vector, Vector]:
        """h and c after a step."""
        model, own, narrow = self.model, self.own, self.narrow

        def pre(gate: str, h: Vector = h, c: Vector = c) -> Vector:
            return narrow("pre", self.sums(gate, x, h, c))

        def G(gate: str, c: Vector = c) -> Vector:
            return [model.gate(own["sigmoid"], p, own["gate"]) for p in pre(gate, c=c)]

        def tanh(values: Vector) -> Vector:
            return [model.tanh(v) for v in values]

        name = own.get("activation", "tanh")

        def A(sums: Vector) -> Vector:
            if name == "tanh":
                return tanh(narrow("pre", sums))
            return [model.rectified(name, v) for v in narrow("hidden", sums)]

        if own["cell"] == "dense":
            return self.dense(self.sums("y", x, h, c), own["activation"]), c
        if own["cell"] == "rnn" and name == "relu":
            return [model.rectified(name, v) for v in narrow("h", self.sums("h", x, h, c))], c
        if own["cell"] == "rnn":
            return narrow("h", A(self.sums("h", x, h, c))), c
        if own["cell"] == "lstm":
            i, g = G("i"), A(self.sums("g", x, h, c))
            coupled = own.get("forget", "gate") == "coupled"
            f = [Fixed(2**v.frac - v.raw, v.frac) for v in i] if coupled else G("f")
            new = narrow("c", plus(times(f, c), times(i, g)))
            o = G("o", c=new if own["peephole"] == "current" else c)
            seen = tanh(new) if name == "tanh" else [model.rectified(name, v) for v in new]
            return narrow("h", times(o, seen)), new
        if own["cell"] == "litelstm":
            f, g = G("f"), tanh(pre("g"))
            new = narrow("c", times(f, plus(c, g)))
            return narrow("h", times(f, tanh(new))), new
        r, z = G("r"), G("z")
        if own["reset"] == "before":
            n = A(self.sums("n", x, narrow("h", times(r, h)), c))
        else:
            m = narrow("hidden", self.sums("m", x, h, c))
            n = A(plus(self.sums("n", x, h, c), times(r, m)))
        rest = [Fixed(2**v.frac - v.raw, v.frac) for v in z]
        return narrow("h", plus(times(rest, h), times(z, n))), c

    def dense(self, y: Vector, activation: str) -> Vector:
        """The narrowed activation of a dense layer's sums."""
        model, own, narrow = self.model, self.own, self.narrow
        if activation == "tanh":
            return narrow("h", [model.tanh(p) for p in narrow("pre", y)])
        if activation in ("elu", "selu"):
            return narrow("h", [model.rectified(activation, v) for v in narrow("hidden", y)])
        if activation == "sigmoid":
            gates = [model.gate(own["sigmoid"], p, own["gate"]) for p in narrow("pre", y)]
            return narrow("h", gates)
        if activation == "leaky":
            down = int(own["slope"].removeprefix("1/")).bit_length() - 1
            y = [Fixed(v.raw, v.frac + down) if v.raw < 0 else v for v in y]
        h = narrow("h", y)
        if activation in ("relu", "relu6"):
            h = [Fixed(max(0, v.raw), v.frac) for v in h]
        if activation == "relu6":
            six = model.narrow(Fixed(6, 0), own["h"])
            h = [Fixed(min(six.raw, v.raw), v.frac) for v in h]
        return h
