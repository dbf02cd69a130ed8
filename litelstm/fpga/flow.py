"""Synthesis, place and route, and bitstream, each cached by its inputs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litelstm.fpga import mapping, netlist, tools
from litelstm.fpga.delays import Delays
from litelstm.fpga.dual_multiplier import DualMultiplier
from litelstm.fpga.errors import DoesNotFitError, SynthesisError
from litelstm.fpga.hidden_delays import HiddenDelays
from litelstm.fpga.mapping import Mapping
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import Target
from litelstm.fpga.timing import TimingPath, longest_paths
from sim.tools.cache import cache_root, cached_folder, content_key

NETLIST, _MAPPED = mapping.NETLIST, "mapped.v"
_ROUTER_REPORT, _DELAYS = "report.json", "delays.sdf"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The tools for one target.

    Args:
        target: the part.
        fresh: whether to ignore the cache.
        cache: the cache's folder; by default that of :func:`sim.tools.cache.cache_root`.

    Raises:
        MissingToolError: a tool is missing.
    """

    target: Target
    fresh: bool = False
    cache: Path | None = None

    def __post_init__(self) -> None:
        tools.require(self.target)

    def synthesize(self, verilog: str, *, top: str) -> Synthesized:
        """Map Verilog to the target's cells; map again if another mapping relieves a shortage.

        Raises:
            SynthesisError: Yosys failed.
        """
        first = self._map(verilog, top, Mapping())
        relieved = mapping.relieved(first.netlist, self.target)
        return first if relieved == Mapping() else self._map(verilog, top, relieved)

    def _map(self, verilog: str, top: str, how: Mapping) -> Synthesized:
        dual = DualMultiplier.of(verilog, self.target.family)
        script = mapping.script(self.target, top=top, mapping=how, dual=dual)
        refinement = self.target.family.refinement

        def make(folder: Path) -> None:
            (folder / "core.v").write_text(verilog)
            tools.yosys(script, folder)
            if refinement:
                design = json.loads((folder / NETLIST).read_text())
                refinement.refine(design["modules"][top])
                (folder / NETLIST).write_text(json.dumps(design))

        version = refinement.version if refinement else None
        folder = self._cached("synthesis", [verilog, script, version], make)
        counted = netlist.read(folder / NETLIST, top=top, family=self.target.family)
        return Synthesized(folder=folder, top=top, netlist=counted)

    def verilog(self, synthesized: Synthesized) -> str:
        """Convert the mapped core that is routed to Verilog of cells.

        Open values of the netlist, such as unused words of block RAM, are 0, as in a bitstream.

        Raises:
            SynthesisError: Yosys failed.
        """
        steps = (f"read_json {NETLIST}", "setundef -zero", "setundef -zero -params")
        script = "\n".join([*steps, f"write_verilog -noattr {_MAPPED}", ""])
        source = (synthesized.folder / NETLIST).read_text()

        def make(folder: Path) -> None:
            (folder / NETLIST).write_text(source)
            tools.yosys(script, folder)
            (folder / NETLIST).unlink()

        return (self._cached("mapped", [source, script], make) / _MAPPED).read_text()

    def route(
        self,
        synthesized: Synthesized,
        *,
        seed: int,
        pins: str = "",
        made: dict[str, bytes] | None = None,
    ) -> Routed:
        """Place and route a netlist.

        Args:
            synthesized: the netlist.
            seed: the placer's seed.
            pins: a board's constraints, in the family's format; by default the pins are free.
            made: files of the same routing elsewhere, to keep here.

        Raises:
            DoesNotFitError: the part has too few places for the cells.
            SynthesisError: the router failed.
        """
        family, target = self.target.family, self.target
        assert family.router
        option, name = family.routed
        files = [option, name, "--json", NETLIST, "--report", _ROUTER_REPORT, "--sdf", _DELAYS]
        wanted = ["--freq", str(target.mhz), "--seed", str(seed)]
        wanted += ["--timing-allow-fail", "--detailed-timing-report"]
        arguments = [*target.arguments, *files, *wanted]
        source = (synthesized.folder / NETLIST).read_text()
        places = pins or _pin_constraints(source, synthesized.top, target)
        option, constraints = family.constraints
        if places:
            arguments += [option, constraints]
        else:
            arguments += family.free_pins

        def make(folder: Path) -> None:
            if made:
                for name, content in made.items():
                    (folder / name).write_bytes(content)
                return
            shutil.copy(synthesized.folder / NETLIST, folder / NETLIST)
            if places:
                (folder / family.pin_file).write_text(places)
            try:
                tools.run(str(family.router), arguments, folder, log="route.log")
            except SynthesisError:
                _refuse_full_part(folder / "route.log", target)
                raise
            (folder / NETLIST).unlink()

        folder = self._cached("route", [source, arguments, places], make)
        report = json.loads((folder / _ROUTER_REPORT).read_text())
        clocks = {(each["achieved"], each["constraint"]) for each in report["fmax"].values()}
        ((achieved, wanted),) = clocks or {(0.0, 0.0)}
        hidden = HiddenDelays.of(json.loads(source)["modules"][synthesized.top])
        mhz = hidden.mhz(achieved, folder / _DELAYS)
        return Routed(folder=folder, seed=seed, mhz=mhz, wanted=wanted, hidden=hidden)

    def pack(self, routed: Routed) -> Path:
        """Make the bitstream of a routed core.

        Raises:
            SynthesisError: the packer failed.
        """
        family = self.target.family
        name = f"core.{family.extension}"
        words = [word.format(routed="routed", bitstream=name) for word in family.packer]
        source = routed.folder / family.routed[1]

        def make(folder: Path) -> None:
            shutil.copy(source, folder / "routed")
            tools.run(words[0], words[1:], folder, log="pack.log")
            (folder / "routed").unlink()

        return self._cached("bitstream", [routed.folder.name, words], make) / name

    def _cached(self, step: str, parts: list[object], make: Callable[[Path], None]) -> Path:
        key = content_key(step, tools.versions(self.target), *parts)
        root = cache_root(self.cache) / "fpga"
        folder, _ = cached_folder(root, f"{step}-{key}", make, fresh=self.fresh)
        return folder


@dataclass(frozen=True, kw_only=True)
class Synthesized:
    """A mapped core: the folder of its netlist and log, the top module, and its cells."""

    folder: Path
    top: str
    netlist: Netlist


@dataclass(frozen=True, kw_only=True)
class Routed:
    """A placed and routed core.

    Attributes:
        folder: of the router's files.
        seed: the placer's seed.
        mhz: clock that the core reaches, with delays that the router leaves out.
        hidden: these delays.
        wanted: clock in MHz that the router aimed at; behind a PLL the router derives it.
    """

    folder: Path
    seed: int
    mhz: float
    wanted: float
    hidden: HiddenDelays

    def as_json(self) -> dict[str, Any]:
        """Return seed, clock and the longest path as JSON values."""
        return {
            "seed": self.seed,
            "mhz": round(self.mhz, 2),
            "constraint_mhz": round(self.wanted, 3),
            "worst_path": str(self.paths()[0]),
        }

    def paths(self, count: int = 1) -> list[TimingPath]:
        """List the paths that limit the clock, see :func:`litelstm.fpga.timing.longest_paths`."""
        delays = self.hidden.complete(Delays.read(self.folder / _DELAYS))
        return longest_paths(delays, self.folder / _ROUTER_REPORT, count=count)


def _pin_constraints(source: str, top: str, target: Target) -> str:
    """Assign a pin to every port, the clock first; empty if the router chooses the pins."""
    if not target.pins:
        return ""
    names: list[str] = []
    for name, port in json.loads(source)["modules"][top]["ports"].items():
        width = len(port["bits"])
        names += [name] if width == 1 else [f"{name}[{bit}]" for bit in range(width)]
    names.sort(key=lambda name: name != "clk")
    placed = zip(names, target.pins, strict=False)
    return "".join(target.family.pin.format(port=port, pin=pin) + "\n" for port, pin in placed)


def _refuse_full_part(log: Path, target: Target) -> None:
    """Raise DoesNotFitError if the router's log shows a resource that is too small."""
    for line in log.read_text(errors="replace").splitlines():
        counted = re.search(r"\s(\w+):\s*(\d+)/\s*(\d+)\s+\d+%", line)
        if counted and int(counted[2]) > int(counted[3]):
            raise DoesNotFitError(
                f"the core does not fit {target.name}: it needs {counted[2]} {counted[1]}, the "
                f"part has {counted[3]}"
            )
