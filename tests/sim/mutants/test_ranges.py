"""Ranges of the sums of cores, against golden and by evaluation of the limits' gates."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.mutants.ranges import limited, ranges
from sim.tools.aiger import Graph, Netlist
from tests.networks import Recipe, quantized_network

pytestmark = pytest.mark.quick


@pytest.fixture
def plan() -> Plan:
    network = quantized_network(Recipe(inputs=2, units=(3,), outputs=1), 1)
    return Plan(network=network, options=CoreOptions(lanes=2))


def test_every_sum_has_the_range_of_its_unit(plan: Plan) -> None:
    found = ranges(plan)
    assert found
    layer, job = plan.network.layers[0], plan.work.jobs[0]
    bits = (plan.array.gates - 1).bit_length()
    for gate, unit in product(range(len(layer.cell.gates)), range(3)):
        low, high = layer.bounds(gate, bias=False)
        row, lane = divmod(unit, 2)
        assert found[lane, gate | (job.row + row) << bits] == (low[unit], high[unit])
    every = plan.network.sum_bounds(bias=False)
    assert every == (min(a for a, _ in found.values()), max(b for _, b in found.values()))


def test_a_word_out_of_range_becomes_zero(plan: Plan) -> None:
    """All words at all addresses of a lane, evaluated gate by gate."""
    width, bits = plan.array.accumulator_width, (plan.array.sums - 1).bit_length()
    found = ranges(plan)
    assert found
    graph = Graph()
    word, address = ([graph.leaf() for _ in range(count)] for count in (width, bits))
    name = "core.array.shadow.lane1"
    netlist = Netlist(
        inputs={f"{name}.RD_DATA[{n}]": literal for n, literal in enumerate(word)},
        outputs={f"{name}.RD_ADDR[{n}]": literal for n, literal in enumerate(address)},
        registers=[],
        gates=[],
    )
    leaves = {literal: literal for literal in (*word, *address)}
    core = list(range(max(leaves) + 2))
    given = limited(graph, netlist, core, leaves, plan)
    rng = np.random.default_rng(1)
    for place in range(1 << bits):
        low, high = found.get((1, place), (0, 0))
        half = 1 << (width - 1)
        for value in {low - 1, low, high, high + 1, *rng.integers(-half, half, size=8).tolist()}:
            if not -half <= value < half:
                continue
            known = {0: 0}
            known |= {literal // 2: value >> n & 1 for n, literal in enumerate(word)}
            known |= {literal // 2: place >> n & 1 for n, literal in enumerate(address)}
            for own, one, two in graph.gates:
                known[own // 2] = (known[one // 2] ^ one & 1) & (known[two // 2] ^ two & 1)
            got = [known[given[literal] // 2] ^ given[literal] & 1 for literal in word]
            expected = value if low <= value <= high else 0
            assert got == [expected >> n & 1 for n in range(width)]
