"""Status of a core for its registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.loading.loader import LOAD
from hdl.parts.component import port

EVENTS = data.StructLayout(
    dict.fromkeys(
        (
            *("busy", "starves", "stalls", "saturated"),
            *("early", "late", "unknown", "dropped", "stepped"),
            *("result", "sequence"),
            *("state_wrong", "state_dropped", "saved"),
        ),
        1,
    )
)
"""Events of one cycle.

``busy``: a sequence is open, or a result or a state is still to be given. ``starves``: the array
waits for x. ``stalls``: a beat of results is not taken. ``saturated``: an element of c was limited.
``early``, ``late``, ``unknown``, ``dropped``, ``stepped``: see
:class:`hdl.bus.input_guard.InputGuard`. ``result``, ``sequence``: the last beat of a result, of a
sequence, is taken. ``state_wrong``, ``state_dropped``: see
:class:`hdl.bus.state_guard.StateGuard`. ``saved``: the last beat of a state is taken.
"""


class Status(wiring.Component):
    """Turns a core's events into facts for the registers: flags, counts and errors.

    Latency: a cycle for ``now``, whose events are known late in their cycle; none for the rest.
    Inputs that a core has no use for stay 0 and cost nothing.

    Args:
        facts: layout of the facts that the registers hold.

    Attributes:
        now: events of this cycle, and whether the core is busy.
        load: from the loader of weights.
        fault: where the registers tell of it: a memory gave a wrong word.
        refused, refused_data: from the registers.
        facts: to the registers.
    """

    now = load = facts = port(data.View)
    refused = refused_data = fault = port(Signal)

    def __init__(self, *, facts: data.StructLayout) -> None:
        self._guarded = "errors_memory" in facts.members
        super().__init__(
            {
                "now": In(EVENTS),
                "load": In(LOAD),
                "refused": In(1),
                "refused_data": In(1),
                **({"fault": In(1)} if self._guarded else {}),
                "facts": Out(facts),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        load, refused = self.load, self.refused
        was = Signal(EVENTS)
        reason = Signal.like(load.reason)  # of the last image; 0 if it was taken
        m.d.sync += was.eq(self.now)
        with m.If(load.done | load.failed):
            m.d.sync += reason.eq(load.reason)
        wrong = Cat(was.early | was.late | was.unknown, refused, was.state_wrong, load.failed)
        fault = Signal() if self._guarded else Const(0, 0)
        if self._guarded:
            m.d.sync += fault.eq(self.fault)
            wrong = Cat(wrong, fault)
        told = {
            "status_idle": ~self.now.busy,
            "status_loaded": load.loaded,
            "status_loading": load.loading,
            "status_load_reason": reason,
            "irq_status_result": was.result,
            "irq_status_sequence": was.sequence,
            "irq_status_loaded": load.done,
            "irq_status_refused": load.failed,
            "irq_status_error": wrong.any(),
            "irq_status_saved": was.saved,
            "errors_early_last": was.early,
            "errors_late_last": was.late,
            "errors_stream": was.unknown,
            "errors_weights": load.failed,
            "errors_state": was.state_wrong,
            "errors_window": refused & self.refused_data,
            "errors_access": refused & ~self.refused_data,
            "errors_memory": fault,
            "cycles_count": was.busy,
            "steps_count": was.stepped,
            "sequences_count": was.sequence,
            "stalled_input_count": was.starves,
            "stalled_output_count": was.stalls,
            "dropped_count": was.dropped + was.state_dropped,
            "protocol_errors_count": sum(wrong[1:], wrong[0]),
            "saturated_count": was.saturated,
        }
        m.d.comb += [self.facts[name].eq(told[name]) for name, _ in self.facts.shape()]
        return m
