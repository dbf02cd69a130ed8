"""The float network: a graph of layers, and its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden import store
from golden.cells import CELLS, SIGMOIDS, Floats, cell_options
from golden.checks import check_numbers, check_shape
from golden.dataclass import dataclass
from golden.directions import BACKWARD, DIRECTIONS, FIRST, check_lengths, final, operand_names
from golden.errors import InputError
from golden.graph import MAX_LAYERS, Graph
from golden.layers import Layer, weight_shapes
from golden.windows import FINAL, MAX_LAG, at_end

KIND = "litelstm float network"
"""Value of the field ``kind`` in a float network's file."""

UNSAID = {"flush": 0, "fold": 1, "indexed": 0}
"""Values of fields that a file has only if they differ."""


@dataclass(frozen=True)
class FloatRun:
    """Results and traces of one run of the float reference.

    Attributes:
        output: the result, (batch, outputs), from the final values of the vectors.
        layers: one trace per layer, see :meth:`Layer.run`, from the first step that counts.
        steps: the result of every step from the first that counts, (batch, steps, outputs);
            undefined beyond a sequence's length.
        state: each layer's final state by name, each (batch, outputs of the layer).
        finals: the final value of every vector, (batch, length), the input's first.
    """

    output: Floats
    layers: tuple[dict[str, Floats], ...]
    steps: Floats
    state: tuple[dict[str, Floats], ...]
    finals: tuple[Floats, ...]


@dataclass(frozen=True, kw_only=True)
class Network(Graph[Layer]):
    """A trained float network.

    Args:
        layers: the layers, each after those that it reads (:mod:`golden.graph`).
        results: numbers of the vectors whose words form a result, in ascending order; ``None`` for
            the last vector.
        input_scale: factor from stored samples to the numbers that the network was trained on
            (1/255 for pixels 0 to 255).
        flush, fold: how samples become steps, see :meth:`Graph.feed`.
        indexed: 1 if x is an index (:mod:`golden.indices`), else 0.

    Raises:
        InputError: sizes do not fit each other, or ``input_scale`` is not a positive number.
    """

    layers: tuple[Layer, ...]
    results: tuple[int, ...] | None = None
    input_scale: float = 1.0
    flush: int = 0
    fold: int = 1
    indexed: int = 0

    def __post_init__(self) -> None:
        self._check()
        check_scale(self.input_scale)

    @property
    def parameters(self) -> int:
        """Number of trained parameters, biases included."""
        return sum(array.size for layer in self.layers for array in layer.arrays.values())

    def _scaled(self, words: ArrayLike, ends: NDArray[np.int64], steps: int) -> Floats:
        """Check and scale what each sequence has up to its end."""
        inside = np.arange(steps) < ends[:, np.newaxis]
        value = check_numbers("samples", words, used=inside[:, :, np.newaxis]) * self.input_scale
        if self.indexed:
            value[~inside] = 0
        return value

    @np.errstate(over="ignore", invalid="ignore")  # infinite results are refused below
    def run(
        self,
        samples: ArrayLike,
        *,
        state: Sequence[Mapping[str, ArrayLike]] | None = None,
        lengths: ArrayLike | None = None,
    ) -> FloatRun:
        """Compute the float reference of the network.

        Args:
            samples: shape (batch, steps, inputs), before scaling by ``input_scale``; what
                :meth:`feed` makes of samples.
            state: each layer's start values, see :meth:`Layer.run`; by default ``empty``.
            lengths: steps of each sequence; by default all steps.

        Raises:
            InputError: ``samples``, ``state`` or ``lengths`` are not real finite numbers or do not
                fit, or sums become too large for float64.
        """
        words = check_shape(samples, self.inputs)
        batch, steps, _ = words.shape
        ends = check_lengths(lengths, batch, steps)
        value = self._scaled(words, ends, steps)
        if state is not None and len(state) != len(self.layers):
            raise InputError(f"state is of {len(state)} layers, expected {len(self.layers)}")
        self.check_steps(int(ends.min()))
        counted = [ends - start for start in self.starts[1:]]
        traces: list[dict[str, Floats]] = []

        def run(index: int, x: Floats) -> Floats:
            layer, given = self.layers[index], state[index] if state else None
            if x.ndim == 2:  # final values
                return layer.run(x[np.newaxis])["h"][0]
            traces.append(layer.run(x, state=given, lengths=counted[index]))
            return traces[-1]["h"]

        vectors, finals = self.flow(
            value,
            run=run,
            final=lambda index, h: final(self.layers[index], h, counted[index]),
            end=lambda values, lag, first: at_end(values, ends, lag, first),
            axis=-1,
            time=1,
            every_step=True,
        )
        every = self.joined(vectors, axis=-1)[:, self.first :]
        if not np.isfinite(every).all():
            raise InputError("samples or weights are too large: sums are beyond float64")
        return FloatRun(
            output=self.joined(finals, axis=-1),
            layers=tuple(traces),
            steps=every,
            state=tuple(
                {name: final(layer, trace[name], steps) for name in layer.cell.state}
                for layer, trace, steps in zip(self.layers, traces, counted)
            ),
            finals=tuple(finals),
        )

    def forward(self, samples: ArrayLike) -> Floats:
        """Compute only the output, logits or the final h, of shape (batch, outputs).

        Raises:
            InputError: see :meth:`run`.
        """
        return self.run(samples).output

    def save(self, path: str | Path) -> None:
        """Write the network to an ``.npz`` file; weights as float32 where that is exact.

        Raises:
            InputError: the file cannot be written.
        """
        fields = graph_fields(self)
        for index, layer in enumerate(self.layers):
            prefix = f"layer{index}."
            fields.update((prefix + name, _compact(array)) for name, array in layer.arrays.items())
        store.write(path, KIND, fields)

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network that :meth:`save` wrote.

        Raises:
            InputError: the file is not a float network, or a field has an unexpected value.
        """
        reader = store.Reader(path, [KIND])
        with reader.placed():
            count = reader.integer("layers", 1, MAX_LAYERS)
            layers = tuple(_read_layer(reader, index) for index in range(count))
            results = read_vectors(reader, "results", 1, count)
            scale, feeding = reader.real("input_scale"), read_feeding(reader)
            reader.finish()
            return cls(layers=layers, results=results, input_scale=scale, **feeding)


def _read_layer(reader: store.Reader, index: int) -> Layer:
    with reader.placed(f"layer{index}: "):
        described = read_description(reader, index)
        prefix = f"layer{index}."
        return Layer(**described, **read_weights(described, prefix, reader.has, reader.reals))


def graph_fields(network: Graph[Any]) -> dict[str, Any]:
    """Make the file's fields for everything but the weights and the formats."""
    fields: dict[str, Any] = {"layers": len(network.layers), "input_scale": network.input_scale}
    if network.result_vectors != (len(network.layers),):
        fields["results"] = np.array(network.result_vectors)
    fields.update(
        (name, value)
        for name, unsaid in UNSAID.items()
        if (value := getattr(network, name)) != unsaid
    )
    for index, (layer, sources) in enumerate(zip(network.layers, network.sources)):
        own: dict[str, Any] = {"cell": layer.cell.kind, "sigmoid": layer.sigmoid}
        if layer.direction != "forward":
            own["direction"] = layer.direction
        if sources != (index,):
            own["sources"] = np.array(sources)
        if any(layer.lags or ()):
            own["lags"] = np.array(layer.lags)
        if layer.warmup:
            own["warmup"] = layer.warmup
        own.update(cell_options(layer.cell))
        fields.update((f"layer{index}.{name}", value) for name, value in own.items())
    return fields


def read_description(reader: store.Reader, index: int) -> dict[str, Any]:
    """Read everything of a layer but its weights and formats, as arguments of the layer."""
    prefix = f"layer{index}."
    kind = CELLS[reader.text(f"{prefix}cell", list(CELLS))]
    options = {
        name: reader.text(prefix + name, list(choices))
        for name, choices in kind.options.items()
        if name not in kind.later or reader.has(prefix + name)
    }
    direction = "forward"
    if reader.has(f"{prefix}direction"):
        direction = reader.text(f"{prefix}direction", DIRECTIONS)
    return {
        "cell": kind(**options),
        "sigmoid": reader.text(f"{prefix}sigmoid", list(SIGMOIDS)),
        "direction": direction,
        "sources": read_vectors(reader, f"{prefix}sources", 0, index),
        "lags": read_vectors(reader, f"{prefix}lags", FINAL, MAX_LAG),
        "warmup": reader.integer_or(f"{prefix}warmup", 0, MAX_LAG, default=0),
    }


def read_vectors(reader: store.Reader, field: str, low: int, high: int) -> tuple[int, ...] | None:
    """Read a list of numbers; ``None`` if the file has no such field."""
    if not reader.has(field):
        return None
    return tuple(reader.integers(field, (None,), low, high).tolist())


def read_feeding(reader: store.Reader) -> dict[str, int]:
    """Read how samples become vectors, as arguments of the network."""
    return {
        name: reader.integer_or(name, default, MAX_LAG, default=default)
        for name, default in UNSAID.items()
    }


def read_weights(
    described: Mapping[str, Any],
    prefix: str,
    has: Callable[[str], bool],
    read: Callable[[str, tuple[int | None, ...]], NDArray[Any]],
) -> dict[str, Any]:
    """Read a layer's weights of all directions and its first state, as arguments of the layer.

    Args:
        described: the layer, see :func:`read_description`.
        prefix: prefix of the layer's fields.
        has: tells whether the file has a field.
        read: reads a field with an array of a shape (``None``: any size from 1 up).
    """
    gate, sources = described["cell"].gates[0], described["sources"] or (0,)
    units = read(prefix + gate.bias, (None,)).shape[0]
    matrices = [gate.matrix(operand) for operand in operand_names(len(sources))]
    inputs = [read(prefix + name, (units, None)).shape[1] for name in matrices]
    shapes = weight_shapes(described["cell"], inputs, units)
    both = described["direction"] == "bidirectional"
    forward, *backward = (
        {name: read(prefix + second + name, shape) for name, shape in shapes.items()}
        for second in (("", BACKWARD) if both else ("",))
    )
    found = [name for name in described["cell"].state if has(prefix + FIRST + name)]
    outputs = (2 * units if both else units,)
    first = {name: read(prefix + FIRST + name, outputs) for name in found}
    return {
        "weights": forward,
        "backward": backward[0] if both else None,
        "first": first or None,
    }


def check_scale(scale: float) -> None:
    """Refuse an input scale that is not a positive finite number."""
    if not (isinstance(scale, Real) and np.isfinite(scale) and scale > 0):
        raise InputError(f"input_scale is {scale!r}, expected a positive number")


def _compact(array: Floats) -> NDArray[Any]:
    """Convert an array to float32 if that is exact."""
    narrow = array.astype(np.float32)
    return narrow if (narrow == array).all() else array
