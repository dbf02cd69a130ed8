"""``litelstm cycles``: count cycles exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import RenderableType

from golden.changes import changes
from golden.quantized import Integers, QuantizedNetwork
from golden.savings import saving
from hdl import cycles as timing
from hdl.layout.weight_image import load_cycles
from hdl.plan import Plan
from litelstm import core_options, options, outputs, samples
from litelstm.architectures import Architecture
from litelstm.console import progress, table

PERCENTILES = {"least": 0, "10 %": 10, "median": 50, "90 %": 90, "most": 100}
"""Percentiles of the cycles per sequence that are told, by name."""


@click.command()
@click.argument("network", type=options.PATH, required=False)
@options.cell_option("Count a network of this cell instead of NETWORK.")
@click.option("--inputs", type=int, help="Elements of the input x (with --cell).")
@click.option("--units", type=int, help="Units of each layer (with --cell).")
@click.option("--layers", type=int, help="Number of layers (with --cell).  [default: 1]")
@click.option("--head", type=int, help="Outputs of a dense head (with --cell).  [default: none]")
@options.sigmoid_option("Activation of the gates (with --cell).")
@core_options.options(but=("pack", "multiplier", "parity"))
@core_options.steps_option("Length of the sequence to count.")
@options.samples_option_of(required=False)
@options.count_option
@options.json_option
def cycles(
    network: Path | None,
    steps: int | None,
    file: Path | None,
    count: int | None,
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
    litelstm cycles delta.q.npz --samples samples.npz --count 100

    Counts the core of the quantized NETWORK or of a --cell with random weights, without simulating
    it. The values of weights and inputs change the count of a delta core only: its longest time is
    counted, and with --samples those of a file's sequences.
    """
    described = {
        **{"cell": cell, "inputs": inputs, "units": units},
        **{"layers": layers, "head": head, "sigmoid": sigmoid},
    }
    quantized = _network(network, options.said(described))
    plan = Plan(network=quantized, options=core_options.core_of(chosen, quantized))
    x = None if file is None else _samples(plan, file, count, steps)
    length = core_options.length_of(plan.options, steps) if x is None else x.shape[1]
    with progress("count"):
        report = _report(plan, length)
    if x is not None:
        report["samples"] = _of_samples(plan, x)
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


def _samples(plan: Plan, file: Path, count: int | None, steps: int | None) -> Integers:
    """Read the input words of samples for a delta core, (samples, steps, inputs)."""
    if steps is not None:
        raise click.UsageError("--steps goes without --samples, which have a length")
    if not plan.options.delta:
        raise click.UsageError("--samples needs --delta or a delta network: other counts are fixed")
    x = samples.load(file, network=plan.network, count=count).x
    return plan.network.quantize_input(x)


def _of_samples(plan: Plan, x: Integers) -> dict[str, Any]:
    """Count sequences in a series, and their like on the core without delta."""
    sequences, steps, inputs = x.shape
    with progress("sequences"):
        # The first one comes twice: each sequence that counts is behind another.
        fed = np.concatenate([x[:1], x]).reshape(-1, inputs)
        timing_of = timing.count_inputs(plan, fed, timing.controls_of([steps] * (sequences + 1)))
    ends = timing_of.outputs.reshape(sequences + 1, -1)[:, -1]
    each = np.diff(ends)
    dense = replace(
        plan,
        network=replace(plan.network, thresholds=None),
        options=replace(plan.options, delta=False),
    )
    without, mean = timing.cycles_per_sequence(dense, steps), float(each.mean())
    return {
        "sequences": sequences,
        "mean": mean,
        "percentiles": {name: float(np.percentile(each, n)) for name, n in PERCENTILES.items()},
        "without_delta": without,
        "speedup": without / mean,
        "ideal_speedup": saving(plan.network, changes(plan.network, x)).speedup,
        "cycles": each.tolist(),
    }


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


def _lines(report: dict[str, Any]) -> Iterator[RenderableType]:
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
    if "samples" in report:
        yield from _samples_lines(report)
    if report["load"]:
        yield f"before the first input, the weights take {report['load']} cycles to load"


def _samples_lines(report: dict[str, Any]) -> Iterator[RenderableType]:
    """Describe the cycles of a delta core on samples."""
    found = report["samples"]
    yield "these are the cycles if every element changes in every step; of the samples:"
    titles = *found["percentiles"], "mean", "if all changes", "without delta"
    numbers = (
        *(*found["percentiles"].values(), found["mean"]),
        *(report["cycles_per_sequence"], found["without_delta"]),
    )
    made = table(*titles, title=f"Cycles of {found['sequences']} sequences, each in a series")
    made.add_row(*(f"{number:,.0f}" for number in numbers))
    yield made
    yield (
        f"speed-up {found['speedup']:.2f} over the core without delta; ideal "
        f"{found['ideal_speedup']:.2f}, by the products that remain"
    )
