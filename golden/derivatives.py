"""Derivatives of a float network's results by every gate's sum, on samples.

A step of a cell is element-wise, but for its matrices. So its derivatives by sums and state come
from :meth:`golden.cells.Cell.step` itself, by differences over all steps at once; the matrices
carry them back, through time and through the graph. A new cell needs nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.cells import SIGMOIDS, Activations, Floats, Gate
from golden.directions import final, parts
from golden.layers import Layer
from golden.network import Network
from golden.windows import FINAL, at_end, padded

Single = NDArray[np.float32]
"""Derivatives; more digits would only cost time."""

_STEP = 1e-6
"""Half of the difference of arguments."""


class Unrolled:
    """A forward layer that ran on samples from its first state.

    Args:
        layer: a forward layer, see :func:`golden.directions.parts`.
        x: what it reads, (batch, steps, inputs), in the order in which it runs.

    Attributes:
        h: its vector of every step, (batch, steps, units).
    """

    def __init__(self, layer: Layer, x: Floats) -> None:
        trace = layer.run(x)
        self.layer, self._x, self.h = layer, x, trace["h"]
        self._sums = {gate.name: trace[f"pre_{gate.name}"] for gate in layer.cell.gates}
        self._before: dict[str, Floats] = {}
        for name, first in layer.start(len(x)).items():
            self._before[name] = np.concatenate([first[:, np.newaxis], trace[name][:, :-1]], axis=1)
        self._real = Activations(sigmoid=SIGMOIDS[layer.sigmoid])
        self._made: dict[tuple[str, str], Floats] = {}  # by gate and operand
        self._step(None, 0.0, self._made)
        # Derivatives of vectors and made operands, by the sum or state vector that moves.
        self._slopes = {("sum", name): self._slope(("sum", name)) for name in self._sums} | {
            ("state", name): self._slope(("state", name)) for name in self._before
        }

    def read(self, gate: Gate, operand: str) -> Floats:
        """Return what a gate's matrix or diagonal multiplies, (batch, steps, length)."""
        if operand in self.layer.operands:
            return self._x[:, :, self.layer.place(operand)]
        return self._made.get((gate.name, operand), self._before.get(operand, self.h))

    def backward(self, dh: Single) -> tuple[dict[str, Single], Single]:
        """Carry derivatives by h of every step back to the sums and to what the layer reads.

        Args:
            dh: shape (batch, steps, units).

        Returns:
            Derivatives by each gate's sums, (batch, steps, units), and by x, as ``x``.
        """
        cell = self.layer.cell
        sums = {name: np.zeros_like(dh) for name in self._sums}
        weights = {name: w.astype(np.float32) for name, w in self.layer.weights.items()}
        made = {gate for gate, _ in self._made}
        order = sorted(cell.gates, key=lambda gate: gate.name not in made)  # these run last
        later = {name: np.zeros_like(dh[:, 0]) for name in cell.state}
        # Without state all steps are one.
        for t in range(dh.shape[1])[::-1] if cell.state else (slice(None),):
            known: dict[str, Any] = {**later, "h": later.get("h", 0) + dh[:, t]}
            back = {name: np.zeros_like(values) for name, values in later.items()}
            for gate in order:
                d = self._carried(("sum", gate.name), t, known)
                sums[gate.name][:, t] = d
                for operand, to in self._multiplied(gate, d, weights):
                    if (gate.name, operand) in self._made:
                        name = f"made {operand}"
                        known[name] = known.get(name, 0) + to
                    else:
                        back[operand] += to
            later = {n: back[n] + self._carried(("state", n), t, known) for n in back}
        readers = [gate for gate in cell.gates if "x" in gate.reads]
        dx = [
            sum(sums[gate.name] @ weights[gate.matrix(name)] for gate in readers)
            for name in self.layer.operands
        ]
        return sums, np.concatenate(dx, axis=-1)

    def _carried(self, moved: tuple[str, str], t: Any, known: Mapping[str, Any]) -> Any:
        """Derivative by one sum or state vector of a step, from those by what the step makes."""
        slopes = self._slopes[moved].items()
        nothing = np.zeros_like(known["h"])
        return sum((known[n] * slope[:, t] for n, slope in slopes if n in known), nothing)

    def _multiplied(
        self, gate: Gate, d: Single, weights: Mapping[str, Single]
    ) -> list[tuple[str, Single]]:
        """Carry derivatives by a gate's sum through its matrices and diagonal, except on x."""
        own = [name for name in gate.reads if name != "x"]
        found = [(name, d @ weights[gate.matrix(name)]) for name in own]
        return found + ([("c", d * weights[gate.peephole])] if gate.diagonal else [])

    def _slope(self, moved: tuple[str, str]) -> dict[str, Single]:
        """Derivatives of a step's vectors and made operands by one argument; zero ones left out."""
        ends = []
        for by in (_STEP, -_STEP):
            made: dict[tuple[str, str], Floats] = {}
            vectors = self._step(moved, by, made)
            ends.append(vectors | {f"made {name}": values for (_, name), values in made.items()})
        up, down = ends
        slopes = {name: (up[name] - down[name]) / (2 * _STEP) for name in up}
        return {name: slope.astype(np.float32) for name, slope in slopes.items() if slope.any()}

    def _step(
        self, moved: tuple[str, str] | None, by: float, made: dict[tuple[str, str], Floats]
    ) -> dict[str, Floats]:
        """Compute all steps at once with one argument moved; ``made`` gets what gates are given."""

        def sums(name: str, **given: Floats) -> Floats:
            made.update({(name, operand): values for operand, values in given.items()})
            return self._sums[name] + by if moved == ("sum", name) else self._sums[name]

        state = {
            name: values + by if moved == ("state", name) else values
            for name, values in self._before.items()
        }
        return self.layer.cell.step(sums, state, self._real)


@dataclass(frozen=True)
class Derivative:
    """Derivatives by the sums of one direction of a layer.

    Attributes:
        layer: number of the layer.
        part: number of the direction.
        run: the direction with what its gates read.
        sums: derivatives by gate, each (batch, steps, units).
    """

    layer: int
    part: int
    run: Unrolled
    sums: dict[str, Single]


class Derivatives:
    """A float network on samples, through which derivatives are carried back.

    Args:
        network: the float network.
        samples: shape (batch, steps, inputs), before ``input_scale``.

    Attributes:
        output: the float network's output, (batch, outputs).
    """

    def __init__(self, network: Network, samples: Floats) -> None:
        self._network = network
        self._batch, self._steps = samples.shape[:2]
        # For each layer its directions on all steps, and a layer without state on its final input.
        self._runs: list[dict[str, list[Unrolled]]] = [{} for _ in network.layers]
        ends = np.full(self._batch, self._steps)
        _, finals = network.flow(
            samples * network.input_scale,
            run=self._unroll,
            final=lambda index, h: final(network.layers[index], h, np.full(len(h), h.shape[1])),
            end=lambda values, lag, first: at_end(values, ends, lag, first),
            axis=-1,
            time=1,
            every_step=False,
        )
        self.output = network.joined(finals, axis=-1)

    def _unroll(self, index: int, x: Floats) -> Floats:
        layer = self._network.layers[index]
        alone = x.ndim == 2  # final values
        words = x[:, np.newaxis] if alone else x
        runs = [
            Unrolled(part.layer, words[:, ::-1] if part.reverse else words) for part in parts(layer)
        ]
        self._runs[index]["final" if alone else "steps"] = runs
        h = [run.h[:, ::-1] if part.reverse else run.h for run, part in zip(runs, parts(layer))]
        joined = np.concatenate(h, axis=-1)
        return joined[:, 0] if alone else joined

    def backward(self, weights: Single) -> list[Derivative]:
        """Compute the derivatives of each sample's weighted sum of results.

        Args:
            weights: weights of the results, (batch, outputs).
        """
        network, found = self._network, []
        ends = [np.zeros((self._batch, size), np.float32) for size in network.sizes]
        steps = [np.zeros((self._batch, self._steps, size), np.float32) for size in network.sizes]
        borders = np.cumsum([network.sizes[vector] for vector in network.result_vectors])[:-1]
        for vector, given in zip(network.result_vectors, np.split(weights, borders, axis=1)):
            ends[vector] += given
        for index in range(len(network.layers))[::-1]:
            first = network.starts[index + 1]
            dh, end = steps[index + 1][:, first:], ends[index + 1]
            for name, runs in self._runs[index].items():
                if name == "final":
                    dx = self._through(index, runs, end[:, np.newaxis], None, found)
                    self._spread_end(index, dx[:, 0], steps, ends)
                else:
                    last = end if network.layers[index].cell.state else None
                    dx = self._through(index, runs, dh, last, found)
                    self._spread(index, padded(dx, first, time=1), steps, ends)
        return found

    def _through(
        self,
        index: int,
        runs: list[Unrolled],
        dh: Single,
        end: Single | None,
        found: list[Derivative],
    ) -> Single:
        """Go back through a layer's directions, with ``end`` for each one's last step."""
        reads = (*dh.shape[:2], self._network.layers[index].inputs)
        total = np.zeros(reads, np.float32)
        for number, (run, part) in enumerate(zip(runs, parts(self._network.layers[index]))):
            order = slice(None, None, -1 if part.reverse else 1)
            own = np.array(dh[:, order, part.columns])
            if end is not None:
                own[:, -1] += end[:, part.columns]
            sums, dx = run.backward(own)
            found.append(Derivative(index, number, run, sums))
            total += dx[:, order]
        return total

    def _spread(self, index: int, dx: Single, steps: list[Single], ends: list[Single]) -> None:
        """Add derivatives by what a layer reads in every step to those by its sources."""
        network, layer = self._network, self._network.layers[index]
        for name, source, lag in zip(layer.operands, network.sources[index], network.lags[index]):
            if lag == FINAL:
                ends[source] += dx[:, :, layer.place(name)].sum(axis=1)
                continue
            start = network.starts[source] if lag else 0
            until = max(start, self._steps - lag)
            steps[source][:, start:until] += dx[:, start + lag : until + lag, layer.place(name)]

    def _spread_end(self, index: int, dx: Single, steps: list[Single], ends: list[Single]) -> None:
        """Add derivatives by what a layer reads at the end to those by its sources."""
        network, layer = self._network, self._network.layers[index]
        for name, source, lag in zip(layer.operands, network.sources[index], network.lags[index]):
            given, step = dx[:, layer.place(name)], self._steps - 1 - lag
            if lag <= 0:
                ends[source] += given
            elif step >= network.starts[source]:
                steps[source][:, step] += given
