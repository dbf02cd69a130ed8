"""PLL of an ECP5: ``EHXPLLL``, from Lattice's "ECP5 sysCLOCK PLL/DLL Design and Usage Guide"."""

from __future__ import annotations

from amaranth.hdl import Const, Instance, Module, Signal, Value

from hdl.board.plls.pll import Limits, Pll, Range


class Ecp5Pll(Pll):
    """``EHXPLLL`` with output CLKOS, fed back by CLKOP.

    The feedback goes through CLKOP's divider, and its own divider is 1. So CLKOP runs at the
    detector's frequency, and CLKOS divides the oscillator by any number.
    """

    limits = Limits(
        reference=Range(low=8, high=400),
        detector=Range(low=10, high=400),
        vco=Range(low=400, high=800),
        output=Range(low=10, high=400),
    )
    dividers = output_dividers = range(1, 129)
    primitive = "EHXPLLL"

    @classmethod
    def multipliers(cls, output_divider: int) -> range:
        return range(1, 129)

    def build(self, m: Module, *, reference: Value, output: Value, locked: Value) -> None:
        feedback = Signal(name="pll_feedback")
        m.submodules.pll = Instance(
            self.primitive,
            # Settings of the loop's filter.
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=self.divider,
            p_CLKFB_DIV=1,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=self.multiplier,
            p_CLKOP_CPHASE=self.multiplier - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=self.output_divider,
            p_CLKOS_CPHASE=self.output_divider - 1,
            p_CLKOS_FPHASE=0,
            i_CLKI=reference,
            i_CLKFB=feedback,
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_PHASESEL0=Const(0),
            i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(0),
            i_PHASESTEP=Const(0),
            i_PHASELOADREG=Const(0),
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            i_ENCLKOS=Const(0),
            o_CLKOP=feedback,
            o_CLKOS=output,
            o_LOCK=locked,
        )
