"""A core with narrow ports for what loads its weights, to be measured on parts with few pins."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import In, Out

from hdl.component import Component
from hdl.core import Core
from hdl.plain_ports import plain_ports
from hdl.plan import Plan
from hdl.verilog import convert

_OCTETS = "i_weights_data"


class FewPins(Component):
    """The plain ports, but words of weights come in octets and what became of them leaves on a pin.

    As on a board, where a serial link stands in this place. A word is the last four octets.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        sides = {"input": In, "output": Out}
        self._ports = plain_ports(core.plan)
        super().__init__(
            {
                "load": Out(1),
                **{
                    port.name: sides[port.direction](8 if port.name == _OCTETS else port.shape)
                    for port in self._ports
                    if not port.inner.startswith("load.")
                },
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        for port in self._ports:
            inner: Any = attrgetter(port.inner)(core)
            if port.name == _OCTETS:
                word = Signal(port.width, reset_less=True)
                m.d.sync += word.eq(Cat(word[8:], self.i_weights_data))
                m.d.comb += inner.eq(word)
            elif port.inner.startswith("load."):
                continue
            elif port.direction == "input":
                m.d.comb += inner.eq(getattr(self, port.name))
            else:
                m.d.comb += getattr(self, port.name).eq(inner)
        m.d.comb += self.load.eq(core.load.as_value().xor())
        return m


def few_pins_verilog(plan: Plan, *, name: str) -> str:
    """Verilog of a core of which weights are loaded, as :class:`FewPins`."""
    return convert(FewPins(Core(plan=plan)), name=name)
