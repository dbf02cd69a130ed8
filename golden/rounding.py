"""Rounding of a network's weights for the least error of its results.

Rounding each weight to the nearest number makes the least error in the weights, not in the results.
For one unit the squared error of the results is quadratic in the errors of its weights, with the
second moments of the results' derivatives by these weights (the Gauss-Newton matrix). Weights are
rounded for the least such error (:mod:`golden.compensation`), and the bias is one of the columns.
At the end all biases change together, for the least error that the integer network really makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from golden.cells import Floats, Gate
from golden.compensation import Moments
from golden.derivatives import Derivatives, Single
from golden.directions import Part, parts
from golden.layer_formats import LayerFormats, weight_format
from golden.model import IntegerModel
from golden.network import Layer, Network
from golden.quantized import Integers, QuantizedNetwork

COMPENSATED = 7
"""Widest weights that are rounded so; from 8 bits on, the nearest numbers are as good."""

MOST_SAMPLES = 512

_LONGEST = 128
"""Most steps of a sequence, beyond those without result; longer ones are cut."""

_MOST_VALUES = 1 << 23
"""Most values of all layers' vectors on the samples."""

_PROBES = 8
"""Most weighted sums of results whose derivatives are taken."""

_MOST_COLUMNS = 4096
"""Most weights of a row that is compensated; longer ones are rounded to the nearest numbers."""

_MOST_MOMENTS = 1 << 24
"""Most second moments of a gate; units share them where there would be more."""

_CAUTION = 0.5
"""Share of its own second moment by which each bias's change is held back."""

_TRIALS = 3
"""Changes of biases that are tried; each keeps what lessens the error."""


class Rounding:
    """Rounds a network's weights to any formats.

    Args:
        network: the float network.
        samples: samples, (batch, steps, inputs), before ``input_scale``.
    """

    def __init__(self, network: Network, samples: Floats) -> None:
        self._network, self._samples = network, chosen(network, samples)
        through = Derivatives(network, self._samples)
        self._output = through.output
        self._probes = _probes(*through.output.shape)
        self._gates = [*_gates(network)]
        second: dict[tuple[int, int, str], Floats] = {}
        self._by_bias: list[Single] = []  # for each probe (batch, biases)
        for probe in self._probes:
            rows, biases = self._derived(through, probe)
            for key, values in rows.items():
                found = np.matmul(values.transpose(0, 2, 1), values).astype(np.float64)
                second[key] = second.get(key, 0) + found
            self._by_bias.append(np.concatenate([biases[key] for key in self._gates], axis=1))
        self._moments = {key: Moments.of(values) for key, values in second.items()}
        self._rounded: dict[tuple[object, ...], Floats] = {}

    def _derived(
        self, through: Derivatives, probe: Single
    ) -> tuple[dict[tuple[int, int, str], Single], dict[tuple[int, int, str], Single]]:
        """Derivatives of one weighted sum of each sample's results.

        Returns:
            By gate, those by its weights, (groups, batch, columns) with the bias last, and by its
            biases, (batch, units).
        """
        rows: dict[tuple[int, int, str], Single] = {}
        biases: dict[tuple[int, int, str], Single] = {}
        for one in through.backward(probe):
            layer = one.run.layer
            for gate in layer.cell.gates:
                key, d = (one.layer, one.part, gate.name), one.sums[gate.name]
                biases[key] = biases.get(key, 0) + d.sum(axis=1)
                read = [one.run.read(gate, name).astype(np.float32) for name in layer.reads(gate)]
                read.append(np.ones((*d.shape[:2], 1), np.float32))
                z = np.concatenate(read, axis=2)
                if z.shape[2] > _MOST_COLUMNS:
                    continue
                shared = d @ _sharing(layer.units, z.shape[2])
                by_weights = np.matmul(shared.transpose(0, 2, 1), z).transpose(1, 0, 2)
                rows[key] = rows.get(key, 0) + by_weights
        return rows, biases

    def round(self, nearest: QuantizedNetwork) -> QuantizedNetwork:
        """Round the weights to a network's formats, instead of to the nearest numbers."""
        layers = []
        for index, layer in enumerate(nearest.layers):
            both = [
                self._part(index, number, part, layer.formats)
                for number, part in enumerate(parts(self._network.layers[index]))
            ]
            backward = both[1] if len(both) > 1 else None
            layers.append(replace(layer, weights=both[0], backward=backward))
        return replace(nearest, layers=tuple(layers))

    def _part(
        self, index: int, number: int, part: Part[Layer], formats: LayerFormats
    ) -> dict[str, Integers]:
        """Round one direction of a layer; diagonals to the nearest numbers."""
        layer, made = part.layer, {}
        for name, values in layer.weights.items():
            made[name] = weight_format(name, formats).quantize(values)
        for gate in layer.cell.gates:
            if (index, number, gate.name) not in self._moments:
                continue
            names = [gate.matrix(operand) for operand in layer.reads(gate)]
            fracs = [weight_format(name, formats).frac for name in names]
            key = index, number, gate.name, formats.weight_width, *fracs
            if key not in self._rounded:
                self._rounded[key] = self._row(key[:3], layer, gate, fracs, formats)
            row, end = self._rounded[key], 0
            for name in names:
                start, end = end, end + layer.weights[name].shape[1]
                made[name] = row[:, start:end].astype(np.int64)
            made[gate.bias] = weight_format(gate.bias, formats).quantize(row[:, -1])
        return made

    def _row(
        self,
        key: tuple[int, int, str],
        layer: Layer,
        gate: Gate,
        fracs: list[int],
        formats: LayerFormats,
    ) -> Floats:
        """Round a gate's weights: integers, and the real bias in the last column."""
        matrices = [layer.weights[gate.matrix(operand)] for operand in layer.reads(gate)]
        wanted = np.concatenate([*matrices, layer.weights[gate.bias][:, np.newaxis]], axis=1)
        steps = np.concatenate(
            [np.full(matrix.shape[1], 2.0**-frac) for matrix, frac in zip(matrices, fracs)]
        )
        limit = (1 << (formats.weight_width - 1)) - 1
        return self._moments[key].round(wanted, steps, limit)

    def best(self, candidates: list[QuantizedNetwork]) -> QuantizedNetwork:
        """Take the network with the least error on the samples, and fit its biases."""
        errors = [self._error(candidate) for candidate in candidates]
        least = min(range(len(errors)), key=lambda n: float(np.mean(errors[n] ** 2)))
        return self._fitted(candidates[least], errors[least])

    def _error(self, network: QuantizedNetwork) -> Floats:
        words = IntegerModel(network).forward(network.quantize_input(self._samples))
        return network.out.to_float(words) - self._output

    def _fitted(self, network: QuantizedNetwork, error: Floats) -> QuantizedNetwork:
        """Change all biases together for less error, by the derivatives of the float network."""
        slopes = np.concatenate(self._by_bias).astype(np.float64)
        second = slopes.T @ slopes
        mean = np.trace(second) / len(second)
        if mean == 0:
            return network
        damped = second + np.diag(_CAUTION * np.diagonal(second) + 1e-6 * mean)
        share = 1.0
        for _ in range(_TRIALS):
            seen = np.concatenate([(error * probe).sum(axis=1) for probe in self._probes])
            wanted = np.linalg.solve(damped, slopes.T @ seen).astype(np.float64)
            changed = self._changed(network, -share * wanted)
            after = self._error(changed)
            if np.mean(after**2) < np.mean(error**2):
                network, error = changed, after
            else:
                share /= 2
        return network

    def _changed(self, network: QuantizedNetwork, change: Floats) -> QuantizedNetwork:
        """Add real numbers to all biases, in the order of ``_gates``."""
        layers, end = [], 0
        for layer in network.layers:
            both = []
            for part in parts(layer):
                weights = dict(part.layer.weights)
                for gate in layer.cell.gates:
                    start, end = end, end + layer.units
                    to = weight_format(gate.bias, layer.formats)
                    moved = to.to_float(weights[gate.bias]) + change[start:end]
                    weights[gate.bias] = to.quantize(moved)
                both.append(weights)
            backward = both[1] if len(both) > 1 else None
            layers.append(replace(layer, weights=both[0], backward=backward))
        return replace(network, layers=tuple(layers))


def chosen(network: Network, samples: Floats) -> Floats:
    """Select the samples that rounding looks at: pieces of long sequences, spread over all."""
    count, steps, inputs = samples.shape
    longest = _LONGEST + network.first
    if steps > longest:
        whole = steps // longest
        samples = samples[:, : whole * longest].reshape(count * whole, longest, inputs)
        count, steps = len(samples), longest
    values = steps * sum(network.sizes)
    most = max(1, min(MOST_SAMPLES, count, _MOST_VALUES // values))
    return samples[np.linspace(0, count - 1, most).astype(int)]


def _gates(network: Network) -> Iterator[tuple[int, int, str]]:
    """Yield every gate of every direction: layer, direction, name."""
    for index, layer in enumerate(network.layers):
        for number in range(len(parts(layer))):
            for gate in layer.cell.gates:
                yield index, number, gate.name


def _probes(batch: int, outputs: int) -> list[Single]:
    """Make weights of results: each result alone or, of many, random signs, (batch, outputs)."""
    if outputs <= _PROBES:
        return [np.tile(row, (batch, 1)) for row in np.eye(outputs, dtype=np.float32)]
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, (_PROBES, batch, outputs)) * 2 - 1
    return [*signs.astype(np.float32)]


def _sharing(units: int, columns: int) -> Single:
    """Make the signs with which units share second moments, (units, groups); one each if few.

    The moments of a sum with random signs are, on average, the sum of the units' moments.
    """
    groups = max(1, min(units, _MOST_MOMENTS // columns**2))
    if groups == units:
        return np.eye(units, dtype=np.float32)
    signs = np.random.default_rng(0).integers(0, 2, units) * 2 - 1
    made = np.zeros((units, groups), dtype=np.float32)
    made[np.arange(units), np.arange(units) * groups // units] = signs
    return made
