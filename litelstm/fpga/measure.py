"""Area, clock and speed of a core on a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any

from golden.quantized import QuantizedNetwork
from hdl import cycles, verilog
from hdl.export.plain_ports import plain_ports
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.fpga import tools
from litelstm.fpga.bare_array import bare_array_verilog
from litelstm.fpga.clock import Clock
from litelstm.fpga.errors import DoesNotFitError
from litelstm.fpga.few_pins import few_pins_verilog
from litelstm.fpga.flow import Flow, Synthesized
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.seeds import route_all
from litelstm.fpga.targets import MULTIPLIER, PIN, SPRAM, Target, larger

TOP = "litelstm_core"

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows progress, like :func:`litelstm.console.progress`."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A core on a part.

    Attributes:
        target: the part.
        plan: the core.
        netlist: its cells.
        clock: its clock, ``None`` if the target is not routed.
        bare_array: the clock of the MAC array alone, if measured.
        wanted: clock that it must reach, in MHz, if there is one.
        steps: length of the sequences that count as inferences.
    """

    target: Target
    plan: Plan
    netlist: Netlist
    clock: Clock | None
    bare_array: Clock | None
    wanted: float | None
    steps: int

    def as_json(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            "target": self.target.name,
            "part": self.target.title,
            "note": self.target.note,
            "tools": tools.versions(self.target),
            "lanes": self.plan.options.lanes,
            "joint": asdict(self.plan.joint) if self.plan.joint else None,
            "tail_multipliers": self.plan.update_cost.hardware_multipliers,
            "interface": asdict(self.plan.options.interface),
            "storage": asdict(self.plan.options.storage),
            **self.netlist.as_json(self.target.available),
            "cycles_per_step": self.cycles_per_step,
            "steps_per_sequence": self.steps,
            "cycles_per_sequence": self.cycles_per_sequence,
            "clock": self.clock and self.clock.as_json(),
            "bare_array": self.bare_array and self.bare_array.as_json(),
            "wanted": self.clock.judged(self.wanted) if self.clock and self.wanted else None,
            **self._speed(),
        }

    @property
    def cycles_per_step(self) -> int:
        return cycles.steady_state(self.plan).cycles_per_step

    @property
    def cycles_per_sequence(self) -> int:
        """Cycles per sequence, in a series of such sequences."""
        return cycles.cycles_per_sequence(self.plan, self.steps)

    def _speed(self) -> dict[str, Any]:
        if self.clock is None:
            return {}
        hertz = self.clock.median * 1e6
        multipliers = self.plan.array_multipliers + self.plan.update_cost.hardware_multipliers
        steps = hertz / self.cycles_per_step
        ratio = self.clock.median / self.bare_array.median if self.bare_array else None
        return {
            "microseconds_per_step": round(1e6 / steps, 3),
            "steps_per_second": round(steps),
            "inferences_per_second": round(hertz / self.cycles_per_sequence),
            "macs_per_second_per_multiplier": round(
                steps * self.plan.network.products / multipliers
            ),
            "clock_to_bare_array": round(ratio, 3) if ratio else None,
        }


def measure(
    network: QuantizedNetwork,
    flow: Flow,
    *,
    options: CoreOptions,
    seeds: int,
    steps: int,
    bare_array: bool,
    bitstream: bool,
    progress: Progress,
    paths: int = 1,
    wanted: float | None = None,
    where: Mapping[str, Any] | None = None,
) -> Measured:
    """Synthesize a core, and place and route it if the target is routed.

    Args:
        network, options: the core.
        flow: the tools, and the clock that the router aims at.
        seeds: runs of the router.
        steps: length of the sequences that count as inferences.
        bare_array, bitstream: whether to make these, too.
        progress: shows progress.
        paths: number of longest paths to keep.
        wanted: clock that the core must reach, in MHz.
        where: where seeds run, see :func:`litelstm.fpga.seeds.route_all`.

    Raises:
        DoesNotFitError: the part is too small; the message names a remedy.
        InputError: an option is out of range.
        SynthesisError: a tool failed.
    """
    with progress(f"synthesis of {options.lanes} lanes for {flow.target.name}", None):
        core = verilog.generated(Plan(network=network, options=options), name=TOP)
        few = core.plan.options.storage.loadable and _pins(core.plan) > flow.target.available[PIN]
        text = few_pins_verilog(core.plan, name=TOP) if few else core.verilog
        synthesized = flow.synthesize(text, top=TOP)
    _check_fit(flow, core.plan, synthesized.netlist, progress)
    clock = bare = None
    if flow.target.routes:
        router = _Router(flow=flow, seeds=seeds, progress=progress, where=where or {})
        clock = router.route(synthesized, "core", bitstream=bitstream, paths=paths)
        bare = _bare_array(router, core.plan) if bare_array else None
    return Measured(
        target=flow.target,
        plan=core.plan,
        netlist=synthesized.netlist,
        clock=clock,
        bare_array=bare,
        wanted=wanted,
        steps=steps,
    )


def _pins(plan: Plan) -> int:
    """Count the pins of a core: the bits of its ports, clock and reset."""
    return 2 + sum(one.width for one in plain_ports(plan))


@dataclass(frozen=True, kw_only=True)
class _Router:
    """Router with its seeds."""

    flow: Flow
    seeds: int
    progress: Progress
    where: Mapping[str, Any]

    def route(
        self, synthesized: Synthesized, what: str, *, bitstream: bool = False, paths: int = 1
    ) -> Clock:
        """Route with all seeds; make the bitstream of the fastest."""
        with self.progress(f"place and route the {what}, seeds", self.seeds) as tell:
            routed = route_all(self.flow, synthesized, self.seeds, self.where, tell)
        by_clock = sorted(routed, key=lambda single: single.mhz)
        packed = None
        if bitstream:
            with self.progress("bitstream", None):
                packed = str(self.flow.pack(by_clock[-1]))
        return Clock(
            mhz=tuple(single.mhz for single in routed),
            paths=tuple(by_clock[(self.seeds - 1) // 2].paths(paths)),
            hidden=tuple(routed[0].hidden.notes()),
            bitstream=packed,
        )


def _bare_array(router: _Router, plan: Plan) -> Clock:
    """Measure the clock of the MAC array alone."""
    with router.progress("synthesis of the bare array", None):
        synthesized = router.flow.synthesize(bare_array_verilog(plan, name=TOP), top=TOP)
    return router.route(synthesized, "bare array")


def shortages(used: dict[str, int], target: Target) -> dict[str, tuple[int, int]]:
    """List the resources that a part lacks, with the needed and the available amount.

    A part that lists no hard block of a kind has none.
    """
    available = {SPRAM: 0, MULTIPLIER: 0, **target.available}
    return {
        name: (used[name], have) for name, have in available.items() if used.get(name, 0) > have
    }


def in_words(short: dict[str, tuple[int, int]]) -> str:
    """Describe shortages."""
    return ", ".join(
        f"{needed} {name}s of {have} ({needed - have} too many)"
        for name, (needed, have) in short.items()
    )


def _check_fit(flow: Flow, plan: Plan, netlist: Netlist, progress: Progress) -> None:
    short = shortages(netlist.used, flow.target)
    if not short:
        return
    fits = next((t for t in larger(flow.target) if not shortages(netlist.used, t)), None)
    if fits:
        remedy = f"the smallest part of its family that would do: {fits.name}"
    elif PIN in short:
        remedy = "it needs as many pins with any number of lanes"
    elif lanes := _fewer_lanes(flow, plan, netlist, progress):
        remedy = f"the most lanes that would fit: {lanes}"
    else:
        remedy = "no part of its family is large enough, with any number of lanes"
    raise DoesNotFitError(
        f"{plan.options.lanes} lanes do not fit {flow.target.name}: {in_words(short)}; {remedy}"
    )


def _fewer_lanes(flow: Flow, plan: Plan, netlist: Netlist, progress: Progress) -> int:
    """Find the largest number of lanes that fits; 0 if none does.

    Area grows with the lanes, so it bisects, with a synthesis per guess.
    """
    fits, fails = 0, plan.options.lanes
    multipliers = flow.target.available.get(MULTIPLIER, 0)
    beside = netlist.used.get(MULTIPLIER, 0) - plan.array_multipliers
    guess = min(fails - 1, max(1, multipliers - beside)) if multipliers else fails // 2
    while fails - fits > 1:
        lanes = guess if fits < guess < fails else (fits + fails) // 2
        with progress(f"does not fit; trying {lanes} lanes", None):
            options = replace(plan.options, lanes=lanes)
            core = verilog.generated(Plan(network=plan.network, options=options), name=TOP)
            used = flow.synthesize(core.verilog, top=TOP).netlist.used
        if shortages(used, flow.target):
            fails = lanes
        else:
            fits = lanes
        guess = fits + 1 if fits else 0
    return fits
