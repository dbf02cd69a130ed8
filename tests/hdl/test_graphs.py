"""Cores of graphs: dense layers anywhere, several sources, several results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, LSTM, Cell, Dense
from golden.errors import InputError
from golden.layers import Layer, dense, weight_shapes
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork, signed_width
from hdl import cycles
from hdl.export.description import describe
from hdl.layout.vectors import Operand
from hdl.plan import Plan
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from sim.draw.graphs import random_graph
from tests.hdl.simulate import run

INPUTS = 2
RNG = np.random.default_rng(3)


def recurrent(cell: Cell, inputs: tuple[int, ...], units: int, *sources: int) -> Layer:
    """A recurrent layer of random weights."""
    weights = {
        name: RNG.normal(size=shape) for name, shape in weight_shapes(cell, inputs, units).items()
    }
    return Layer(cell=cell, sigmoid="hard", weights=weights, sources=sources)


def front(inputs: tuple[int, ...], units: int, activation: str, *sources: int) -> Layer:
    """A dense layer of random weights."""
    matrices = [RNG.normal(size=(units, count)) for count in inputs]
    return dense(matrices, RNG.normal(size=units), activation, sources)


def made(*layers: Layer, results: tuple[int, ...] | None = None) -> QuantizedNetwork:
    """The integer network."""
    network = Network(layers=layers, results=results)
    return quantize(network, RNG.normal(size=(8, 6, INPUTS)))[0]


def skips() -> QuantizedNetwork:
    """ReLU front, LSTM of front and x, then two late layers, one of which reads x."""
    return made(
        front((INPUTS,), 3, "relu", 0),
        recurrent(LSTM(), (INPUTS, 3), 4, 0, 1),
        front((4, INPUTS), 2, "tanh", 2, 0),
        front((2, 4), 1, "sigmoid", 3, 2),
    )


def plan_of(network: QuantizedNetwork, **options: Any) -> Plan:
    return Plan(network=network, options=CoreOptions(**{"lanes": 2, **options}))


def test_a_pass_for_every_source() -> None:
    """The latest source comes last; late layers follow the step."""
    work = plan_of(skips()).work
    passes = [(one.layer, one.matrix, one.operand, one.source, one.base) for one in work.passes]
    assert passes == [
        (0, "x", "x", -1, 0),
        (1, "h", "h", 1, 3),
        (1, "x", "x", -1, 0),
        (1, "x1", "h", 0, 0),
        (2, "x1", "x", -1, 0),
        (2, "x", "h", 1, 3),
        (3, "x1", "h", 1, 3),
        (3, "x", "h", 2, 7),
    ]
    assert work.late_passes == work.passes[4:]
    assert [one.columns for one in work.passes] == [2, 4, 2, 3, 2, 4, 4, 2]
    assert [job.makes for job in work.jobs] == [("h",), ("c", "h"), ("h",), ()]
    assert [job.unit for job in work.jobs] == [0, 3, 7, 9]
    assert [job.emits for job in work.jobs] == [False, False, False, True]
    assert (work.state_units, work.state_layers) == (9, 3)


def test_a_reset_gate_of_several_sources() -> None:
    """r is complete with the last source; its drain hides under the passes that follow."""
    network = made(
        front((INPUTS,), 3, "linear", 0), recurrent(GRU(reset="before"), (3, INPUTS), 4, 1, 0)
    )
    passes = [(one.matrix, len(one.gates)) for one in plan_of(network).work.passes]
    assert passes[1:] == [("h", 1), ("h", 1), ("x1", 1), ("x", 1), ("x1", 2), ("x", 2), ("rh", 1)]
    assert [one.completes for one in plan_of(network).work.passes if one.layer == 1] == [
        *(None, None, None, 1),
        *(None, None, 2),
    ]


def test_rows_of_dense_layers_are_packed() -> None:
    """They lie in all slots of the accumulators, but where a core is loaded or is a chain."""
    lstm = recurrent(LSTM(), (INPUTS,), 4, 0)
    plan = plan_of(made(lstm, front((4,), 19, "relu", 1), front((19,), 3, "linear", 2)))
    rows = [(job.row, job.rows, job.packed) for job in plan.work.jobs]
    assert rows == [(0, 2, False), (0, 10, True), (0, 2, True)]
    assert (plan.work.slots, plan.sizes.rows, plan.sizes.job_rows) == (4, 3, 10)
    assert plan.array.sums == 3 * 4
    loaded = plan_of(plan.network, storage=Storage(weights="ram"))
    assert loaded.sizes.rows == 14
    chain = plan_of(made(lstm, front((4,), 19, "linear", 1)))
    assert (chain.sizes.rows, chain.work.packed) == (12, False)


def test_a_head_uses_rows_again_where_that_saves_lut_ram() -> None:
    """Logits lie in the rows of the layer before, if all sums then fit fewer LUT RAMs."""
    lstm, head = recurrent(LSTM(), (INPUTS,), 8, 0), front((8,), 3, "linear", 1)
    plan = plan_of(made(lstm, head))
    assert [(job.row, job.rows, job.packed) for job in plan.work.jobs] == [
        (0, 4, False),
        (0, 2, False),
    ]
    assert plan.array.sums == 16
    for storage in (Storage(weights="ram"), Storage(sums="block")):
        assert plan_of(plan.network, storage=storage).sizes.rows == 4 + 2


def test_words_of_a_result_keep_the_order_of_the_layers() -> None:
    """A late layer before a result of every step runs in every step."""
    network = made(
        front((INPUTS,), 2, "linear", 0),
        recurrent(LSTM(), (INPUTS,), 3, 0),
        front((3,), 2, "linear", 2),
        results=(1, 2, 3),
    )
    work = plan_of(network).work
    assert (sorted(network.late), sorted(work.late)) == ([0, 2], [2])
    assert [job.layer for job in work.jobs if job.emits] == [0, 1, 2]
    told = describe(plan_of(network), name="core")
    assert told["output"]["meaning"] == "h of layer0, layer1, layer2, last step"
    assert told["output"]["words_per_result"] == 7


def test_a_dense_layer_costs_no_multiplier_and_no_cycle() -> None:
    """Its sum is read where that of the cell's first gate is."""
    bare = plan_of(made(recurrent(LSTM(), (INPUTS,), 4, 0))).update_cost
    for activation in Dense.options["activation"]:
        layers = front((4,), 3, activation, 1), front((3,), 2, "linear", 2)
        cost = plan_of(made(recurrent(LSTM(), (INPUTS,), 4, 0), *layers)).update_cost
        assert (cost.interval, cost.multipliers, cost.banks) == (
            *(bare.interval, bare.multipliers),
            bare.banks,
        )
        assert cost.written["h"] <= bare.written["h"]
        place = bare.orders[0].index("i")
        assert cost.orders[1:] == ((*("",) * place, "y"),) * 2
        assert cost.written["out"] == cost.delays.first_sum + place + cost.delays.narrow


def test_refused() -> None:
    only = front((INPUTS,), 3, "relu", 0)
    with pytest.raises(InputError, match="^no layer is recurrent: a core needs a recurrent layer$"):
        plan_of(made(only))
    lstm = recurrent(LSTM(), (INPUTS,), 3, 0)
    for network, found in (
        (skips(), "layer0 is dense"),
        (made(lstm, front((INPUTS, 3), 2, "relu", 0, 1)), "several layers read x"),
        (made(lstm, front((3,), 2, "linear", 1), results=(1, 2)), "several layers are results"),
    ):
        with pytest.raises(InputError, match=f"^{found}: a core whose weights are loaded takes"):
            plan_of(network, storage=Storage(weights="ram"))
    started = made(replace(lstm, first={"c": np.arange(3)}))
    with pytest.raises(
        InputError, match="^layer0 starts at a state that is not zero: a core whose"
    ):
        plan_of(started, storage=Storage(weights="ram"))
    told = describe(plan_of(started), name="core")
    words = started.layers[0].start(1)["c"][0].tolist()
    assert told["layers"][0]["first"] == {"c": words}
    assert told["memory_bits"]["first"] == 3 * signed_width(0, max(words))  # no matrix reads c
    assert "first" not in describe(plan_of(made(lstm)), name="core")["memory_bits"]
    zero = replace(lstm, first={"c": np.zeros(3, dtype=np.int64)})
    plan_of(made(zero), storage=Storage(weights="ram"))


@pytest.mark.parametrize("last", [False, True])
def test_late_passes_and_the_release_of_x(last: bool) -> None:
    """They run in a step with a result; x is released behind the last pass that reads it."""
    plan = plan_of(skips())
    sequencer = Sequencer(plan=plan, place=plan.array.place)
    work = plan.work

    async def bench(ctx: Any) -> None:
        ctx.set(sequencer.x_whole, 1)
        ctx.set(sequencer.ready, {"h0": 3, "h1": 4, "c1": 4, "h2": 2})
        ctx.set(sequencer.head_free, 1)
        ctx.set(sequencer.x_step, {"last": last})
        passes = work.passes if last else work.step_passes
        for _ in range(2):
            seen: list[tuple[int, int]] = []
            released: list[int] = []
            while len(seen) < sum(map(work.macs, passes)):
                await ctx.tick()
                if ctx.get(sequencer.x_release):
                    released.append(len(seen) + 1)
                if ctx.get(sequencer.valid):
                    seen.append((ctx.get(sequencer.operand), ctx.get(sequencer.address)))
            expected = [
                (Operand[one.operand.upper()], one.base + column)
                for one in passes
                for column in range(one.columns)
                for _ in range(work.macs(one) // one.columns)
            ]
            assert [(Operand(operand), address) for operand, address in seen] == expected
            reads = [one.source < 0 for one in passes]
            upto = len(reads) - reads[::-1].index(True)
            assert released == [sum(map(work.macs, passes[:upto]))]

    run(sequencer, bench)


@pytest.mark.parametrize("seed", range(20))
def test_every_operation_is_counted(seed: int) -> None:
    network = random_graph((seed, 9))
    plan = plan_of(network, lanes=1)
    count = cycles.count(plan, [2, 1, 3])
    steps, late = (
        sum(map(plan.work.macs, passes))
        for passes in (plan.work.step_passes, plan.work.late_passes)
    )
    assert count.issued == 6 * steps + 3 * late
    assert count.end == count.issued + sum(count.waited.values())
    assert len(count.outputs) == 3 * network.outputs
    steady = cycles.steady_state(plan)
    assert steady.issued_per_step == steps == steady.ideal_cycles_per_step


def test_results_of_one_layer_are_the_core_of_a_chain() -> None:
    """Explicit sources and results that are those of a chain change nothing."""
    network = made(recurrent(LSTM(), (INPUTS,), 4, 0), front((4,), 3, "linear", 1))
    chain = replace(network, layers=tuple(replace(one, sources=None) for one in network.layers))
    assert plan_of(network).work.passes == plan_of(chain).work.passes
