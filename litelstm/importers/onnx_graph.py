"""An ONNX graph, evaluated operator by operator on tensors of forms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import packages
from golden.errors import InputError
from litelstm.importers.axes import (
    BINS,
    DIRECTIONS,
    INDICES,
    LAYOUTS,
    STATE_LAYOUTS,
    bins_of,
)
from litelstm.importers.forms import Atom, made_by
from litelstm.importers.indices import indices
from litelstm.importers.onnx_model import find_states, label, read_by, selects, why_integers
from litelstm.importers.onnx_node import Node, Value
from litelstm.importers.onnx_ops import OPERATORS
from litelstm.importers.operations import refusal, sequence
from litelstm.importers.recurrent import PlacedError
from litelstm.importers.tensors import AxesError, Data
from litelstm.importers.windows import ShortError

DOMAINS = {
    "": None,
    "ai.onnx": None,
    "com.microsoft": ("DynamicQuantizeLSTM",),
    "qonnx.custom_op.general": ("Quant",),
    "onnx.brevitas": ("Quant",),
}
"""Sets of operators, and which of each are known; ``None`` for all of ``OPERATORS``."""

PROBE_BATCH = 2
"""Batch size for following a graph of free batch size, without states."""


class Graph:
    """The graph of a model, with checked inputs and outputs.

    Attributes:
        input: name of the input of samples.
        states: names of the inputs of states.
        outputs: names of the outputs.
        sizes: sizes of the input's axes, 0 for free ones.
        dtype: element type of the input.
        indexed: whether the input is an index.
        free: whether the graph is that of a program which takes sequences of any length.

    Raises:
        InputError: the inputs are no samples and states of floats.
    """

    def __init__(self, model: Any, *, free: bool = False) -> None:
        self.free = free
        self._onnx = packages.load("onnx", extra="import")
        self._opsets = list(model.opset_import)
        self._opset = max([1, *(o.version for o in self._opsets if o.domain in ("", "ai.onnx"))])
        self._ir_version = model.ir_version
        graph = model.graph
        self.nodes = list(graph.node)
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: self._onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        if graph.sparse_initializer:
            raise InputError("has sparse weights, expected dense ones")
        inputs = [value for value in graph.input if value.name not in self.constants]
        if not inputs or not graph.output:
            raise InputError("has no input or no output")
        self.outputs = [value.name for value in graph.output]
        self.shapes = {
            value.name: [max(0, dim.dim_value) for dim in value.type.tensor_type.shape.dim]
            for value in (*inputs, *graph.output)
        }
        self.states = find_states(self.nodes, self.shapes, [value.name for value in inputs])
        samples = [value for value in inputs if value.name not in self.states]
        for value in samples:
            kind = self._onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type or 1)
            found = selects(self.nodes, self.constants, value.name)
            if np.dtype(kind).kind != "f" and not found:
                raise InputError(f"input {value.name} {why_integers(self.nodes, value.name, kind)}")
        if len(samples) != 1:
            names = ", ".join(value.name for value in samples)
            raise InputError(f"has {len(samples)} inputs of samples ({names}), expected one")
        self.input = samples[0].name
        self.indexed = selects(self.nodes, self.constants, self.input)
        self.sizes = self.shapes[self.input]
        kind = samples[0].type.tensor_type.elem_type or 1
        self.dtype = self._onnx.helper.tensor_dtype_to_np_dtype(kind)
        wanted = {*read_by(self.nodes), *self.outputs}
        for name, array in self.constants.items():
            if name not in wanted and array.dtype.kind == "f" and array.size > 1:
                raise InputError(f"weight {name} is not used by any output")

    def needed(self, outputs: Sequence[str]) -> list[Any]:
        """List the operators that outputs depend on, in the order of the graph."""
        wanted, kept = {*outputs}, []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(read_by([node]))
                kept.append(node)
        return kept[::-1]

    def counts(self, axes: tuple[str, ...], steps: int) -> tuple[int, int]:
        """Return samples and steps of an input with these axes."""
        free = 1 if self.states else PROBE_BATCH  # states often have one sample's size
        return self.sizes[axes.index("batch")] or free if "batch" in axes else 1, steps

    def layouts(self) -> Iterator[tuple[str, ...]]:
        """Yield the possible axes of the input.

        Raises:
            InputError: it has too few or too many.
        """
        rank = len(self.sizes)
        if self.indexed and rank < 3:
            yield from INDICES[rank]
            return
        if rank not in LAYOUTS:
            raise InputError(
                f"input {self.input} has {rank} axes, expected 3 (batch, steps, features), or 4 of "
                "a spectrogram"
            )
        for axes in LAYOUTS[rank]:
            sizes = zip(axes, self.sizes, strict=True)
            yield tuple(f"{BINS}{size}" if axis == BINS else axis for axis, size in sizes)

    def state_layouts(self) -> Iterator[dict[str, tuple[str, ...]]]:
        """Yield the possible axes of the states."""
        choices = {name: STATE_LAYOUTS.get(len(self.shapes[name]), ()) for name in self.states}
        for name, own in choices.items():
            if not own:
                raise InputError(f"state {name} has {len(self.shapes[name])} axes, expected 2 to 4")
        for way in range(max((len(own) for own in choices.values()), default=1)):
            yield {name: own[min(way, len(own) - 1)] for name, own in choices.items()}

    def _state(self, name: str, axes: tuple[str, ...], batch: int) -> Data:
        sizes = dict(zip(axes, self.shapes[name], strict=True))
        if sizes.get("batch") not in (0, batch) or sizes.get("directions", 2) != DIRECTIONS:
            raise AxesError(f"state {name} has axes {self.shapes[name]}")
        if not sizes["features"]:
            raise InputError(f"state {name} has no fixed number of features on its last axis")
        size = sizes["features"] * sizes.get("directions", 1)
        with made_by(f"input {name!r}"):
            forms = tuple(Atom("start", size, -1).form for _ in range(sizes.get("steps") or 1))
        return Data(axes, forms, batch)

    def follow(
        self,
        outputs: Sequence[str],
        axes: tuple[str, ...],
        steps: int,
        states: Mapping[str, tuple[str, ...]],
    ) -> list[Data]:
        """Evaluate the graph for an input with these axes and ``steps``; return outputs.

        Raises:
            InputError: an operator cannot be mapped; the message names it.
        """
        values = self.start(axes, steps, states)
        self._evaluate(self.needed(outputs), values)
        found = []
        for name in outputs:
            value = values.get(name)
            if not isinstance(value, Data):
                raise InputError(f"output {name} does not depend on the input")
            found.append(value)
        return found

    def _evaluate(self, nodes: Sequence[Any], values: dict[str, Value]) -> None:
        """Evaluate operators in their order, and add what they give to ``values``."""
        for done, proto in enumerate(nodes):
            place = f"{proto.op_type} {label(proto)!r}"
            try:
                with made_by(place):
                    results = self.apply(proto, values)
            except PlacedError:
                raise
            except AxesError as error:
                raise AxesError(f"{place} {error}", done) from None
            except ShortError as error:
                raise ShortError(f"{place} {error}", error.steps) from None
            except InputError as error:
                raise InputError(f"{place} {error}") from None
            values |= dict(zip(proto.output, results, strict=False))

    def _branch(self, proto: Any, values: dict[str, Value]) -> tuple[Value, ...]:
        """Evaluate the branch of an If that a constant chooses."""
        condition = values.get(proto.input[0])
        if proto.op_type != "If" or not isinstance(condition, np.ndarray):
            raise refusal(proto.op_type)
        name = "then_branch" if condition.all() else "else_branch"
        graph = next(attribute.g for attribute in proto.attribute if attribute.name == name)
        constants = {
            tensor.name: self._onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        inner = {**values, **constants}
        self._evaluate(graph.node, inner)
        return tuple(inner[value.name] for value in graph.output)

    def start(
        self, axes: tuple[str, ...], steps: int, states: Mapping[str, tuple[str, ...]]
    ) -> dict[str, Value]:
        """Return what is known before the first operator, by name."""
        batch, _ = self.counts(axes, steps)
        values: dict[str, Value] = {**self.constants}
        if "features" not in axes:
            values[self.input] = indices(steps, axes, batch)
            return values | {name: self._state(name, own, batch) for name, own in states.items()}
        features = self.sizes[axes.index("features")]
        if not features:
            place = "last" if axes[-1] == "features" else "second"
            raise AxesError(
                f"input {self.input} has no fixed number of features on its {place} axis"
            )
        bins = math.prod(map(bins_of, axes))
        if len(axes) > 3 and (features != 1 or not bins):
            raise AxesError(
                f"input {self.input} has axes {self.sizes}, expected those of a spectrogram: one "
                "feature, and a fixed number of bins"
            )
        values[self.input] = sequence(features * bins, steps, axes, batch)
        return values | {name: self._state(name, own, batch) for name, own in states.items()}

    def apply(self, proto: Any, values: dict[str, Value]) -> tuple[Value, ...]:
        """Evaluate an operator.

        Raises:
            InputError: it cannot be mapped.
        """
        if any(a.type in (a.GRAPH, a.GRAPHS) for a in proto.attribute):
            return self._branch(proto, values)
        if proto.domain not in DOMAINS:
            raise InputError(f"is of the domain {proto.domain}, which is not known")
        missing = [name for name in proto.input if name and name not in values]
        if missing:
            raise InputError(f"reads output {missing[0]}, which its operator does not give")
        inputs = tuple(values[name] if name else None for name in proto.input)
        known = DOMAINS[proto.domain]
        if known is None and not any(isinstance(value, Data) for value in inputs):
            return self._fold(proto, inputs)
        if proto.op_type not in (OPERATORS if known is None else known):
            raise refusal(proto.op_type)
        node = Node(
            op=proto.op_type,
            name=label(proto),
            attributes={a.name: _plain(self._onnx, a) for a in proto.attribute},
            inputs=inputs,
            outputs=tuple(proto.output),
            names=tuple(proto.input),
            opset=self._opset,
        )
        try:
            return OPERATORS[proto.op_type](node)
        except InputError:
            raise
        except (ValueError, IndexError, TypeError) as error:  # from an invalid attribute
            raise InputError(f"cannot be read: {error}") from None

    def _fold(self, proto: Any, inputs: tuple[Value | None, ...]) -> tuple[Value, ...]:
        """Evaluate an operator on constants with ONNX's reference evaluator."""
        helper = self._onnx.helper
        undefined = self._onnx.TypeProto()
        values = [name for name in dict.fromkeys(proto.input) if name]
        graph = helper.make_graph(
            [proto],
            "constants",
            [helper.make_value_info(name, undefined) for name in values],
            [helper.make_value_info(name, undefined) for name in proto.output if name],
        )
        opsets = self._opsets
        if proto.op_type == "DequantizeLinear":  # the evaluator has no older one
            opsets = [helper.make_opsetid("", max(19, self._opset))]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=self._ir_version)
        feeds = {name: value for name, value in zip(proto.input, inputs, strict=True) if name}
        try:
            evaluator = packages.load("onnx.reference", extra="import").ReferenceEvaluator(model)
            return tuple(np.asarray(value) for value in evaluator.run(None, feeds))
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(f"cannot be computed from constants: {reason}") from None


def _plain(onnx: Any, attribute: Any) -> Any:
    """Return an attribute's value, with text decoded."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], bytes):
        return [item.decode("utf-8", "replace") for item in value]
    return value
