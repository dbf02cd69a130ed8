"""Routing with several seeds, as independent jobs: netlists and results travel by content."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litelstm.fpga.flow import NETLIST, Flow, Routed, Synthesized
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import Target
from sim.jobs import work_through

_NO_COUNTS = Netlist(cells={}, used={}, parts={}, registers={}, memories={})


@dataclass(frozen=True, kw_only=True)
class Routing:
    """A netlist to route with a seed."""

    target: Target
    fresh: bool
    netlist: bytes
    top: str
    seed: int


def route(routing: Routing) -> dict[str, bytes]:
    """Route a netlist; return the files that the router leaves."""
    with tempfile.TemporaryDirectory(prefix="litelstm-") as name:
        folder = Path(name)
        (folder / NETLIST).write_bytes(routing.netlist)
        mapped = Synthesized(folder=folder, top=routing.top, netlist=_NO_COUNTS)
        flow = Flow(target=routing.target, fresh=routing.fresh)
        routed = flow.route(mapped, seed=routing.seed)
        return {path.name: path.read_bytes() for path in routed.folder.iterdir() if path.is_file()}


def route_all(
    flow: Flow,
    synthesized: Synthesized,
    seeds: int,
    where: Mapping[str, Any],
    tell: Callable[[int], None],
) -> list[Routed]:
    """Route with seeds 1, 2 ... and return the results in this order.

    Args:
        flow: the tools.
        synthesized: the netlist.
        seeds: their number.
        where: ``jobs`` and ``scheduler``, see :func:`sim.jobs.work_through`. With one job
            they run in this process.
        tell: called with the number of finished seeds.
    """
    found: dict[int, Routed] = {}
    if not where.get("scheduler") and where.get("jobs", 1) == 1:
        for seed in range(1, seeds + 1):
            found[seed] = flow.route(synthesized, seed=seed)
            tell(seed)
        return list(found.values())
    netlist = (synthesized.folder / NETLIST).read_bytes()
    tasks = [
        Routing(
            target=flow.target, fresh=flow.fresh, netlist=netlist, top=synthesized.top, seed=seed
        )
        for seed in range(1, seeds + 1)
    ]
    for task, made in work_through(route, tasks, **where):
        found[task.seed] = flow.route(synthesized, seed=task.seed, made=made)
        tell(len(found))
    return [found[seed] for seed in sorted(found)]
