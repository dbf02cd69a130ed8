"""``litelstm cycles``: the exact cycle count."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from golden.quantized import QuantizedNetwork
from hdl import cycles as timing
from hdl.layout.weight_image import load_cycles
from hdl.plan import Plan
from litelstm import outputs
from litelstm.architectures import Architecture
from litelstm.console import out, progress
from litelstm.options import (
    cell_option,
    core_of,
    core_options,
    json_option,
    said,
    sigmoid_option,
)


@click.command()
@click.argument("network", type=click.Path(path_type=Path), required=False)
@cell_option("Count this cell in place of NETWORK.")
@click.option("--inputs", type=int, help="Elements of x (with --cell).")
@click.option("--units", type=int, help="Units of each layer (with --cell).")
@click.option("--layers", type=int, help="Layers, all alike (with --cell).  [default: 1]")
@click.option("--head", type=int, help="Outputs of a dense head (with --cell).  [default: none]")
@sigmoid_option("Gate activation (with --cell).")
@core_options()
@click.option("--steps", default=28, show_default=True, help="Length of the sequence to count.")
@json_option
def cycles(
    network: Path | None,
    steps: int,
    json_path: Path | None,
    cell: str | None,
    inputs: int | None,
    units: int | None,
    layers: int | None,
    head: int | None,
    sigmoid: str | None,
    **chosen: Any,
) -> None:
    """Count the cycles of the quantized NETWORK, or of a cell, exactly and without simulating.

    \b
    litelstm cycles net.q.npz --lanes 16
    litelstm cycles --cell gru --inputs 32 --units 32 --lanes 8

    Weights do not matter to the count: with --cell they are random.
    """
    if steps < 1:
        raise click.BadParameter(f"{steps} is not 1 or more", param_hint="--steps")
    described = {
        **{"cell": cell, "inputs": inputs, "units": units},
        **{"layers": layers, "head": head, "sigmoid": sigmoid},
    }
    quantized = _network(network, said(described))
    plan = Plan(network=quantized, options=core_of(chosen, quantized))
    with progress("count"):
        report = _report(plan, steps)
    outputs.give(report, json_path, partial(_show, report))


def _network(network: Path | None, described: dict[str, Any]) -> QuantizedNetwork:
    """Load the network's file, or make the cell that the options describe."""
    if network is not None:
        if described:
            raise click.UsageError(f"--{next(iter(described))} goes without NETWORK")
        return QuantizedNetwork.load(network)
    for name in ("cell", "inputs", "units"):
        if name not in described:
            one_of = "NETWORK or --cell is" if name == "cell" else f"--{name} is"
            raise click.UsageError(f"{one_of} needed")
    return Architecture(**described).quantized()


def _report(plan: Plan, steps: int) -> dict[str, Any]:
    steady = timing.steady_state(plan)
    alone = timing.count(plan, [steps])
    return {
        "lanes": plan.options.lanes,
        "state_update_multipliers": plan.update_cost.hardware_multipliers,
        "cycles_per_step": steady.cycles_per_step,
        "ideal_cycles_per_step": steady.ideal_cycles_per_step,
        "issued_per_step": steady.issued_per_step,
        "utilization": round(steady.utilization, 6),
        "waited_per_step": steady.waited,
        "load": load_cycles(plan),
        "steps": steps,
        "cycles_per_sequence": timing.cycles_per_sequence(plan, steps),
        "first_output": alone.first_output,
        "last_output": alone.last_output,
        "waited": {reason: waited for reason, waited in alone.waited.items() if waited},
    }


def _show(report: dict[str, Any]) -> None:
    out.print(
        f"{report['cycles_per_step']} cycles per step, ideal {report['ideal_cycles_per_step']:g}, "
        f"{report['utilization']:.1%} of the multipliers at work"
    )
    for reason, waited in report["waited_per_step"].items():
        out.print(f"the array waits {waited} cycles per step for {reason}")
    if not report["waited_per_step"]:
        out.print("the array never waits in the steady state")
    out.print(
        f"a sequence of {report['steps']} steps: {report['cycles_per_sequence']} cycles behind "
        f"others of its kind; alone its first output word comes after {report['first_output']} "
        f"cycles, the last after {report['last_output']}"
    )
    for reason, waited in report["waited"].items():
        out.print(f"of these the array waits {waited} for {reason}")
    if report["load"]:
        out.print(f"weights come in first: {report['load']} cycles before the first input")
