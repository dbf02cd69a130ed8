"""A small core with the control logic of a large one, so that proofs about it end.

No claim depends on data, and the prover frees all of it. So what matters about a core is the order
of its work: which passes follow each other, whether their columns have one row or several, whether
the last row is full, how many cycles lie between units. These are kept; sizes are cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from golden.directions import operand_names
from golden.errors import InputError
from golden.quantized import QuantizedLayer
from golden.quantized_layers import Integers
from hdl.plan import Plan
from hdl.spec.multipliers import ANY
from hdl.spec.options import CoreOptions

ROWS = INPUTS = STREAMS = READS = 2
"""Most rows of a layer, inputs, streams, and lags at which a layer reads one vector."""


@dataclass(frozen=True, kw_only=True)
class Abstraction:
    """A small plan that stands for a large one.

    Attributes:
        plan: the small plan.
        substitutions: what differs from the large plan, one line each.
    """

    plan: Plan
    substitutions: tuple[str, ...]


def abstraction(plan: Plan) -> Abstraction:
    """Cut a plan to a size at which its core can be proved.

    Kept are cells, layers and the vectors that they read, the cycles between units, banks, the
    interface, and of each layer whether it has one row or several and whether the last one is full.

    Raises:
        InputError: the core buffers sequences, or multiplies only what changed; a proof of it
            would need other claims.
    """
    if plan.options.max_steps:
        raise InputError("max_steps is set: nothing is claimed about cores that buffer sequences")
    if plan.options.delta:
        raise InputError("delta is set: too little is claimed about delta cores")
    empty = any(layer.units % plan.options.lanes for layer in plan.network.layers)
    lanes = max(plan.update_cost.banks, 1 + empty)
    units = [_units(plan, layer.units, lanes) for layer in plan.network.layers]
    if plan.options.interface.classes:
        units[-1] = max(units[-1], 2)
    sizes = (min(plan.network.sizes[0], INPUTS), *units)
    layers = tuple(
        _cut(layer, [sizes[source] for source in sources], units[index], sources)
        for index, (layer, sources) in enumerate(
            zip(plan.network.layers, plan.network.sources, strict=True)
        )
    )
    network = replace(plan.network, layers=layers, flush=0, fold=1)
    interface = plan.options.interface
    options = CoreOptions(
        lanes=lanes,
        tail_multipliers=plan.options.tail_multipliers,
        interface=replace(interface, streams=min(interface.streams, STREAMS)),
        storage=replace(plan.options.storage, weights="rom"),
    )
    small = Plan(network=network, options=options)
    return Abstraction(plan=small, substitutions=tuple(_substitutions(plan, small)))


def _units(plan: Plan, units: int, lanes: int) -> int:
    """Units that fill as many rows, but for ``ROWS``, and the last one if it was full."""
    rows, rest = -(-units // plan.options.lanes), units % plan.options.lanes
    full = lanes * min(rows, ROWS)
    return full if not rest else max(1, full - 1)


def _cut(
    layer: QuantizedLayer, inputs: list[int], units: int, sources: tuple[int, ...]
) -> QuantizedLayer:
    """Keep the first units and inputs of a layer, and the ends of each of its windows."""
    lags = layer.lags or (0,) * len(layer.operands)
    kept = [n for n, operand in enumerate(sources) if lags[n] in _ends(lags, sources, operand)]
    weights: dict[str, Integers] = {}
    for gate in layer.cell.gates:
        for name in gate.reads:
            if name != "x":
                weights[gate.matrix(name)] = layer.weights[gate.matrix(name)][:units, :units]
                continue
            for to, n in zip(operand_names(len(kept)), kept, strict=True):
                matrix = layer.weights[gate.matrix(layer.operands[n])]
                weights[gate.matrix(to)] = matrix[:units, : inputs[n]]
        vectors = (gate.bias, gate.peephole) if gate.diagonal else (gate.bias,)
        weights |= {name: layer.weights[name][:units] for name in vectors}
    formats = [layer.formats.operand(layer.operands[n]) for n in kept]
    return replace(
        layer,
        weights={name: np.ascontiguousarray(array) for name, array in weights.items()},
        formats=replace(layer.formats, x=formats[0], more=tuple(formats[1:])),
        sources=tuple(sources[n] for n in kept),
        lags=tuple(int(lags[n] > 0) for n in kept),
        warmup=min(layer.warmup, 1),
        first=layer.first and {name: values[:units] for name, values in layer.first.items()},
    )


def _ends(lags: tuple[int, ...], sources: tuple[int, ...], source: int) -> set[int]:
    """The smallest and the largest lag at which a layer reads a vector; 0 and another, at most."""
    found = {lag for lag, read in zip(lags, sources, strict=True) if read == source}
    return {min(found), max(found)} if 0 in found else {max(found)}


def _substitutions(large: Plan, small: Plan) -> Iterator[str]:
    """Tell what differs, where it does."""
    for name, of in (
        ("lanes", lambda plan: plan.options.lanes),
        ("inputs", lambda plan: plan.network.sizes[0]),
        ("streams", lambda plan: plan.options.interface.streams),
    ):
        if of(large) != of(small):
            yield f"{of(small)} {name} for {of(large)}"
    for index, (before, after) in enumerate(
        zip(large.network.layers, small.network.layers, strict=True)
    ):
        cut = [] if after.units == before.units else [f"{after.units} units for {before.units}"]
        reads = [len(layer.sources or (0,)) for layer in (before, after)]
        cut += [f"{reads[1]} reads for {reads[0]}"] if reads[0] != reads[1] else []
        if cut:
            yield f"layer{index}: {', '.join(cut)}"
    if large.options.storage.loadable:
        yield "weights in the Verilog for loaded ones; the loader is proved by itself"
    if large.options.multipliers != ANY and large.joint:
        yield "a multiplier for each lane"
    yield "any value for weights, data and tables"
