"""A board's line; what its top does is in tests/sim/test_board.py."""

from __future__ import annotations

import pytest

from golden.errors import InputError
from hdl.board.board_top import Line
from hdl.serial.uart import UartReceiver, UartTransmitter

pytestmark = pytest.mark.usefixtures("made_in_vain")


@pytest.mark.parametrize(
    ("clock", "baud", "divisor"),
    [(25_000_000, 1_000_000, 25), (12_000_000, 115_200, 104), (12_000_000, 3_000_000, 4)],
)
def test_divisors(clock: int, baud: int, divisor: int) -> None:
    assert Line(clock=clock, baud=baud).divisor == divisor


@pytest.mark.parametrize("baud", [-1, 0, 921_600, 2_100_000, 8_000_000])
def test_rates_that_a_clock_cannot_make(baud: int) -> None:
    with pytest.raises(InputError, match=f"baud is {baud}, expected a rate that 8000000 Hz"):
        Line(clock=8_000_000, baud=baud)


@pytest.mark.parametrize("component", [UartReceiver, UartTransmitter])
def test_a_divisor_that_is_too_small(component: type) -> None:
    with pytest.raises(ValueError, match="divisor must be 4 or more, not 3"):
        component(divisor=3)
