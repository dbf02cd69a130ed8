"""Facts of ONNX models that are read from operators alone: states, lengths, rounding."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litelstm.importers.onnx_axes import HALF_TYPES
from litelstm.importers.onnx_ops import ROUNDING

SAME = ("Cast", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that do not change numbers."""

RECURRENT = ("RNN", "GRU", "LSTM", "DynamicQuantizeLSTM")
"""Recurrent operators."""


def everywhere(nodes: Any) -> Iterator[Any]:
    """Yield operators, those inside control flow too."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from everywhere(graph.node)


def read_by(nodes: Any) -> Iterator[str]:
    """Yield what operators read, those inside control flow too."""
    for node in everywhere(nodes):
        yield from node.input
        for attribute in node.attribute:
            yield from (value.name for value in attribute.g.output)


def label(proto: Any) -> str:
    """Return an operator's name, or that of its first output if it has none."""
    return proto.name or next(iter(proto.output), "")


def why_integers(nodes: Sequence[Any], name: str, kind: Any) -> str:
    """Write why an input of integers is refused."""
    for node in nodes:
        if node.op_type in RECURRENT and name in node.input[4:5]:
            return (
                f"gives the lengths of {node.op_type} {label(node)!r}; export without it: a core's "
                "sequences end where the last step is marked"
            )
    return f"is {np.dtype(kind)}, expected floats"


def selects(nodes: Sequence[Any], constants: Collection[str], name: str) -> bool:
    """Whether an input is an index that a constant table is looked up by."""
    constant, same = {*constants}, {name}
    for node in nodes:
        if all(name in constant for name in node.input if name):
            constant.update(node.output)
        elif node.op_type == "Gather" and node.input[0] in constant and node.input[1] in same:
            return True
        elif (node.op_type in SAME and node.input[0] in same) or (
            node.op_type == "Where" and node.input[2] in same
        ):
            same.add(node.output[0])
    return False


def find_states(
    nodes: Sequence[Any], shapes: Mapping[str, Sequence[int]], names: Sequence[str]
) -> list[str]:
    """Find the inputs that recurrent operators start at; else all but the first one.

    Args:
        nodes: the graph's operators.
        shapes: shapes by name.
        names: the graph's inputs.
    """
    inner = list(everywhere(nodes))
    makers = {name: node for node in inner for name in node.output}
    wanted = [name for node in inner if node.op_type in RECURRENT for name in node.input[5:7]]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        node = makers.get(name)
        if node is not None and node.op_type not in ("Shape", "ConstantOfShape"):
            wanted += read_by([node])
    found = [name for name in names if name in seen]
    if found or len(names) < 2:
        return found
    return [name for name in names[1:] if len(shapes[name]) > 1]


def lengths(nodes: Sequence[Any], constants: Mapping[str, NDArray[Any]]) -> list[int] | None:
    """Return constant lengths of a batch's sequences, if there are any."""
    for node in nodes:
        if node.op_type in RECURRENT and len(node.input) > 4 and node.input[4]:
            array = constants.get(node.input[4])
            return None if array is None else [int(n) for n in array.ravel()]
    return None


def rounds(nodes: Sequence[Any], kind: Any) -> bool:
    """Whether the input, of element type ``kind``, or any other value is a 16-bit float."""
    casts = (a.i for n in nodes if n.op_type == "Cast" for a in n.attribute)
    return np.dtype(kind).itemsize == 2 or any(to in HALF_TYPES for to in casts)


def quantizes(nodes: Sequence[Any], constants: Collection[str]) -> bool:
    """Whether values that depend on the input are rounded to integers."""
    constant = {*constants}
    for node in nodes:
        if all(name in constant for name in node.input if name):
            constant.update(node.output)
        elif node.op_type in ROUNDING:
            return True
    return False
