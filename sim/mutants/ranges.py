"""Sums that a core's array can reach at all, as limits of what its shadow gives.

Golden bounds each sum by the weights of its unit and gate. A proof whose memories stand outside
takes every word that the shadow might hold; with these limits it takes the possible ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hdl.plan import Plan
from sim.tools.aiger import Graph, Netlist

Range = tuple[int, int]

_SHADOW = re.compile(r"(?:core\.)+array\.shadow\.(lane|bank)(\d+)\.(RD_DATA|RD_ADDR)(?:\[(\d+)\])?")


def ranges(plan: Plan) -> dict[tuple[int, int], Range] | None:
    """Return the range of the sum in each lane at each address of its shadow.

    ``None`` where one range is for all: places are shared, or layers have two directions.
    """
    if plan.work.packed or plan.options.max_steps:
        return None
    found: dict[tuple[int, int], Range] = {}
    bits = (plan.array.gates - 1).bit_length()
    for job in plan.work.jobs:
        layer = plan.network.layers[job.layer]
        for slot, gate in enumerate(layer.cell.gates):
            if gate.name not in job.gates:
                continue
            less, more = layer.bounds(slot, bias=False, selects=plan.network.selects(job.layer))
            for unit in range(job.units):
                row, lane = divmod(unit, plan.options.lanes)
                place = (lane, slot | (job.row + row) << bits)
                low, high = found.get(place, (0, 0))
                found[place] = min(low, int(less[unit])), max(high, int(more[unit]))
    return found


def limited(
    graph: Graph, netlist: Netlist, core: Sequence[int], leaves: Mapping[int, int], plan: Plan
) -> dict[int, int]:
    """Return literals for the netlist's inputs from the shadow: 0 where a sum is out of range.

    Args:
        graph: gets the gates.
        netlist: a core whose memories stand outside.
        core: what its literals have become in the graph.
        leaves: what its inputs are there.
        plan: the core's plan; one with loaded weights has no limits.
    """
    if plan.options.storage.loadable:
        return {}
    words, addresses = _ports(netlist.inputs), _ports(netlist.outputs)
    every, by_place = plan.network.sum_bounds(bias=False), ranges(plan)
    width, bits = plan.array.accumulator_width, (plan.array.sums - 1).bit_length()
    found: dict[int, int] = {}
    for (kind, number), literals in words["RD_DATA"].items():
        address = [core[literal] for literal in addresses["RD_ADDR"][kind, number]]
        for group, start in enumerate(range(0, len(literals), width)):
            mine = literals[start : start + width]
            word = [leaves[literal] for literal in mine]
            if by_place is None:
                fits = _within(graph, word, every)
            else:
                lane = number + group * plan.array.banks
                fits = 0
                for place in range(1 << bits):
                    here = 1
                    for bit, literal in enumerate(address[:bits]):
                        here = graph.both(here, literal ^ 1 ^ (place >> bit & 1))
                    inside = _within(graph, word, by_place.get((lane, place), (0, 0)))
                    fits = graph.both(fits ^ 1, graph.both(here, inside) ^ 1) ^ 1
                for literal in address[bits:]:  # zeros lie below the sums
                    fits = graph.both(fits, literal)
            found |= {literal: graph.both(leaves[literal], fits) for literal in mine}
    return found


def _ports(names: Mapping[str, int]) -> dict[str, dict[tuple[str, int], list[int]]]:
    """Literals of the shadow's memories, lowest bit first, by port and memory."""
    found: dict[str, dict[tuple[str, int], dict[int, int]]] = {"RD_DATA": {}, "RD_ADDR": {}}
    for name, literal in names.items():
        if match := _SHADOW.fullmatch(name):
            memory = (match[1], int(match[2]))
            found[match[3]].setdefault(memory, {})[int(match[4] or 0)] = literal
    return {
        port: {memory: [bits[n] for n in range(len(bits))] for memory, bits in memories.items()}
        for port, memories in found.items()
    }


def _within(graph: Graph, word: Sequence[int], limits: Range) -> int:
    """Return the literal that tells whether a signed word lies within limits."""
    return graph.both(_at_most(graph, word, limits[1]), _at_most(graph, word, limits[0] - 1) ^ 1)


def _at_most(graph: Graph, word: Sequence[int], most: int) -> int:
    half = 1 << (len(word) - 1)
    if not -half <= most < half:
        return int(most >= half)
    at_most = 1
    for place, bit in enumerate([*word[:-1], word[-1] ^ 1]):
        if (most + half) >> place & 1:
            at_most = graph.both(bit, at_most ^ 1) ^ 1
        else:
            at_most = graph.both(bit ^ 1, at_most)
    return at_most
