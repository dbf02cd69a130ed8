"""PLL of a Xilinx 7-series part: ``PLLE2_BASE``, from UG472, with the limits of DS181."""

from __future__ import annotations

from amaranth.hdl import Const, Instance, Module, Signal, Value

from hdl.board.plls.pll import Limits, Pll, Range


class Xilinx7Pll(Pll):
    """``PLLE2_BASE`` with its feedback wired directly, and a global buffer behind it.

    The limits are those of an Artix-7 of speed grade 1.
    """

    limits = Limits(
        reference=Range(low=19, high=800),
        detector=Range(low=19, high=450),
        vco=Range(low=800, high=1600),
        output=Range(low=6.25, high=464),  # the global buffer's limit
    )
    dividers = range(1, 57)
    output_dividers = range(1, 129)
    primitive = "PLLE2_BASE"

    @classmethod
    def multipliers(cls, output_divider: int) -> range:
        return range(2, 65)

    def build(self, m: Module, *, reference: Value, output: Value, locked: Value) -> None:
        feedback, clock = Signal(name="pll_feedback"), Signal(name="pll_clock")
        m.submodules.pll = Instance(
            self.primitive,
            p_CLKIN1_PERIOD=1e9 / self.reference,
            p_DIVCLK_DIVIDE=self.divider,
            p_CLKFBOUT_MULT=self.multiplier,
            p_CLKOUT0_DIVIDE=self.output_divider,
            i_CLKIN1=reference,
            i_CLKFBIN=feedback,
            i_RST=Const(0),
            i_PWRDWN=Const(0),
            o_CLKFBOUT=feedback,
            o_CLKOUT0=clock,
            o_LOCKED=locked,
        )
        m.submodules.pll_buffer = Instance("BUFG", i_I=clock, o_O=output)
