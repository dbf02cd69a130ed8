"""The neighbouring units that make up a stream's state, in the order of its words."""

from __future__ import annotations

from amaranth.lib import data

from golden.sessions import state_vectors as state_order
from hdl.layout.vectors import state_vectors
from hdl.parts.numeric import span
from hdl.plan import Plan


def state_segments(plan: Plan) -> list[tuple[str, int, int]]:
    """Neighbouring units of the state, as (vector, first unit, last unit)."""
    found: list[tuple[str, int, int]] = []
    for name, layer in state_order(plan.network):
        start = plan.work.first_unit(layer)
        end = start + plan.network.layers[layer].units - 1
        if found and found[-1][0] == name and found[-1][2] == start - 1:
            start = found.pop()[1]
        found.append((name, start, end))
    return found


def segments(plan: Plan) -> int:
    """Largest number of segments on a core: one of all h, and one of c per layer."""
    return 1 + plan.sizes.layers


def segment_layout(plan: Plan) -> data.StructLayout:
    """A word of the loaded table: ``vector`` among those of the state, its ``last`` unit, the
    ``next`` segment's first one, and whether the segment is the state's last.
    """
    units = span(plan.sizes.state_units)
    return data.StructLayout(
        {"vector": span(len(state_vectors(plan))), "last": units, "next": units, "ends": 1}
    )


def state_words(plan: Plan) -> list[int]:
    """The loaded table, a word for each segment."""
    layout, found, names = segment_layout(plan), state_segments(plan), state_vectors(plan)
    starts = [first for _, first, _ in found]
    return [
        layout.const(
            {
                "vector": names.index(name),
                "last": last,
                "next": following,
                "ends": index == len(found) - 1,
            }
        )
        .as_value()
        .value
        for index, ((name, _, last), following) in enumerate(
            zip(found, starts[1:] + starts[:1], strict=True)
        )
    ]
