"""An ONNX graph with one input and one output, evaluated operator by operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import packages
from golden.errors import InputError
from litelstm.importers.forms import Atom
from litelstm.importers.onnx_node import Node, Value
from litelstm.importers.onnx_ops import HALF_TYPES, OPERATORS
from litelstm.importers.tensors import AxesError, Data

DOMAINS = ("", "ai.onnx")
"""Names of ONNX's own set of operators."""

PROBE_BATCH = 2
"""Batch size for following a graph of free batch size."""


class Graph:
    """The graph of a model, with checked input and output.

    Attributes:
        input, output: their names.
        sizes: sizes of the input's axes, 0 for free ones.
        dtype: element type of the input.

    Raises:
        InputError: the graph does not have one input and one output, or the input is no tensor of
            floats.
    """

    def __init__(self, model: Any) -> None:
        self._onnx = packages.load("onnx", extra="import")
        self._opsets = list(model.opset_import)
        self._ir_version = model.ir_version
        graph = model.graph
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: self._onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        if graph.sparse_initializer:
            raise InputError("has sparse weights, expected dense ones")
        inputs = [value for value in graph.input if value.name not in self.constants]
        for values, what in ((inputs, "inputs"), (graph.output, "outputs")):
            if len(values) != 1:
                names = ", ".join(value.name for value in values)
                raise InputError(f"has {len(values)} {what} ({names}), expected one")
        self.input, self.output = inputs[0].name, graph.output[0].name
        tensor = inputs[0].type.tensor_type
        self.sizes = [max(0, dim.dim_value) for dim in tensor.shape.dim]
        self.dtype = self._onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type or 1)
        if np.dtype(self.dtype).kind != "f":
            raise InputError(f"input {self.input} is {np.dtype(self.dtype)}, expected floats")
        if not self.sizes or not self.sizes[-1]:
            raise InputError(f"input {self.input} has no fixed number of features on its last axis")
        self._nodes = self._needed(list(graph.node))

    def _needed(self, nodes: list[Any]) -> list[Any]:
        """List the operators that the output depends on; refuse weights that only others use."""
        wanted, kept = {self.output}, []
        for node in reversed(nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                kept.append(node)
                if any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute):
                    raise InputError(
                        f"{node.op_type} {_label(node)!r} is control flow; export with a fixed "
                        "number of steps, unrolled"
                    )
        for name, array in self.constants.items():
            if name not in wanted and array.dtype.kind == "f" and array.size > 1:
                raise InputError(f"weight {name} is not used by the output {self.output}")
        return kept[::-1]

    @property
    def rounds(self) -> bool:
        """Whether any of the network's values have a 16-bit float type."""
        casts = (a.i for n in self._nodes if n.op_type == "Cast" for a in n.attribute)
        return np.dtype(self.dtype).itemsize == 2 or any(to in HALF_TYPES for to in casts)

    def counts(self, axes: tuple[str, ...], steps: int) -> tuple[int, int]:
        """Return samples and steps of an input with these axes."""
        batch = self.sizes[axes.index("batch")] or PROBE_BATCH if "batch" in axes else 1
        return batch, steps

    def follow(self, axes: tuple[str, ...], steps: int) -> Data:
        """Evaluate the graph for an input with these axes and ``steps``; return the output.

        Raises:
            InputError: an operator cannot be mapped; the message names it.
        """
        batch, _ = self.counts(axes, steps)
        forms = tuple(Atom("input", self.sizes[-1], time).form for time in range(steps))
        values: dict[str, Value] = {**self.constants, self.input: Data(axes, forms, batch)}
        for done, proto in enumerate(self._nodes):
            label = _label(proto)
            try:
                results = self._apply(proto, label, values)
            except AxesError as error:
                raise AxesError(f"{proto.op_type} {label!r} {error}", done) from None
            except InputError as error:
                raise InputError(f"{proto.op_type} {label!r} {error}") from None
            values |= dict(zip(proto.output, results, strict=False))
        output = values.get(self.output)
        if not isinstance(output, Data):
            raise InputError(f"output {self.output} does not depend on the input")
        return output

    def _apply(self, proto: Any, label: str, values: dict[str, Value]) -> tuple[Value, ...]:
        if proto.domain not in DOMAINS:
            raise InputError(f"is of the domain {proto.domain}, which is not known")
        missing = [name for name in proto.input if name and name not in values]
        if missing:
            raise InputError(f"reads output {missing[0]}, which its operator does not give")
        inputs = tuple(values[name] if name else None for name in proto.input)
        if not any(isinstance(value, Data) for value in inputs):
            return self._fold(proto, inputs)
        if proto.op_type not in OPERATORS:
            raise InputError("is an operator that is not known")
        node = Node(
            op=proto.op_type,
            name=label,
            attributes={a.name: _plain(self._onnx, a) for a in proto.attribute},
            inputs=inputs,
            outputs=tuple(proto.output),
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
        graph = helper.make_graph(
            [proto],
            "constants",
            [
                helper.make_value_info(name, undefined)
                for name in dict.fromkeys(proto.input)
                if name
            ],
            [helper.make_value_info(name, undefined) for name in proto.output if name],
        )
        model = helper.make_model(graph, opset_imports=self._opsets, ir_version=self._ir_version)
        feeds = {name: value for name, value in zip(proto.input, inputs, strict=True) if name}
        try:
            evaluator = packages.load("onnx.reference", extra="import").ReferenceEvaluator(model)
            return tuple(np.asarray(value) for value in evaluator.run(None, feeds))
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(f"cannot be computed from constants: {reason}") from None


def _label(proto: Any) -> str:
    """Return an operator's name, or that of its first output if it has none."""
    return proto.name or next(iter(proto.output), "")


def _plain(onnx: Any, attribute: Any) -> Any:
    """Return an attribute's value, with text decoded."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], bytes):
        return [item.decode("utf-8", "replace") for item in value]
    return value
