"""A core that buffers sequences: for networks with reverse and bidirectional layers."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hdl.core import Core
from hdl.layout.ports import input_layout, output_layout
from hdl.loading.loader import Loader
from hdl.parts.component import port
from hdl.plan import Plan
from hdl.sequence.conductor import Conductor
from hdl.store.state_access import StateAccess


class SequenceCore(wiring.Component):
    """A conductor around a core that runs one direction of one layer in each step.

    Cycles per sequence: :func:`hdl.cycles.count`.

    Args:
        plan: the network and the core's options, among them ``max_steps``.
        watched: add the outputs that a bus counts.

    Attributes:
        i, o, waits, saturated: as of :class:`hdl.core.Core`.
        overlong: see `Conductor`.
        access, loader: none: the core has no states and weights that a host could load, nor the
            ports for them.
    """

    i = o = i_state = o_state = i_weights = port(stream.Interface)
    overlong = waits = saturated = restart = last_input = port(Signal)
    load = port(data.View)
    access: StateAccess | None = None
    loader: Loader | None = None

    def __init__(self, *, plan: Plan, watched: bool = False) -> None:
        self.plan = plan
        self.core = Core(plan=plan.swept, watched=watched)
        self.conductor = Conductor(plan=plan)
        super().__init__(
            {
                "i": In(stream.Signature(input_layout(plan))),
                "o": Out(stream.Signature(output_layout(plan))),
                "overlong": Out(1),
                **({"waits": Out(1), "saturated": Out(1)} if watched else {}),
            }
        )
        self._watched = watched

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        m.submodules.conductor = conductor = self.conductor
        connect(m, flipped(self.i), conductor.i)
        connect(m, conductor.o, flipped(self.o))
        connect(m, conductor.steps, core.i)
        connect(m, core.o, conductor.made)
        m.d.comb += self.overlong.eq(conductor.overlong)
        if self._watched:
            m.d.comb += [self.waits.eq(conductor.waits), self.saturated.eq(core.saturated)]
        return m


Cores = Core | SequenceCore
"""Either kind of core."""


def core_of(plan: Plan, *, watched: bool = False) -> Cores:
    """Make the core of a plan."""
    if plan.options.max_steps:
        return SequenceCore(plan=plan, watched=watched)
    return Core(plan=plan, watched=watched)
