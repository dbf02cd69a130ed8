"""Reader of ONNX files: follows the graph from its input to its outputs.

Recurrent operators become layers (:mod:`litelstm.importers.onnx_layers`), and so do loops that an
exporter unrolled (:mod:`litelstm.importers.unrolled`). Where the graph does not show all of that,
the file must have the network's results: :mod:`litelstm.importers.onnx_proof` runs it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

from golden import packages
from golden.cells import Pool
from golden.errors import InputError
from litelstm.importers.assemble import assemble
from litelstm.importers.axes import INDICES, LAYOUTS
from litelstm.importers.lengths import PROBES, Reading, of_one_length, probed
from litelstm.importers.onnx_graph import Graph
from litelstm.importers.onnx_inspect import listing
from litelstm.importers.onnx_model import RECURRENT, label, lengths, quantizes, rounds
from litelstm.importers.onnx_part import cut
from litelstm.importers.onnx_proof import NotRunError, Plan, prove, runtime
from litelstm.importers.proof import Imported, imported, steps_note
from litelstm.importers.reading import of_file
from litelstm.importers.recurrent import PlacedError
from litelstm.importers.tensors import AxesError, Data

NOT_COMPARED = "not compared with the file's own results: onnxruntime cannot run it"
"""Note on a file with a form of operator that onnxruntime does not have."""


@dataclass(frozen=True, kw_only=True)
class _Reading(Reading):
    """Result of following the graph: the network, and the meaning of axes."""

    axes: tuple[str, ...]
    outputs: tuple[tuple[str, Data], ...]


def load(path: str | Path, *, start: str | None = None, until: str | None = None) -> Imported:
    """Import an ``.onnx`` file.

    Args:
        path: the file.
        start, until: operators or tensors between which the graph is taken, see
            :func:`litelstm.importers.onnx_part.cut`.

    Raises:
        InputError: the file cannot be read or mapped; the message names file and operator.
    """
    with of_file(path):
        return convert(load_model(path), start=start, until=until)


def convert(model: Any, *, start: str | None = None, until: str | None = None) -> Imported:
    """Import an ``onnx.ModelProto``, or the part of it between two places.

    Raises:
        InputError: an operator cannot be mapped.
    """
    notes: list[str] = []
    if start or until:
        model, told = cut(model, start, until)
        notes.append(told)
    plan, more = follow(model)
    if plan.made.unrolled or runtime() is not None:
        try:
            prove(plan)
        except NotRunError:
            if plan.made.unrolled:
                raise
            more = (*more, NOT_COMPARED)
    names = [name for name, _ in plan.outputs]
    return imported(plan.made, names, (*notes, *more), check=lambda: prove(plan))


def inspect(
    path: str | Path, *, start: str | None = None, until: str | None = None
) -> Iterator[str]:
    """Yield a line per operator of a file, see :mod:`litelstm.importers.onnx_inspect`.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        model = load_model(path)
        if start or until:
            model, told = cut(model, start, until)
            yield told
        for node in model.graph.node:
            if node.op_type in RECURRENT:
                place = f"{node.op_type} {label(node)!r}"
                yield f"{place} reads {node.input[0]}, gives {node.output[0]}"
        yield from listing(Graph(model))
    except InputError as error:
        yield f"refused: {error}"


def follow(model: Any, *, free: bool = False) -> tuple[Plan, tuple[str, ...]]:
    """Follow a graph; return the network with how to run the file, and notes on it.

    ``free`` says that the graph is that of a program which takes sequences of any length.

    Raises:
        InputError: an operator cannot be mapped.
    """
    graph = Graph(model, free=free)
    reading, plan = _read_any_states(model, graph)
    return plan, tuple(_notes(graph, reading))


def _notes(graph: Graph, reading: _Reading) -> Iterator[str]:
    """Yield notes on assumptions, and on differences between network and file."""
    axes, made = reading.axes, reading.made
    if axes not in (*LAYOUTS[2], LAYOUTS[3][0], *INDICES[1], INDICES[2][0]):
        read = ", ".join(axes).replace("features", "inputs")
        yield f"the file reads ({read}), the network (batch, steps, inputs)"
    fixed = graph.sizes[axes.index("steps")] or (reading.steps if reading.steps == 1 else 0)
    if fixed and made.carried:
        yield f"the file reads {fixed} step{'s' * (fixed > 1)} per run, the network any number"
    elif fixed:
        yield steps_note(fixed, fixed=made.fixed)
    else:
        first = reading.steps
        second = PROBES[1] if first == PROBES[0] else "more"
        yield f"assumed for all lengths: {first} and {second} steps give the same network"
    ends = lengths(graph.nodes, graph.constants)
    if ends and set(ends) != {fixed}:
        told = ", ".join(map(str, ends[:4]))
        yield (
            f"the file's sequences end after {told} steps; those of a core end where the last step "
            "is marked"
        )
    if rounds(graph.nodes, graph.dtype):
        yield "the file rounds values to 16-bit floats, the network does not"
    if quantizes(graph.nodes, graph.constants):
        yield "the file rounds values to 8 bits, the network does not: quantize it"
    if made.unrolled:
        yield "unrolled loops became layers; the file's results are the network's"
    if made.carried:
        yield f"{', '.join(graph.states)} and the outputs of their shape are the network's state"


def load_model(path: str | Path) -> Any:
    onnx = packages.load("onnx", extra="import")
    try:
        model = onnx.load(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:
        if type(error).__name__ == "ValidationError":  # a file of external weights is missing
            raise InputError(f"cannot be read: {_line(error)}") from None
        raise InputError("is not a readable ONNX file (foreign, damaged or cut short)") from None
    try:
        onnx.checker.check_model(model)
        return onnx.inliner.inline_local_functions(model) if model.functions else model
    except Exception as error:
        raise InputError(f"is not a valid ONNX model: {_line(error)}") from None


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _read_any_states(model: Any, graph: Graph) -> tuple[_Reading, Plan]:
    """Read the network; where the file takes states, find the outputs that give them back."""
    if not graph.states:
        reading = _read_any_layout(graph, graph.outputs)
        return reading, _plan(model, graph, reading, {})
    refusals = []
    for pairs in _pairings(graph):
        left = [name for name in graph.outputs if name not in pairs.values()]
        try:
            reading = _read_any_layout(graph, left)
            plan = _plan(model, graph, reading, pairs)
            _check_runs(graph, plan)
            prove(plan)
            return reading, plan
        except InputError as error:
            refusals.append(error)
    if not refusals:
        raise InputError(
            f"takes {', '.join(graph.states)} beside the samples, but gives back no state of that "
            "shape; append values that are no state to the input of each step"
        )
    raise refusals[0]


def _check_runs(graph: Graph, plan: Plan) -> None:
    """Refuse a file with states of which the runs are not parts of one sequence.

    Raises:
        InputError: something begins anew in each run, or the network is for runs of one step alone.
    """
    layers = plan.made.network.layers
    anew = {
        "a pool over the steps": any(isinstance(layer.cell, Pool) for layer in layers),
        "a window over the steps": any(lag for layer in layers for lag in layer.lags or ()),
        "a reverse layer": any(layer.direction != "forward" for layer in layers),
    }
    found = [name for name, there in anew.items() if there]
    if found:
        raise InputError(
            f"takes its state and has {found[0]}, which begins anew in each run; a core goes on "
            "with the sequence: take the part without it (--from, --until)"
        )
    if plan.steps == 1 and not graph.sizes[plan.axes.index("steps")]:
        try:
            prove(replace(plan, steps=PROBES[0]))
        except NotRunError:
            return
        except InputError:
            raise InputError(
                "is another network for runs of more than one step; export with 1 step"
            ) from None


def _pairings(graph: Graph) -> Iterator[dict[str, str]]:
    """Yield outputs for all states, first the last outputs in their order."""
    count = len(graph.states)

    def alike(state: str, output: str) -> bool:
        mine, other = graph.shapes[state], graph.shapes[output]
        return not other or (
            len(mine) == len(other)
            and all(a == b or 0 in (a, b) for a, b in zip(mine, other, strict=True))
        )

    last = tuple(graph.outputs[-count:])
    for chosen in (last, *permutations(graph.outputs, count)):
        pairs = dict(zip(graph.states, chosen, strict=False))
        if len(pairs) < len(graph.outputs) and all(alike(*pair) for pair in pairs.items()):
            yield pairs


def _plan(model: Any, graph: Graph, reading: _Reading, pairs: dict[str, str]) -> Plan:
    batch, steps = graph.counts(reading.axes, reading.steps)
    states = {
        name: (output, [size or batch for size in graph.shapes[name]])
        for name, output in pairs.items()
    }
    return Plan(
        model=model,
        made=reading.made,
        input=graph.input,
        axes=reading.axes,
        dtype=graph.dtype,
        outputs=tuple((name, data.axes) for name, data in reading.outputs),
        states=states,
        batch=batch,
        steps=steps,
        lengths=lengths(graph.nodes, graph.constants),
        loose=quantizes(graph.nodes, graph.constants) or rounds(graph.nodes, graph.dtype),
    )


def _read_any_layout(graph: Graph, outputs: Sequence[str]) -> _Reading:
    """Read the network with each possible order of batch and steps in the input."""
    refusals: list[AxesError] = []
    for axes in graph.layouts():
        for states in graph.state_layouts():
            try:
                return _read_any_length(graph, outputs, axes, states)
            except AxesError as error:
                refusals.append(error)
    raise max(refusals, key=lambda error: error.done)  # the one that got farther


def _read_any_length(
    graph: Graph, outputs: Sequence[str], axes: tuple[str, ...], states: dict[str, tuple[str, ...]]
) -> _Reading:
    """Read the network; if the length is free, check that it is the same for all lengths."""

    fixed = graph.sizes[axes.index("steps")]

    def read(steps: int) -> _Reading:
        data = graph.follow(outputs, axes, steps, states)
        named = tuple(zip(outputs, data, strict=True))
        made = assemble(named, steps=steps, free=graph.free or not fixed)
        return _Reading(made=made, axes=axes, outputs=named, steps=steps)

    if fixed:
        return of_one_length(read, fixed)
    try:
        return probed(read)
    except InputError as error:
        if graph.states and not isinstance(error, AxesError):  # for one step per run, perhaps
            with contextlib.suppress(InputError):
                return read(1)
        if isinstance(error, (AxesError, PlacedError)):
            raise
        raise InputError(f"{error}; the input's number of steps is free") from None
