"""From a network to a board's bitstream."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from golden.link.messages import Identity
from hdl import cycles
from hdl.board.board_top import TOP, BoardTop, Line, board_verilog
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
        target: its part, with the oscillator's frequency as the wanted clock.
        line: clock and serial line.
        identity: the board's answer to IDENTIFY.
        plan: plan of the core.
        verilog: Verilog of the whole top.
        netlist: cells of the top.
        routed: the routed design, fast enough for the oscillator.
        bitstream: file in the cache.
    """

    board: Board
    target: Target
    line: Line
    identity: Identity
    plan: Plan
    verilog: str
    netlist: Netlist
    routed: Routed
    bitstream: Path

    def as_json(self) -> dict[str, Any]:
        """Return all but the Verilog as JSON values."""
        steady = cycles.steady_state(self.plan).cycles_per_step
        return {
            "board": self.board.name,
            "part": self.target.title,
            "tools": tools.versions(self.target),
            "lanes": self.plan.options.lanes,
            "tail_multipliers": self.plan.options.tail_multipliers,
            **self.netlist.as_json(self.target.available),
            "clock_hz": self.line.clock,
            "baud": self.line.baud,
            "divisor": self.line.divisor,
            "seed": self.routed.seed,
            "mhz": round(self.routed.mhz, 2),
            "worst_path": str(self.routed.paths()[0]),
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
        baud: of the serial line; by default the board's.
        capacity: bytes of x that a request can have.
        seeds: runs of the router; the first whose clock is enough is taken.
        fresh: make everything anew, whatever the cache has.
        progress: shows progress.

    Raises:
        DoesNotFitError: the part is too small.
        TooSlowError: the design is slower than the board's oscillator, with every seed.
        InputError: see :meth:`golden.link.messages.Identity.of` and
            :class:`hdl.board.board_top.Line`.
        SynthesisError: a tool failed.
    """
    target = board.part
    flow = Flow(target=target, fresh=fresh)
    line = Line(clock=board.clock, baud=board.baud if baud is None else baud)
    identity = Identity.of(plan.network, plan.options.interface, capacity=capacity)
    with progress(f"synthesis of {plan.options.lanes} lanes for {board.name}", None):
        top = BoardTop(plan=plan, identity=identity, line=line, high=board.high_ports)
        verilog = board_verilog(top, network_name=network_name)
        synthesized = flow.synthesize(verilog, top=TOP)
    if short := shortages(synthesized.netlist.used, target):
        needs = in_words(short)
        raise DoesNotFitError(
            f"{plan.options.lanes} lanes do not fit {board.name}: {needs}; try other --lanes"
        )
    routed = _route(flow, synthesized, board, seeds, progress)
    with progress("bitstream", None):
        bitstream = flow.pack(routed)
    return BoardBuild(
        board=board,
        target=target,
        line=line,
        identity=identity,
        plan=plan,
        verilog=verilog,
        netlist=synthesized.netlist,
        routed=routed,
        bitstream=bitstream,
    )


def _route(
    flow: Flow, synthesized: Synthesized, board: Board, seeds: int, progress: Progress
) -> Routed:
    """Route with one seed after another until the clock is fast enough."""
    tried: list[Routed] = []
    pins = board.constraints()
    with progress("place and route, seeds", seeds) as tell:
        for seed in range(1, seeds + 1):
            tried.append(flow.route(synthesized, seed=seed, pins=pins))
            if tried[-1].mhz * 1e6 >= board.clock:
                return tried[-1]
            tell(seed)
    best = max(tried, key=lambda routed: routed.mhz)
    raise TooSlowError(
        f"{board.name} runs at {board.clock / 1e6:g} MHz, the design reaches {best.mhz:.1f} MHz "
        f"(best of {seeds} seeds); worst path {best.paths()[0]}; expected fewer lanes or more seeds"
    )
