"""Settings of PLLs: the data sheets' equations and limits, and the settings of other tools.

The equations here are written from the data sheets, with the cells' parameters; hdl.board.plls has
them with its own dividers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from amaranth.hdl import Const, Module, Signal
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.errors import InputError
from hdl.board.plls.ecp5 import Ecp5Pll
from hdl.board.plls.gowin import Gw1nr9Pll, Gw2a18Pll
from hdl.board.plls.ice40 import Ice40PadPll, Ice40Pll
from hdl.board.plls.pll import Pll
from hdl.board.plls.xilinx7 import Xilinx7Pll

pytestmark = pytest.mark.usefixtures("made_in_vain")

Frequencies = tuple[Fraction, Fraction, Fraction]
"""MHz at the phase detector, of the oscillator, and at the output."""


def _ice40(p: dict[str, Any], f: Fraction) -> Frequencies:
    """FPGA-TN-02052: f_out = f_ref (DIVF + 1) / (2^DIVQ (DIVR + 1)) with simple feedback."""
    detector = f / (p["DIVR"] + 1)
    vco = detector * (p["DIVF"] + 1)
    assert p["FEEDBACK_PATH"] == "SIMPLE"
    return detector, vco, vco / 2 ** p["DIVQ"]


def _ecp5(p: dict[str, Any], f: Fraction) -> Frequencies:
    """FPGA-TN-02200: f_vco = f_in / CLKI_DIV CLKFB_DIV CLKOP_DIV, fed back by CLKOP."""
    detector = f / p["CLKI_DIV"]
    vco = detector * p["CLKFB_DIV"] * p["CLKOP_DIV"]
    assert p["FEEDBK_PATH"] == "CLKOP"
    return detector, vco, vco / p["CLKOS_DIV"]


def _gowin(p: dict[str, Any], f: Fraction) -> Frequencies:
    """UG286: f_out = f_in (FBDIV_SEL + 1) / (IDIV_SEL + 1), f_vco = f_out ODIV_SEL."""
    detector = f / (p["IDIV_SEL"] + 1)
    output = detector * (p["FBDIV_SEL"] + 1)
    assert Fraction(p["FCLKIN"]) == f
    return detector, output * p["ODIV_SEL"], output


def _xilinx7(p: dict[str, Any], f: Fraction) -> Frequencies:
    """UG472: f_vco = f_in M / D, f_out = f_vco / O."""
    detector = f / p["DIVCLK_DIVIDE"]
    vco = detector * p["CLKFBOUT_MULT"]
    assert p["CLKIN1_PERIOD"] == pytest.approx(float(1000 / f))
    return detector, vco, vco / p["CLKOUT0_DIVIDE"]


Case = tuple[
    type[Pll], Callable[[dict[str, Any], Fraction], Frequencies], list[tuple[float, float]]
]

CASES: tuple[Case, ...] = (
    (Ice40Pll, _ice40, [(10, 133), (533, 1066), (16, 275)]),
    (Ecp5Pll, _ecp5, [(10, 400), (400, 800), (10, 400)]),
    (Gw1nr9Pll, _gowin, [(3, 400), (400, 1200), (3.125, 600)]),
    (Gw2a18Pll, _gowin, [(3, 500), (500, 1250), (3.90625, 625)]),
    (Xilinx7Pll, _xilinx7, [(19, 450), (800, 1600), (6.25, 464)]),
)
"""PLL, equations, and data sheet's limits in MHz of detector, oscillator and output."""


def parameters(pll: Pll) -> dict[str, Any]:
    """Read the parameters of the cell that a PLL builds."""
    m = Module()
    pll.build(m, reference=Signal(), output=Signal(), locked=Signal())
    submodules: Any = m._named_submodules
    (cell,) = [part for part, *_ in submodules.values() if part.type == pll.primitive]
    return {
        name: value.value if isinstance(value, Const) else value
        for name, value in cell.parameters.items()
    }


@pytest.mark.parametrize(("kind", "equations", "limits"), CASES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_data_sheets_equations_and_limits(
    kind: type[Pll],
    equations: Callable[[dict[str, Any], Fraction], Frequencies],
    limits: list[tuple[float, float]],
    data: st.DataObject,
) -> None:
    reference = data.draw(st.sampled_from([12, 16, 24, 25, 27, 48, 50, 100]))
    if kind is Xilinx7Pll:
        reference = 100
    wanted = data.draw(st.integers(16_000, 240_000)) * 1000
    try:
        pll = kind.nearest(reference * 10**6, wanted)
    except InputError:
        return
    found = equations(parameters(pll), Fraction(reference))
    assert found == tuple(hertz / 10**6 for hertz in (pll.detector, pll.vco, pll.output))
    assert all(low <= mhz <= high for mhz, (low, high) in zip(found, limits, strict=True))
    assert Fraction(95, 100) * wanted <= pll.output <= wanted


@pytest.mark.parametrize(
    ("kind", "reference", "wanted", "megahertz"),
    [
        (Ice40Pll, 12, 27, 27),
        (Ice40PadPll, 12, 28, 27.75),
        (Ecp5Pll, 25, 80, 80),
        (Ecp5Pll, 48, 100, 100),
        (Gw1nr9Pll, 27, 36, 36),
        (Gw2a18Pll, 27, 81, 81),
        (Xilinx7Pll, 100, 115, 115),
    ],
)
def test_the_fastest_clock_that_is_not_too_fast(
    kind: type[Pll], reference: int, wanted: int, megahertz: float
) -> None:
    pll = kind.nearest(reference * 10**6, wanted * 10**6)
    assert float(pll.output) == megahertz * 1e6


@pytest.mark.parametrize("mhz", [5, 15, 290, 1000])
def test_a_clock_that_cannot_be_made(mhz: int) -> None:
    says = (
        f"clock is {mhz} MHz, expected one that SB_PLL40_CORE makes from 12 MHz, from 16 to 275 MHz"
    )
    with pytest.raises(InputError, match=f"^{says}$"):
        Ice40Pll.nearest(12_000_000, mhz * 10**6)


@pytest.mark.fpga
@pytest.mark.parametrize(("reference", "wanted"), [(12, 27), (12, 33), (48, 40), (100, 60)])
def test_icestorms_calculator_finds_no_better(reference: int, wanted: int) -> None:
    said = _said("yowasp-icepll", "-i", reference, "-o", wanted)
    theirs = Fraction(re.findall(r"([\d.]+) MHz \(achieved\)", said)[0])
    pll = Ice40Pll.nearest(reference * 10**6, wanted * 10**6)
    assert theirs > wanted or pll.output / 10**6 >= theirs - Fraction(1, 1000)
    if pll.output == wanted * 10**6:
        names = ("DIVR", "DIVF", "DIVQ", "FILTER_RANGE")
        found = {name: int(re.findall(rf"{name}: *(\d+)", said)[0]) for name in names}
        built = parameters(pll)
        if found["DIVR"] == built["DIVR"]:
            assert found["FILTER_RANGE"] == built["FILTER_RANGE"]


@pytest.mark.fpga
@pytest.mark.parametrize("wanted", [36, 54, 100])
def test_apyculas_calculator_finds_no_better(wanted: int) -> None:
    said = _said("gowin_pll", "-i", 27, "-o", wanted, "-d", "GW1NR-LV9QN88PC6/I5")
    theirs = Fraction(re.findall(r"Achieved output frequency: *([\d.]+) MHz", said)[0])
    pll = Gw1nr9Pll.nearest(27_000_000, wanted * 10**6)
    assert theirs > wanted or pll.output / 10**6 >= theirs - Fraction(1, 1000)


def _said(*command: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, check=True, text=True
    )
    return done.stdout
