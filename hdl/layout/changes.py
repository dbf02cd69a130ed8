"""Layouts of a delta core: elements that may have changed, entries of lists, and columns."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Shape, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.spec.passes import Pass

AHEAD = 2
"""Cycles from asking for an element's value last sent until the element is there."""


def element_layout(plan: Plan, name: str) -> data.StructLayout:
    """An element of a vector, ``AHEAD`` cycles before its word.

    Fields: ``valid``; ``unit``, its index over all layers; ``list``, that of its vector; ``begin``
    and ``last``, it is its vector's first or last; ``fresh``, nothing was sent in its sequence.
    """
    units = plan.sizes.inputs if name == "x" else plan.sizes.state_units
    return data.StructLayout(
        {
            "valid": 1,
            "unit": span(units),
            "list": span(len(plan.lists.layers(name))),
            "begin": 1,
            "last": 1,
            "fresh": 1,
        }
    )


def entry_layout(plan: Plan, name: str) -> data.StructLayout:
    """An entry: what is added to the value last sent, and the element's index times each factor."""
    last = plan.lists.length(name) - 1
    places = {f"times{factor}": span(last * factor + 1) for factor in plan.lists.factors(name)}
    return data.StructLayout({"difference": signed(plan.sizes.vector_width(name) + 1), **places})


def asked_layout(plan: Plan, name: str) -> data.StructLayout:
    """A request for an entry: its list, and its place there."""
    lists = span(len(plan.lists.layers(name)))
    return data.StructLayout({"list": lists, "place": span(plan.lists.length(name))})


def count_shape(plan: Plan, name: str) -> range:
    """Shape of a number of entries."""
    return range(plan.lists.length(name) + 1)


def list_signature(plan: Plan, name: str) -> wiring.Signature:
    """Ports between a name's lists and the sequencer that reads them, as seen from the lists.

    Of each list ``count``, entries that can be read, and whether it is ``complete``. An entry
    counts once another one follows it, or the list is complete: so who reads it knows whether it
    is the last.
    """
    lists = len(plan.lists.layers(name))
    return wiring.Signature(
        {
            "count": Out(data.ArrayLayout(count_shape(plan, name), lists)),
            "complete": Out(lists),
            "entry": Out(entry_layout(plan, name)),
        }
    )


def reads(plan: Plan) -> list[tuple[str, int, bool]]:
    """The different vectors that passes run over, as (memory, layer, counted)."""
    found = ((one.operand, one.source, plan.lists.counted(one)) for one in plan.work.passes)
    return list(dict.fromkeys(found))


def views(plan: Plan) -> list[tuple[str, int, int]]:
    """The different ways in which passes look at an entry, as (name, factor, shift)."""
    found = ((single.operand, *plan.lists.factor(single)) for single in plan.lists.passes)
    return list(dict.fromkeys(found))


def delta_layout(plan: Plan) -> dict[str, Any]:
    """Layout of :func:`delta_constants`."""
    return {
        "weights": span(plan.sizes.weight_words),
        "counted": 1,
        "read": span(len(reads(plan))),
        "view": span(len(views(plan))),
        "list": span(max(len(plan.lists.layers(name)) for name in plan.lists.names)),
    }


def delta_constants(plan: Plan, index: int, single: Pass) -> dict[str, int]:
    """Fields of a pass of a delta core.

    ``weights``, address of the first word; ``counted``; ``read`` and ``view``, indices of
    :func:`reads` and :func:`views`; ``list``, that of the operand in its memory.
    """
    counted, name = plan.lists.counted(single), single.operand
    listed = not counted and name != "x"
    return {
        "weights": plan.work.words_before(index),
        "counted": counted,
        "read": reads(plan).index((name, single.source, counted)),
        "view": 0 if counted else views(plan).index((name, *plan.lists.factor(single))),
        "list": plan.lists.layers(name).index(single.source) if listed else 0,
    }


def column_layout(plan: Plan) -> data.StructLayout:
    """A column that the array runs.

    Fields: ``position``, of its pass; ``offset``, from the pass' first word of weights to its own;
    ``jumps``, whether that must be looked at, because the word need not be the next one: everywhere
    but in a counted pass behind its first column; ``operand``, the difference, or the address of
    the operand in a counted pass; ``first`` and ``last`` of the pass; ``fresh`` and ``ends``, the
    step is its sequence's first, its last; ``releases``, where dense layers read x: the step's x is
    needed no more.
    """
    sizes = plan.sizes
    address = Shape.cast(span(max(sizes.inputs, sizes.state_units))).width
    return data.StructLayout(
        {
            "position": span(sizes.passes),
            "offset": span(sizes.weight_words),
            "jumps": 1,
            "operand": signed(max(sizes.operand_width, address)),
            "first": 1,
            "last": 1,
            "fresh": 1,
            "ends": 1,
            **({"releases": 1} if plan.lists.counts_x else {}),
        }
    )
