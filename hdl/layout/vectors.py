"""The vectors of a core: their codes, their writes, and how much of each is ready."""

from __future__ import annotations

from amaranth.hdl import Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import Out

from hdl.parts.numeric import span
from hdl.plan import Plan


class Operand(enum.Enum, shape=2):
    """Memories that an operand can be read from."""

    X = 0
    H = 1
    C = 2
    RH = 3


class WindowOperand(enum.Enum, shape=3):
    """Memories of a core whose layers read h at a lag."""

    X = 0
    H = 1
    C = 2
    RH = 3
    PAST = 4


def operand_codes(plan: Plan) -> type[Operand | WindowOperand]:
    """Codes of the memories that an operand can be read from."""
    return WindowOperand if plan.work.windows.past_layers else Operand


class VectorWrite(wiring.PureInterface):
    """Ports of :func:`write_signature`."""

    valid: Signal
    address: Signal
    stream: Signal
    data: Signal
    announce: Signal
    last: Signal
    layer: Signal
    turn: Signal
    kept: Signal


def write_signature(plan: Plan, vector: str) -> wiring.Signature:
    """Writes of one of the vectors, as seen from the writer.

    Of an h that is read at a lag, ``kept`` tells that it is one, and ``turn`` is its step's.
    """
    windows = plan.work.windows
    kept = {"kept": Out(1), "turn": Out(turn_shape(plan))}
    return wiring.Signature(
        {
            "valid": Out(1),
            "address": Out(span(plan.sizes.state_units)),
            "stream": Out(span(plan.options.interface.streams)),
            "data": Out(signed(plan.sizes.vector_width(vector))),
            "announce": Out(1),
            **({"last": Out(1)} if plan.options.storage.loadable else {}),
            "layer": Out(span(plan.sizes.layers)),
            **(kept if vector == "h" and windows.past_layers else {}),
        }
    )


def turn_shape(plan: Plan) -> range:
    """Shape of a step's turn: its number, modulo the steps that are kept of x and of h."""
    windows = plan.work.windows
    return span(max(windows.x_slots, windows.past_slots))


def ready_layout(plan: Plan) -> data.StructLayout:
    """For each vector, named as in ``h0``, the number of its units that are ready."""
    units = [layer.units for layer in plan.network.layers]
    if plan.options.storage.loadable:
        units = [plan.sizes.units] * plan.sizes.layers
    return data.StructLayout(
        {f"{name}{layer}": range(units[layer] + 1) for name, layer in plan.vectors}
    )


def complete_layout(plan: Plan) -> data.StructLayout:
    """For each vector whether all of its units are ready."""
    return data.StructLayout({f"{name}{layer}": 1 for name, layer in plan.vectors})


def restarts(plan: Plan) -> int:
    """Bits of ``restart``: one per job; where jobs are loaded one per vector, and the head's."""
    return len(plan.vectors) + 1 if plan.options.storage.loadable else len(plan.work.jobs)


def restart_bit(plan: Plan, name: str, layer: int) -> int:
    """Index in ``restart`` of the job that makes a vector; where jobs are loaded the vector's."""
    if plan.options.storage.loadable:
        return plan.vectors.index((name, layer))
    return plan.work.job_making(name, layer)


def made_vectors(plan: Plan) -> list[str]:
    """Names of the vectors that any layer makes."""
    return [name for name in ("h", "c", "rh") if plan.sizes.vector_width(name)]


def state_vectors(plan: Plan) -> list[str]:
    """Names of the vectors that outlive a step; the state update reads these."""
    return [name for name in made_vectors(plan) if name != "rh"]
