"""``litelstm cycles``: count cycles exactly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from golden.quantized import QuantizedNetwork
from hdl import cycles as timing
from hdl.layout.weight_image import load_cycles
from hdl.plan import Plan
from litelstm import options, outputs
from litelstm.architectures import Architecture
from litelstm.console import progress


@click.command()
@click.argument("network", type=options.PATH, required=False)
@options.cell_option("Count a network of this cell instead of NETWORK.")
@click.option("--inputs", type=int, help="Elements of the input x (with --cell).")
@click.option("--units", type=int, help="Units of each layer (with --cell).")
@click.option("--layers", type=int, help="Number of layers (with --cell).  [default: 1]")
@click.option("--head", type=int, help="Outputs of a dense head (with --cell).  [default: none]")
@options.sigmoid_option("Activation of the gates (with --cell).")
@options.core_options(but=("pack", "multiplier"))
@options.steps_option("Length of the sequence to count.")
@options.json_option
def cycles(
    network: Path | None,
    steps: int | None,
    json_path: Path | None,
    cell: str | None,
    inputs: int | None,
    units: int | None,
    layers: int | None,
    head: int | None,
    sigmoid: str | None,
    **chosen: Any,
) -> None:
    """Count a core's clock cycles, exactly.

    \b
    litelstm cycles net.q.npz --lanes 16
    litelstm cycles --cell gru --inputs 32 --units 32 --lanes 8

    Counts the core of the quantized NETWORK or of a --cell with random weights, without simulating
    it. The values of weights and inputs do not change the count.
    """
    described = {
        **{"cell": cell, "inputs": inputs, "units": units},
        **{"layers": layers, "head": head, "sigmoid": sigmoid},
    }
    quantized = _network(network, options.said(described))
    plan = Plan(network=quantized, options=options.core_of(chosen, quantized))
    length = options.length_of(plan.options, steps)
    with progress("count"):
        report = _report(plan, length)
    outputs.give(report, json_path, _lines(report))


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


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{report['cycles_per_step']} cycles per step, ideal {report['ideal_cycles_per_step']:g}, "
        f"{report['utilization']:.1%} of the multipliers at work"
    )
    for reason, waited in report["waited_per_step"].items():
        yield f"the array waits {waited} cycles per step for {reason}"
    if not report["waited_per_step"]:
        yield "the array never waits in the steady state"
    issued, ideal = report["issued_per_step"], report["ideal_cycles_per_step"]
    if issued > ideal:
        yield (
            f"{1 - ideal / issued:.1%} of the lanes are empty, as a layer's units are no multiple "
            f"of {report['lanes']} lanes: this costs {issued - ideal:g} cycles per step"
        )
    yield (
        f"a sequence of {report['steps']} steps takes {report['cycles_per_sequence']} cycles in a "
        f"series of such sequences; alone, its first output word comes after "
        f"{report['first_output']} cycles, its last after {report['last_output']}"
    )
    for reason, waited in report["waited"].items():
        yield f"alone, the array waits {waited} of these cycles for {reason}"
    if report["load"]:
        yield f"before the first input, the weights take {report['load']} cycles to load"
