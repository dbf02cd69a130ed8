"""Cores of networks that read vectors at lags, pool, and take the largest of several products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, LSTM, Cell, Dense, Pool
from golden.errors import InputError
from golden.interface import Interface
from golden.layers import Layer, weight_shapes
from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.export.description import describe
from hdl.export.verilog_header import header
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from tests.hdl.simulate import CoreBench, sometimes

INPUTS = 2
RNG = np.random.default_rng(5)


def layer(cell: Cell, units: int, inputs: int, *reads: tuple[int, int], warmup: int = 0) -> Layer:
    """A layer of random weights that reads vectors of one length, each at a lag."""
    sources, lags = zip(*reads, strict=True)
    shapes = weight_shapes(cell, (inputs,) * len(reads), units)
    weights = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    return Layer(
        cell=cell, sigmoid="hard", weights=weights, sources=sources, lags=lags, warmup=warmup
    )


def made(*layers: Layer, results: tuple[int, ...] | None = None) -> QuantizedNetwork:
    """The integer network."""
    network = Network(layers=layers, results=results)
    return quantize(network, RNG.normal(size=(8, network.first + 6, INPUTS)))[0]


def front() -> QuantizedNetwork:
    """Two convolutions, the second without padding, in front of a GRU, and a flatten behind it."""
    return made(
        layer(Dense(activation="relu"), 4, INPUTS, (0, 2), (0, 1), (0, 0)),
        layer(Dense(activation="relu"), 3, 4, (1, 2), (1, 0), warmup=2),
        layer(GRU(reset="after"), 3, 3, (2, 0)),
        layer(Dense(), 2, 3, (3, 1), (3, 0)),
    )


def plan_of(network: QuantizedNetwork, **options: Any) -> Plan:
    return Plan(network=network, options=CoreOptions(**{"lanes": 2, **options}))


def test_a_pass_for_every_lag() -> None:
    """x without a lag comes first, what is at a lag before what is being drained."""
    work = plan_of(front()).work
    passes = [(one.layer, one.matrix, one.operand, one.lag, one.zero_before) for one in work.passes]
    assert passes == [
        (0, "x2", "x", 0, 0),
        (0, "x1", "x", 1, 1),
        (0, "x", "x", 2, 2),
        (1, "x", "past", 2, 2),
        (1, "x1", "h", 0, 0),
        (2, "h", "h", 0, 3),
        (2, "x", "h", 0, 0),
        (3, "x", "past", 1, 3),
        (3, "x1", "h", 0, 0),
    ]
    assert [one.recurrent for one in work.passes] == [False] * 5 + [True] + [False] * 3


def test_steps_that_are_kept() -> None:
    """x keeps the steps that are read and the next one, h those that are read."""
    for lag, x_slots, past_slots in ((0, 2, 1), (1, 4, 2), (2, 4, 4), (3, 8, 4), (6, 8, 8)):
        network = made(
            layer(Dense(), 3, INPUTS, (0, lag)),
            layer(LSTM(), 3, 3, *dict.fromkeys([(1, lag), (1, 0)])),
        )
        windows = plan_of(network).work.windows
        assert (windows.x_slots, windows.past_slots) == (x_slots, past_slots)
        assert windows.past_layers == ((0,) if lag else ())
        assert windows.used == bool(lag)
    bits = describe(plan_of(front()), name="core")["memory_bits"]
    x, h = front().x.width, plan_of(front()).sizes.h_width
    assert (bits["x"], bits["past"]) == (4 * INPUTS * x, 4 * (4 + 3) * h)


def test_the_description_tells_lags_and_warm_up() -> None:
    network = replace(front(), fold=2, flush=1)
    told = describe(plan_of(network, interface=Interface(every_step=True)), name="core")
    assert (told["input"]["samples_per_step"], told["input"]["zero_steps_after"]) == (2, 1)
    assert told["output"]["first_step"] == 2
    assert told["output"]["meaning"] == "logits, every step but the first 2"
    described = [
        (layer["sources"], layer["lags"], layer.get("warmup"))
        for layer in (told["layers"][0], told["layers"][1], told["layers"][3])
    ]
    assert described == [
        ([0, 0, 0], [2, 1, 0], None),
        ([1, 1], [2, 0], 2),
        ([3, 3], [1, 0], None),
    ]
    text = header(plan_of(network), told, host="plain streams", network_name="front")
    assert "sources [1, 1], lags [2, 0], warmup 2" in " ".join(text.replace("//", "").split())
    assert "(2 samples), 1 step of zeros behind a sequence" in text


def test_warm_up_is_told_apart() -> None:
    windows = plan_of(front()).work.windows
    assert [windows.state_zero_before(n) for n in range(3)] == [1, 3, 3]
    assert (windows.silent, windows.count) == (2, 3)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("streams is 2, expected 1", {"interface": Interface(streams=2)}),
        ("weights is ram, expected rom", {"storage": Storage(weights="ram")}),
        ("state is load, expected clear or keep", {"interface": Interface(state="load")}),
    ],
)
def test_refused_options(option: str, given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"^{option}: "):
        plan_of(front(), **given)


def test_refused_without_lags() -> None:
    network = made(layer(LSTM(), 3, INPUTS, (0, 0), warmup=2))
    with pytest.raises(InputError, match="does not count the first steps of layer0"):
        plan_of(network, interface=Interface(streams=2))
    network = made(layer(Pool(), 3, INPUTS, (0, 0)), layer(Dense(), 2, 3, (1, 0)))
    with pytest.raises(InputError, match="^layer0 reads x once, and no other layer runs"):
        plan_of(network)
    plan_of(network, interface=Interface(every_step=True))


def test_a_pool_costs_no_multiplier_and_no_cycle() -> None:
    """Its sum is read where that of the cell's first gate is."""
    lstm = layer(LSTM(), 4, INPUTS, (0, 0))
    bare = plan_of(made(lstm)).update_cost
    for over in Pool.options["over"]:
        cost = plan_of(made(lstm, layer(Pool(over=over), 3, 4, (1, 0)))).update_cost
        assert (cost.interval, cost.multipliers) == (bare.interval, bare.multipliers)
        assert cost.orders[1] == (*("",) * bare.orders[0].index("i"), "y")


def test_pieces_are_read_where_a_cells_gates_are() -> None:
    """So they share memory and adder of the biases."""
    layers = layer(LSTM(), 4, INPUTS, (0, 0)), layer(Dense(pieces="4"), 3, 4, (1, 0))
    plan = plan_of(made(*layers))
    names = dict(zip(("i", "f", "g", "o"), ("y", "y1", "y2", "y3"), strict=True))
    gates = [gate.name for gate in LSTM().gates]
    places = [names[("i", "f", "g", "o")[gates.index(gate)]] for gate in plan.update_cost.orders[0]]
    assert list(plan.update_cost.orders[1]) == places
    assert plan.work.jobs[1].packed is False


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize(
    "which", [*(pytest.param(n, marks=pytest.mark.slow) for n in ("front", "pieces")), "pools"]
)
def test_words_and_cycles(which: str, every_step: bool) -> None:
    """Sequences after each other, without stalls and with them."""
    networks = {
        "front": front,
        "pools": lambda: made(
            layer(Dense(), 3, INPUTS, (0, 3)),
            layer(Pool(over="max"), 3, 3, (1, 0), (1, 2), warmup=1),
            layer(Pool(over="sum"), 3, 3, (1, 0)),
            results=(2, 3),
        ),
        "pieces": lambda: made(
            layer(Dense(activation="leaky", slope="1/8", pieces="3"), 3, INPUTS, (0, 0), (0, 1)),
            layer(LSTM(), 3, 3, (1, 0)),
        ),
    }
    network = networks[which]()
    low, high = network.x.min, network.x.max
    lengths = [network.first + n for n in (3, 1, 2)]
    sequences = [RNG.integers(low, high, size=(n, INPUTS), endpoint=True) for n in lengths]
    model = IntegerModel(network)
    forward = model.forward_steps if every_step else model.forward
    expected = np.concatenate([forward(one[np.newaxis]).ravel() for one in sequences])
    bench = CoreBench(network, 2, interface=Interface(every_step=every_step))
    bench.add(sequences)
    bench.add(sequences, offer=sometimes(1, share=0.4), take=sometimes(2, share=0.3))
    plain, stalled = bench.run()
    assert (plain.words, stalled.words) == (expected.tolist(), expected.tolist())
    count = cycles.count(bench.core.plan, lengths)
    assert (plain.inputs, plain.outputs) == (count.inputs.tolist(), count.outputs.tolist())
