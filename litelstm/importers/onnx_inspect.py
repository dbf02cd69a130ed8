"""Listing of an ONNX file: every operator that depends on the input, and what stops the import."""

from __future__ import annotations

from collections.abc import Iterator

from golden.errors import InputError
from litelstm.importers.onnx_graph import Graph
from litelstm.importers.onnx_model import label
from litelstm.importers.tensors import Data


def listing(graph: Graph) -> Iterator[str]:
    """Yield a line per operator: its place, the tensor that it makes, or why it is refused.

    Of the possible axes of the input those are taken that go farthest.
    """
    yield f"input {graph.input} {graph.sizes}"
    for name in graph.states:
        yield f"state {name} {graph.shapes[name]}"
    tries = [
        list(_walk(graph, axes, states))
        for axes in graph.layouts()
        for states in graph.state_layouts()
    ]
    yield from max(tries, key=lambda lines: sum(": (" in line for line in lines), default=[])
    yield f"outputs {', '.join(graph.outputs)}"


REFUSED = ": refused: "
BEHIND = ": reads what is refused"


def _walk(graph: Graph, axes: tuple[str, ...], states: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Follow the graph past what is refused."""
    fixed = graph.sizes[axes.index("steps")]
    try:
        values = graph.start(axes, fixed or 5, states)
    except InputError as error:
        yield f"refused: {error}"
        return
    lost: set[str] = set()
    for proto in graph.needed(graph.outputs):
        place = f"{proto.op_type} {label(proto)!r}"
        if lost.intersection(proto.input):
            lost.update(proto.output)
            yield f"{place}{BEHIND}"
            continue
        try:
            results = graph.apply(proto, values)
        except InputError as error:
            lost.update(proto.output)
            yield f"{place}{REFUSED}{error}"
            continue
        values |= dict(zip(proto.output, results, strict=False))
        if isinstance(results[0], Data):
            yield f"{place}: {results[0].described()}"
