"""Parts of ONNX graphs, between two operators or tensors that the user names."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from golden import packages
from golden.errors import InputError
from litelstm.importers.onnx_model import everywhere, read_by


def cut(model: Any, start: str | None, until: str | None) -> tuple[Any, str]:
    """Take a part of a graph; the rest stays on a host.

    Inputs of the file that the part reads stay, and so do outputs that do not depend on its end:
    these are states.

    Args:
        model: the ``onnx.ModelProto``.
        start: the operator that the part begins with, or the tensor that it reads.
        until: the operator that it ends with, or the tensor that it gives.

    Returns:
        The model of that part, and a note that names the tensors at its borders.

    Raises:
        InputError: there is no such operator or tensor, or the end does not depend on the start.
    """
    onnx = packages.load("onnx", extra="import")
    model = _opened(onnx, model, [name for name in (start, until) if name])
    with contextlib.suppress(Exception):  # where shapes matter and are not known, that is said
        model = onnx.shape_inference.infer_shapes(model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    whole = [value.name for value in graph.output]
    outputs = _tensors(graph, until, "output") if until else whole
    borders = _tensors(graph, start, "input") if start else inputs
    borders = [name for name in borders if name in inputs or _depends(graph, name, inputs)]
    stops = {*borders, *constants}
    nodes, read = _between(graph, outputs, stops)
    if not read.intersection(borders):
        raise InputError(f"what --until {until} names does not depend on --from {start}")
    if any(name in read for name in inputs if name not in borders):
        states = [n for n in whole if n not in outputs and not _depends(graph, n, outputs)]
        outputs = [*outputs, *states]
        nodes, read = _between(graph, outputs, stops)
    used = [name for name in dict.fromkeys([*borders, *inputs]) if name in read]
    known = {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}
    free = onnx.helper.make_tensor_value_info
    values = [
        [known.get(name) or free(name, onnx.TensorProto.FLOAT, None) for name in names]
        for names in (used, outputs)
    ]
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    part = onnx.helper.make_graph(nodes, graph.name, *values, kept)
    made = onnx.helper.make_model(
        part, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    return made, f"only the part from {', '.join(used)} to {', '.join(outputs)} is taken"


def _opened(onnx: Any, model: Any, names: Sequence[str]) -> Any:
    """Put the branches of an If that hold the names in its place."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    graph = opened.graph
    while not all(_has(graph.node, name) for name in names):
        found = next(
            (
                (node, attribute.g)
                for node in graph.node
                for attribute in node.attribute
                if attribute.type == onnx.AttributeProto.GRAPH
                and any(_has([*everywhere(attribute.g.node)], name) for name in names)
            ),
            None,
        )
        if found is None:
            break  # a tensor of the graph's input, or no name of this file
        outer, branch = found
        pairs = zip(branch.output, outer.output, strict=True)
        same = [onnx.helper.make_node("Identity", [a.name], [b]) for a, b in pairs]
        nodes = []
        for node in graph.node:
            nodes += [*branch.node, *same] if node is outer else [node]
        graph.initializer.extend(branch.initializer)
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(nodes)
    return opened


def _has(nodes: Any, name: str) -> bool:
    """Whether one of the operators has this name, or gives this tensor."""
    return any(node.name == name or name in node.output for node in nodes)


def _tensors(graph: Any, name: str, side: str) -> list[str]:
    """Return the tensors at an operator's side, or the tensor of that name."""
    for node in graph.node:
        if node.name == name:
            tensors = [tensor for tensor in getattr(node, side) if tensor]
            return tensors if side == "input" else tensors[:1]
    tensors = {*read_by(graph.node), *(value.name for value in graph.input)}
    tensors |= {tensor for node in graph.node for tensor in node.output}
    if name not in tensors:
        raise InputError(f"has no operator or tensor {name!r}; --inspect lists them")
    return [name]


def _depends(graph: Any, name: str, others: Sequence[str]) -> bool:
    """Whether a tensor depends on one of the others."""
    _, read = _between(graph, [name], set())
    return any(other in read for other in others)


def _between(graph: Any, outputs: Sequence[str], stops: set[str]) -> tuple[list[Any], set[str]]:
    """List the operators that outputs depend on, behind ``stops``, and the tensors they read."""
    wanted, read, kept = {*outputs}, {*outputs}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            kept.append(node)
            own = {*read_by([node])}
            read |= own
            wanted |= own - stops
    return kept[::-1], read
