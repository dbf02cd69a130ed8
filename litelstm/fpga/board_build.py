"""From a network to a board's bitstream."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from golden.link.messages import Identity
from hdl import cycles
from hdl.board.board_top import TOP, BoardTop, Line, board_verilog
from hdl.board.plls.pll import MEGA, Pll
from hdl.plan import Plan
from litelstm.fpga import tools
from litelstm.fpga.boards import Board
from litelstm.fpga.errors import DoesNotFitError, TooSlowError
from litelstm.fpga.flow import Flow, Routed, Synthesized
from litelstm.fpga.measure import Progress, in_words, shortages
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import Target


@dataclass(frozen=True, kw_only=True)
class BoardBuild:
    """A board's bitstream, with the results of each step on the way to it.

    Attributes:
        board: the board.
        target: its part, with the top's clock as the wanted one.
        pll: setting of the PLL, ``None`` if the clock is the oscillator's.
        line: clock and serial line.
        identity: the board's answer to IDENTIFY.
        plan: plan of the core.
        verilog: Verilog of the whole top.
        netlist: cells of the top.
        routed: the routed design, fast enough for the clock; ``None`` if the part is not routed.
        bitstream: file in the cache; ``None`` if the part is not routed.
    """

    board: Board
    target: Target
    pll: Pll | None
    line: Line
    identity: Identity
    plan: Plan
    verilog: str
    netlist: Netlist
    routed: Routed | None
    bitstream: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return all but the Verilog as JSON values."""
        steady = cycles.steady_state(self.plan).cycles_per_step
        return {
            "board": self.board.name,
            "part": self.target.title,
            "note": self.target.note,
            "tools": tools.versions(self.target),
            "lanes": self.plan.options.lanes,
            "tail_multipliers": self.plan.options.tail_multipliers,
            **self.netlist.as_json(self.target.available),
            "oscillator_hz": self.board.oscillator,
            "pll": self.pll and {"primitive": self.pll.primitive, **asdict(self.pll)},
            "clock_hz": self.line.clock,
            "baud": self.line.baud,
            "divisor": self.line.divisor,
            **(self.routed.as_json() if self.routed else {}),
            "cycles_per_step": steady,
            "microseconds_per_step": round(1e6 * steady / self.line.clock, 3),
            "identity": {**asdict(self.identity), "network": self.identity.network.hex()},
            "interface": asdict(self.plan.options.interface),
        }


def build(
    plan: Plan,
    board: Board,
    *,
    network_name: str = "",
    mhz: float | None,
    baud: int | None,
    capacity: int,
    seeds: int,
    fresh: bool,
    progress: Progress,
) -> BoardBuild:
    """Synthesize, place and route a board's whole top, and make its bitstream.

    Args:
        plan: plan of the core.
        board: the board.
        network_name: the network's name, for the Verilog's header.
        mhz: of the clock, which a PLL makes; by default the oscillator's.
        baud: of the serial line; by default the board's.
        capacity: bytes of x that a request can have.
        seeds: runs of the router; the first whose clock is enough is taken.
        fresh: make everything anew, whatever the cache has.
        progress: shows progress.

    Raises:
        DoesNotFitError: the part is too small.
        TooSlowError: the design is slower than the clock, with every seed.
        InputError: see :meth:`golden.link.messages.Identity.of`,
            :class:`hdl.board.board_top.Line` and :meth:`hdl.board.plls.pll.Pll.nearest`.
        SynthesisError: a tool failed.
    """
    pll = board.pll_for(mhz)
    clock = int(pll.output) if pll else board.oscillator
    target = replace(board.part, mhz=clock / MEGA)
    flow = Flow(target=target, fresh=fresh)
    line = Line(clock=clock, baud=board.baud if baud is None else baud)
    identity = Identity.of(plan.network, plan.options.interface, capacity=capacity)
    with progress(f"synthesis of {plan.options.lanes} lanes for {board.name}", None):
        top = BoardTop(plan=plan, identity=identity, line=line, high=board.high_ports, pll=pll)
        verilog = board_verilog(top, network_name=network_name)
        synthesized = flow.synthesize(verilog, top=TOP)
    _check_room(synthesized, plan, board)
    routed = bitstream = None
    if target.routes:
        routed = _route(flow, synthesized, board, seeds, progress)
        with progress("bitstream", None):
            bitstream = flow.pack(routed)
    return BoardBuild(
        board=board,
        target=target,
        pll=pll,
        line=line,
        identity=identity,
        plan=plan,
        verilog=verilog,
        netlist=synthesized.netlist,
        routed=routed,
        bitstream=bitstream,
    )


def _check_room(synthesized: Synthesized, plan: Plan, board: Board) -> None:
    """Refuse a design that is too large for the board's part."""
    if short := shortages(synthesized.netlist.used, board.part):
        needs = in_words(short)
        raise DoesNotFitError(
            f"{plan.options.lanes} lanes do not fit {board.name}: {needs}; try other --lanes"
        )


def _route(
    flow: Flow, synthesized: Synthesized, board: Board, seeds: int, progress: Progress
) -> Routed:
    """Route with one seed after another until the clock is fast enough."""
    tried: list[Routed] = []
    pins, wanted = board.constraints(), flow.target.mhz
    with progress("place and route, seeds", seeds) as tell:
        for seed in range(1, seeds + 1):
            tried.append(flow.route(synthesized, seed=seed, pins=pins))
            if tried[-1].mhz >= wanted:
                return tried[-1]
            tell(seed)
    best = max(tried, key=lambda routed: routed.mhz)
    raise TooSlowError(
        f"the clock of {board.name} is {wanted:g} MHz, the design reaches {best.mhz:.1f} MHz (best "
        f"of {seeds} seeds); worst path {best.paths()[0]}; expected a slower --clock, fewer lanes "
        f"or more seeds"
    )
