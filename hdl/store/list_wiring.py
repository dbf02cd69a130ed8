"""The lists of a delta core between the blocks that fill them and the sequencer that reads them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Value

from hdl.layout.vectors import restart_bit
from hdl.parts.component import delayed
from hdl.plan import Plan
from hdl.store.change_lists import ChangeLists


def make_lists(plan: Plan) -> dict[str, ChangeLists]:
    """Make the lists of a core by name; none unless it is a delta core."""
    return {name: ChangeLists(plan=plan, name=name) for name in plan.listed}


def array_operand(m: Module, sequencer: Any, store: Any) -> Value:
    """The operand of a delta core's array: a difference, or what the operand store has."""
    changes, difference = (
        delayed(m, getattr(sequencer, name), 2, name=name)[-1] for name in ("changes", "difference")
    )
    return Mux(changes, difference, store.read_data)


def connect_lists(
    m: Module, lists: dict[str, ChangeLists], *, sequencer: Any, store: Any, update: Any
) -> None:
    """Each name's elements and words to its lists, and their entries to the sequencer."""
    for name, own in lists.items():
        m.submodules[f"{name}_lists"] = own
        told = getattr(sequencer, name)
        m.d.comb += [
            own.asked.eq(getattr(sequencer, f"ask_{name}")),
            *(getattr(told, field).eq(getattr(own, field)) for field in told.signature.members),
        ]
        if name == "x":
            element, word, restart = store.element_x, store.x_word, sequencer.restart_x
        else:
            element, word = getattr(update, f"element_{name}"), getattr(store, f"write_{name}").data
            layers = own.plan.lists.layers(name)
            bits = [restart_bit(own.plan, name, layer) for layer in layers]
            restart = Cat(sequencer.restart[bit] for bit in bits)
        m.d.comb += [own.element.eq(element), own.word.eq(word), own.restart.eq(restart)]
