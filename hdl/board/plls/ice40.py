"""PLL of an iCE40: ``SB_PLL40``, from Lattice's "iCE40 sysCLOCK PLL Design and Usage Guide"."""

from __future__ import annotations

from amaranth.hdl import Const, Instance, Module, Value

from hdl.board.plls.pll import MEGA, Limits, Pll, Range

_FILTERS = (17, 26, 44, 66, 101)
"""Frequencies of the phase detector in MHz at which the next setting of the filter begins."""


class Ice40Pll(Pll):
    """``SB_PLL40_CORE`` with simple feedback.

    output = reference (DIVF + 1) / (2^DIVQ (DIVR + 1))
    """

    limits = Limits(
        reference=Range(low=10, high=133),
        detector=Range(low=10, high=133),
        vco=Range(low=533, high=1066),
        output=Range(low=16, high=275),
    )
    dividers = range(1, 17)
    output_dividers = tuple(2**q for q in range(1, 7))
    primitive = "SB_PLL40_CORE"
    input_port = "REFERENCECLK"

    @classmethod
    def multipliers(cls, output_divider: int) -> range:
        return range(1, 129)

    @property
    def filter_range(self) -> int:
        """Setting of the loop's filter, 1 to 6."""
        return 1 + sum(self.detector >= start * MEGA for start in _FILTERS)

    def build(self, m: Module, *, reference: Value, output: Value, locked: Value) -> None:
        m.submodules.pll = Instance(
            self.primitive,
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(self.divider - 1, 4),
            p_DIVF=Const(self.multiplier - 1, 7),
            p_DIVQ=Const(self.output_divider.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(self.filter_range, 3),
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=output,
            o_LOCK=locked,
            **{f"i_{self.input_port}": reference},
        )


class Ice40PadPll(Ice40Pll):
    """``SB_PLL40_PAD``: for an oscillator at the pin that belongs to the PLL."""

    primitive = "SB_PLL40_PAD"
    input_port = "PACKAGEPIN"
