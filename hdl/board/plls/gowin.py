"""PLL of a Gowin GW1N or GW2A: ``rPLL``, from Gowin's UG286 and the parts' data sheets."""

from __future__ import annotations

from typing import ClassVar

from amaranth.hdl import Const, Instance, Module, Value

from hdl.board.plls.pll import MEGA, Limits, Pll, Range


class GowinPll(Pll):
    """``rPLL`` with internal feedback from behind the output's divider.

    output = reference (FBDIV_SEL + 1) / (IDIV_SEL + 1), and the oscillator runs ODIV_SEL times as
    fast as the output.

    Attributes:
        device: the part, which the cell is told.
    """

    dividers = range(1, 65)
    output_dividers = (2, 4, 8, *range(16, 129, 16))
    primitive = "rPLL"
    device: ClassVar[str]

    @classmethod
    def multipliers(cls, output_divider: int) -> range:
        return range(output_divider, 64 * output_divider + 1, output_divider)

    def build(self, m: Module, *, reference: Value, output: Value, locked: Value) -> None:
        zeros = {name: Const(0, 6) for name in ("i_FBDSEL", "i_IDSEL", "i_ODSEL")}
        zeros |= {name: Const(0, 4) for name in ("i_PSDA", "i_DUTYDA", "i_FDLY")}
        m.submodules.pll = Instance(
            self.primitive,
            p_DEVICE=self.device,
            p_FCLKIN=f"{self.reference / MEGA:g}",
            p_IDIV_SEL=self.divider - 1,
            p_DYN_IDIV_SEL="false",
            p_FBDIV_SEL=self.multiplier // self.output_divider - 1,
            p_DYN_FBDIV_SEL="false",
            p_ODIV_SEL=self.output_divider,
            p_DYN_ODIV_SEL="false",
            p_CLKFB_SEL="internal",
            p_CLKOUT_BYPASS="false",
            i_CLKIN=reference,
            i_CLKFB=Const(0),
            i_RESET=Const(0),
            i_RESET_P=Const(0),
            o_CLKOUT=output,
            o_LOCK=locked,
            **zeros,
        )


class Gw1nr9Pll(GowinPll):
    """PLL of a GW1NR-9, speed grade C6/I5."""

    limits = Limits(
        reference=Range(low=3, high=400),
        detector=Range(low=3, high=400),
        vco=Range(low=400, high=1200),
        output=Range(low=3.125, high=600),
    )
    device = "GW1NR-9C"


class Gw2a18Pll(GowinPll):
    """PLL of a GW2A-18 or GW2AR-18, speed grade C8/I7."""

    limits = Limits(
        reference=Range(low=3, high=500),
        detector=Range(low=3, high=500),
        vco=Range(low=500, high=1250),
        output=Range(low=3.90625, high=625),
    )
    device = "GW2AR-18C"
