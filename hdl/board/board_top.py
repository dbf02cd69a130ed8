"""Top of a board: clock, reset, serial line, link and core."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetInserter, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect

from golden.errors import InputError
from golden.link.messages import Identity
from hdl.board.plls.pll import Pll
from hdl.board.responder import Responder
from hdl.export.description import describe
from hdl.export.verilog_header import header
from hdl.parts.component import port
from hdl.plan import Plan
from hdl.sequence.sequence_core import SequenceCore, core_of
from hdl.serial.framing import Framed
from hdl.serial.uart import MIN_DIVISOR, UartReceiver, UartTransmitter
from hdl.verilog import convert

TOP = "litelstm_board"
"""Name of the top module."""

POWER_ON_SECONDS = 15e-6
"""Seconds after configuration in which an iCE40's block RAMs may not yet have their contents."""

MAX_BAUD_ERROR = 0.02
"""Largest relative error of a rate. Both ends together may be off by half a bit in ten."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A board's serial line.

    Attributes:
        clock: Hz, at which the whole design runs.
        baud: bits per second.

    Raises:
        InputError: the clock cannot make the rate well enough.
    """

    clock: int
    baud: int

    def __post_init__(self) -> None:
        ratio = self.clock / self.baud if self.baud > 0 else 0.0
        if ratio < MIN_DIVISOR or abs(self.divisor - ratio) > MAX_BAUD_ERROR * ratio:
            raise InputError(
                f"baud is {self.baud}, expected a rate that {self.clock} Hz divided by a whole "
                f"number of {MIN_DIVISOR} or more makes within {MAX_BAUD_ERROR:.0%}"
            )

    @property
    def divisor(self) -> int:
        """Clock cycles per bit."""
        return round(self.clock / self.baud)


class BoardTop(wiring.Component):
    """A core that a host reaches over a serial line.

    Everything runs at one clock: that of the board's oscillator, or that of a PLL behind it. A
    reset lasts for ``POWER_ON_SECONDS`` after power-on, or after the PLL's clock is stable. There
    is no reset input: each new sequence of a host resets the core.

    Args:
        plan: of the core: one stream, state cleared, results of sequences only.
        identity: answer to IDENTIFY; it also limits the bytes of x per request.
        line: clock and serial line.
        high: names of outputs that are always 1, for pins that a board needs high.
        pll: makes the clock from the oscillator; ``None`` if the clock is the oscillator's.

    Attributes:
        clk: the oscillator.
        rx, tx: the serial line, seen from here.
    """

    clk = rx = tx = port(Signal)

    def __init__(
        self,
        *,
        plan: Plan,
        identity: Identity,
        line: Line,
        high: Sequence[str] = (),
        pll: Pll | None = None,
    ) -> None:
        self.core = core_of(plan)
        self.responder = Responder(plan=plan, identity=identity)
        self.line = line
        self._high = tuple(high)
        self._pll = pll
        outputs = {name: Out(1) for name in ("tx", *high)}
        super().__init__({"clk": In(1), "rx": In(1), **outputs})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._start_clock(m)
        divisor = self.line.divisor
        m.submodules.receiver = receiver = UartReceiver(divisor=divisor)
        m.submodules.link = link = Framed(responder=self.responder)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=divisor)
        m.submodules.core = ResetInserter(self.responder.restart)(self.core)
        m.d.comb += [receiver.line.eq(self.rx), self.tx.eq(transmitter.line)]
        m.d.comb += [getattr(self, name).eq(1) for name in self._high]
        connect(m, receiver.o, link.i)
        connect(m, link.o, transmitter.i)
        connect(m, self.responder.x, self.core.i)
        connect(m, self.core.o, self.responder.words)
        if isinstance(self.core, SequenceCore):
            m.d.comb += self.responder.overlong.eq(self.core.overlong)
        return m

    def _start_clock(self, m: Module) -> None:
        """Make the clock, and a reset at power-on."""
        cycles = math.ceil(self.line.clock * POWER_ON_SECONDS)
        waited = Signal(range(cycles + 1))
        m.domains.power_on = ClockDomain(reset_less=True, local=True)
        m.domains.sync = ClockDomain(local=True)
        clock = self.clk
        m.d.power_on += waited.eq(waited + ResetSignal())
        if self._pll:
            clock, locked, stable = (
                Signal(name="clock"),
                Signal(name="locked"),
                Signal(name="stable"),
            )
            self._pll.build(m, reference=self.clk, output=clock, locked=locked)
            m.submodules.lock = FFSynchronizer(locked, stable, o_domain="power_on", reset_less=True)
            with m.If(~stable):
                m.d.power_on += waited.eq(0)
        m.d.comb += [
            ClockSignal("power_on").eq(clock),
            ClockSignal().eq(clock),
            ResetSignal().eq(waited != cycles),
        ]


def board_verilog(top: BoardTop, *, network_name: str = "") -> str:
    """Generate Verilog of a board's top, module ``TOP``; its header shows the network's name."""
    plan, line = top.core.plan, top.line
    host = f"serial line to a host, {line.baud} baud at {line.clock} Hz"
    told = describe(plan, name=TOP)
    comments = header(plan, told, host=host, network_name=network_name)
    return convert(top, name=TOP, header=comments)
