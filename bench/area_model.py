"""Fit the area model of `litelstm explore` to synthesized cores.

    python -m bench.area_model [--cores 260] [--families ECP5 iCE40] [--jobs 2]

Draws random networks and options as the exploration does, synthesizes each core, and holds out one
of ``EVERY``. Fits the model of litelstm/explore/area.py to the others, prints its errors on those
that are held out, and writes the coefficients to litelstm/explore/area.json. An interrupted run
does so with the cores that it has; synthesis is cached, so the same command goes on.
"""

from __future__ import annotations

import argparse
import json
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
from litelstm.explore.text import PARTS, read
from litelstm.fpga.families import ECP5, FF, ICE40, LOGIC_CELL, LUT, MULTIPLIER, Family
from litelstm.fpga.flow import Flow
from litelstm.fpga.measure import TOP
from litelstm.fpga.netlist import Netlist
from litelstm.fpga.targets import TARGETS, Target
from sim.jobs import SCHEDULER, work_through

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

EVERY = 4
"""One core of so many judges the model and is not fitted."""

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

    number: int
    multipliers: int
    text: str
    netlist: Netlist


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
    return Sample(number=task[1], multipliers=area.multipliers(plan), text=text, netlist=netlist)


def fit(samples: list[Sample], family: Family) -> dict[str, Any]:
    """Fit the coefficients, none of them negative."""
    parts = [read(sample.text) for sample in samples]
    model: dict[str, Any] = {}
    for resource in area.FITTED:
        model[resource] = {}
        for part in PARTS:
            rows = [list(area.features(text[part], family).values()) for text in parts]
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
    """Return the relative errors of each resource, with the coefficients in the file."""
    found: dict[str, list[float]] = {}
    for sample in samples:
        used = area.estimate(sample.text, sample.multipliers, DRAWN_FOR[family.name]).used
        for resource, amount in used.items():
            have = sample.netlist.used.get(resource, 0)
            found.setdefault(resource, []).append((amount - have) / max(1, have))
    return {resource: np.array(values) for resource, values in found.items()}


def main() -> None:
    """Draw, synthesize, fit, and print the errors."""
    parser = argparse.ArgumentParser(prog="area_model", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cores", type=int, default=260, help="cores of each family")
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
        if len(found) >= LEAST:
            _fit_and_judge(found, DRAWN_FOR[name].family, model)


def _fit_and_judge(samples: list[Sample], family: Family, model: dict[str, Any]) -> None:
    """Fit a family's coefficients, write them, and print the errors."""
    held = [sample for sample in samples if sample.number % EVERY == 0]
    fitted = [sample for sample in samples if sample not in held]
    model[family.name] = fit(fitted, family)
    files.replace(area.COEFFICIENTS, files.content(json.dumps(model, indent=1) + "\n"))
    area.coefficients.cache_clear()
    for title, group in (("fitted", fitted), ("held out", held)):
        for resource, values in errors(group, family).items():
            out.print(
                f"{family.name}, {len(group)} cores {title}, {resource}: median error "
                f"{np.median(abs(values)):.1%}, worst {abs(values).max():.1%}"
            )


if __name__ == "__main__":
    main()
