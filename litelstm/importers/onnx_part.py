"""Parts of ONNX graphs, between two operators or tensors that the user names."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from golden import packages
from golden.errors import InputError


def cut(model: Any, start: str | None, until: str | None) -> tuple[Any, str]:
    """Take a part of a graph; the rest stays on a host.

    Args:
        model: the ``onnx.ModelProto``.
        start: the operator that the part begins with, or the tensor that it reads.
        until: the operator that it ends with, or the tensor that it gives.

    Returns:
        The model of that part, and a note that names the tensors at its borders.

    Raises:
        InputError: there is no such operator or tensor; or the part needs more than one tensor that
            depends on the file's inputs, states of recurrent operators excepted.
    """
    onnx = packages.load("onnx", extra="import")
    with contextlib.suppress(Exception):  # where shapes matter and are not known, that is said
        model = onnx.shape_inference.infer_shapes(model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    known = {v.name: v for v in (*graph.value_info, *graph.input, *graph.output)}
    outputs = _tensors(graph, until, "output") if until else [v.name for v in graph.output]
    inputs = [v.name for v in graph.input if v.name not in constants]
    borders = _tensors(graph, start, "input") if start else inputs
    borders = [name for name in borders if _varies(graph, name, inputs)]
    nodes, read = _between(graph, outputs, {*borders, *constants})
    loose = [name for name in inputs if name in read and name not in borders]
    for name in (*borders, *outputs):
        if name not in known:
            known[name] = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    used = [name for name in (*borders, *loose) if name in read]
    if not used or (start and not read.intersection(borders)):
        raise InputError(f"what --until {until} names does not depend on --from {start}")
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    part = onnx.helper.make_graph(
        nodes, graph.name, [known[n] for n in used], [known[n] for n in outputs], kept
    )
    made = onnx.helper.make_model(
        part, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    told = f"only the part from {', '.join(used)} to {', '.join(outputs)} is taken"
    return made, told


def _tensors(graph: Any, name: str, side: str) -> Sequence[str]:
    """Return the tensors at an operator's side, or the tensor of that name."""
    for node in graph.node:
        if node.name == name:
            return [tensor for tensor in getattr(node, side) if tensor][
                : None if side == "input" else 1
            ]
    tensors = {tensor for node in graph.node for tensor in (*node.input, *node.output)}
    tensors |= {value.name for value in graph.input}
    if name not in tensors:
        raise InputError(f"has no operator or tensor {name!r}; --inspect lists them")
    return [name]


def _varies(graph: Any, name: str, inputs: Sequence[str]) -> bool:
    """Whether a tensor depends on the file's inputs."""
    _, read = _between(graph, [name], set())
    return name in inputs or any(value in read for value in inputs)


def _between(graph: Any, outputs: Sequence[str], stops: set[str]) -> tuple[list[Any], set[str]]:
    """List the operators that outputs depend on, behind ``stops``, and the tensors they read."""
    wanted, read, kept = {*outputs}, {*outputs}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            kept.append(node)
            read.update(node.input)
            wanted.update(name for name in node.input if name not in stops)
    return kept[::-1], read
