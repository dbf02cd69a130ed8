"""A core with a narrow port for loading weights, for measuring on parts with few pins."""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hdl.export.plain_ports import plain_ports
from hdl.parts.component import port
from hdl.parts.top_ports import members, wire
from hdl.plan import Plan
from hdl.sequence.sequence_core import Cores, core_of
from hdl.verilog import convert

_WEIGHTS = "i_weights_data"


class FewPins(wiring.Component):
    """A core whose weights arrive in bytes, and whose load status leaves on one pin.

    Its other ports are the plain ones. A board has a serial link in this place. A word consists of
    the last four bytes.
    """

    load = i_weights_data = port(Signal)

    def __init__(self, core: Cores) -> None:
        self.core = core
        self._ports = [
            replace(one, shape=8) if one.name == _WEIGHTS else one
            for one in plain_ports(core.plan)
            if not one.inner.startswith("load.")
        ]
        super().__init__({"load": Out(1), **members(self._ports)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        for one in self._ports:
            if one.name != _WEIGHTS:
                wire(m, self, [one], core)
                continue
            word = Signal.like(core.i_weights.payload.data, name="word", reset_less=True)
            m.d.sync += word.eq(Cat(word[8:], self.i_weights_data))
            m.d.comb += core.i_weights.payload.data.eq(word)
        m.d.comb += self.load.eq(core.load.as_value().xor())
        return m


def few_pins_verilog(plan: Plan, *, name: str) -> str:
    """Convert a core with loadable weights to Verilog, with the ports of :class:`FewPins`."""
    return convert(FewPins(core_of(plan)), name=name)
