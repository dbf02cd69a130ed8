"""Fit the area model of `litelstm explore` to synthesized cores.

    python -m bench.area_model [--cores 64] [--cached] [--families ECP5 iCE40] [--jobs 2]

Draws random networks and options as the exploration does, synthesizes each core, fits the model of
litelstm/explore/area.py to all of them and writes the coefficients to litelstm/explore/area.json.
Every core is held out once: its errors are those of a fit to the cores of all other networks
(networks with equal memories count as one). ``--cached`` also takes every core
that this machine has synthesized with today's flow. An interrupted run fits what it has; synthesis
is cached, so the same command goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from golden import files
from golden.errors import InputError
from hdl import verilog
from hdl.plan import Plan
from litelstm.architectures import Architecture
from litelstm.console import err, out, progress
from litelstm.explore import area
from litelstm.explore.space import Space
from litelstm.explore.text import PARTS, Text, read
from litelstm.fpga import mapping
from litelstm.fpga.dual_multiplier import DualMultiplier
from litelstm.fpga.families import ECP5, FF, ICE40, LOGIC_CELL, LUT, MULTIPLIER, RAM, Family
from litelstm.fpga.flow import Flow
from litelstm.fpga.mapping import Mapping
from litelstm.fpga.measure import TOP
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.netlist import read as read_netlist
from litelstm.fpga.targets import TARGETS, Target
from sim.jobs import SCHEDULER, work_through
from sim.tools.cache import cache_root

LARGEST = 60_000
"""Most weights of a drawn network, so that synthesis stays short."""

DRAWN_FOR = {ECP5.name: TARGETS["ecp5-85f"], ICE40.name: TARGETS["ice40-up5k"]}
"""Part of each family whose options are drawn."""

IN_NETLIST = {
    "array": ("array",),
    "update": ("activations", "state update"),
    "control": ("control", "weights"),
}
"""Names of the model's parts in a netlist."""

LEAST = 8
"""Fewest cores of a family that are fitted."""

SOFT = 100
"""LUTs or registers by which small parts count less."""


class Dice:
    """Random choices, for :meth:`litelstm.explore.space.Space.draw`."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = np.random.default_rng([seed, number])

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        if not log:
            return int(self.rng.integers(low, high + 1))
        return int(np.exp(self.rng.uniform(np.log(low), np.log(high + 1))))

    def suggest_categorical(self, name: str, choices: tuple[Any, ...]) -> Any:
        return choices[self.rng.integers(len(choices))]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A synthesized core."""

    multipliers: int
    parts: dict[str, Text]
    netlist: Netlist

    @property
    def network(self) -> str:
        """Memories of the control part: those of x, h and c tell networks apart."""
        return str(sorted((m.words, m.width) for m in self.parts["control"].memories))


def drawn(number: int, target: Target) -> Plan:
    """Draw a core that the target's multipliers suffice for."""
    dice = Dice(1, number)
    while True:
        choice = Space(target=target, shaped=True).draw(dice)
        shape = Architecture(
            cell=str(choice.cell),
            units=choice.units or 1,
            layers=choice.layers or 1,
            inputs=dice.suggest_int("inputs", 1, 32, log=True),
            head=dice.suggest_int("head", 2, 12),
            sigmoid=choice.sigmoid or "hard",
        )
        if shape.floats().parameters > LARGEST:
            continue
        try:
            network = choice.with_thresholds(shape.quantized(choice.settings))
            plan = choice.plan(network, target)
            if area.multipliers(plan) <= target.available[MULTIPLIER]:
                return plan
        except InputError:  # the options do not go with the network
            continue


def synthesized(task: tuple[str, int]) -> Sample:
    """Synthesize the core of a family's name and a number."""
    target = DRAWN_FOR[task[0]]
    plan = drawn(task[1], target)
    text = verilog.generated(plan, name=TOP).verilog
    netlist = Flow(target=target).synthesize(text, top=TOP).netlist
    return Sample(multipliers=area.multipliers(plan), parts=read(text), netlist=netlist)


def cached(family: Family) -> Iterator[Sample]:
    """Yield each core of this machine's cache that today's flow has mapped without relief."""
    targets = [target for target in TARGETS.values() if target.family is family]
    seen: set[str] = set()
    for path in sorted((cache_root() / "fpga").glob(f"synthesis-*/{mapping.NETLIST}")):
        text = (path.parent / "core.v").read_text()
        dual = DualMultiplier.of(text, family)
        scripts = {
            _without_weights(mapping.script(target, top=TOP, mapping=Mapping(), dual=dual))
            for target in targets
        }
        script = _without_weights((path.parent / "script.ys").read_text())
        if script not in scripts or text in seen or "parity" in text:
            continue
        seen.add(text)
        netlist, parts = read_netlist(path, top=TOP, family=family), read(text)
        in_luts = any(not memory.block for memory in parts["array"].memories)
        whole = {"array", "state update"} <= netlist.parts.keys()
        if not whole or (family is ICE40 and in_luts):
            continue  # no core, or one that the exploration never makes
        multipliers = netlist.used.get(MULTIPLIER, 0) + area.in_logic(parts, family)
        yield Sample(multipliers=multipliers, parts=parts, netlist=netlist)


def _without_weights(script: str) -> str:
    """Leave out the lines about loaded weights, which most cores have not."""
    return "\n".join(line for line in script.splitlines() if "weights.memory" not in line)


def short_of_ram(sample: Sample, target: Target) -> bool:
    """Whether a core needs more block RAM than the part has: the flow moves memories to logic."""
    memories = [memory for text in sample.parts.values() for memory in text.memories]
    needed = sum(area.blocks(memory, target.family) for memory in memories if not memory.large)
    return needed > target.available[RAM]


def fit(samples: list[Sample], family: Family) -> dict[str, Any]:
    """Fit the coefficients, none of them negative."""
    model: dict[str, Any] = {}
    for resource in area.FITTED:
        model[resource] = {}
        for part in PARTS:
            rows = [list(area.features(s.parts[part], family).values()) for s in samples]
            found = [
                sum(s.netlist.parts.get(name, {}).get(resource, 0) for name in IN_NETLIST[part])
                for s in samples
            ]
            fitted = _fitted(np.array(rows, float), np.array(found, float))
            model[resource][part] = dict(zip(area.FEATURES, fitted, strict=True))
    if family is ICE40:
        cells = [(s.netlist.used[LOGIC_CELL], s.netlist.used) for s in samples]
        shares = [amount / (used[LUT] + used[FF]) for amount, used in cells]
        model[LOGIC_CELL] = round(float(np.median(shares)), 4)
    return model


def _fitted(rows: NDArray[np.float64], found: NDArray[np.float64]) -> list[float]:
    weights = 1 / (found + SOFT)
    solved, _ = nnls(rows * weights[:, None], found * weights)
    return [round(float(value), 4) for value in solved]


def errors(samples: list[Sample], family: Family) -> dict[str, NDArray[np.float64]]:
    """Return the relative errors of each resource, every core held out once."""
    found: dict[str, list[float]] = {}
    target = DRAWN_FOR[family.name]
    for held in sorted({sample.network for sample in samples}):
        model = fit([s for s in samples if s.network != held], family)
        for sample in samples:
            if sample.network != held:
                continue
            used = area.of_parts(sample.parts, sample.multipliers, target, model).used
            for resource, amount in used.items():
                have = sample.netlist.used.get(resource, 0)
                found.setdefault(resource, []).append((amount - have) / max(1, have))
    return {resource: np.array(values) for resource, values in found.items()}


def main() -> None:
    """Draw, synthesize, fit, and print the errors."""
    parser = argparse.ArgumentParser(prog="area_model", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cores", type=int, default=64, help="drawn cores of each family")
    parser.add_argument("--cached", action="store_true", help="take the cores of the cache, too")
    parser.add_argument("--families", nargs="+", choices=DRAWN_FOR, default=list(DRAWN_FOR))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--scheduler", help=SCHEDULER)
    args = parser.parse_args()
    tasks = [(name, number) for number in range(args.cores) for name in args.families]
    samples: dict[str, list[Sample]] = {name: [] for name in args.families}
    try:
        with progress("synthesis of cores", len(tasks)) as tell:
            where = {"jobs": args.jobs, "scheduler": args.scheduler}
            for (name, _), sample in work_through(synthesized, tasks, **where):
                samples[name].append(sample)
                tell(sum(map(len, samples.values())))
    except KeyboardInterrupt:
        err.print("interrupted: the same command continues from here")
    model = area.coefficients() if area.COEFFICIENTS.exists() else {}
    for name, found in samples.items():
        family = DRAWN_FOR[name].family
        drawn_cores = len(found)
        if args.cached:
            known = {str(sample.parts) for sample in found}
            found += [sample for sample in cached(family) if str(sample.parts) not in known]
        out.print(f"{name}: {drawn_cores} drawn cores, {len(found) - drawn_cores} of the cache")
        whole = [sample for sample in found if not short_of_ram(sample, DRAWN_FOR[name])]
        if len(whole) < len(found):
            out.print(f"{len(found) - len(whole)} left out: they need more block RAM than there is")
        if len(whole) >= LEAST:
            _fit_and_judge(whole, family, model)


def _fit_and_judge(samples: list[Sample], family: Family, model: dict[str, Any]) -> None:
    """Fit a family's coefficients, write them, and print the errors."""
    model[family.name] = fit(samples, family)
    files.replace(area.COEFFICIENTS, files.content(json.dumps(model, indent=1) + "\n"))
    area.coefficients.cache_clear()
    for resource, values in errors(samples, family).items():
        sizes = abs(values)
        out.print(
            f"{family.name}, {len(sizes)} cores held out, {resource}: median error "
            f"{np.median(sizes):.1%}, one in ten above {np.quantile(sizes, 0.9):.1%}, "
            f"worst {sizes.max():.1%}"
        )


if __name__ == "__main__":
    main()
