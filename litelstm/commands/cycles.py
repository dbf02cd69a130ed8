"""``litelstm cycles``: the exact cycle count."""

from __future__ import annotations

import json
from pathlib import Path

import click

from golden.quantized import QuantizedNetwork
from hdl import cycles as timing
from hdl.plan import Plan
from litelstm.console import out
from litelstm.options import lanes_option


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@lanes_option
@click.option("--steps", default=28, show_default=True, help="Length of the sequence to count.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def cycles(network: Path, lanes: int, steps: int, as_json: bool) -> None:
    """Count the cycles of the quantized NETWORK, exactly and without simulating."""
    if steps < 1:
        raise click.BadParameter(f"{steps} is not 1 or more", param_hint="--steps")
    plan = Plan(network=QuantizedNetwork.load(network), lanes=lanes)
    steady = timing.steady_state(plan)
    sequence = timing.count(plan, [steps])
    report = {
        "lanes": lanes,
        "cycles_per_step": steady.cycles_per_step,
        "ideal_cycles_per_step": steady.ideal_cycles_per_step,
        "utilization": round(steady.utilization, 6),
        "waited_per_step": steady.waited,
        "steps": steps,
        "first_output": int(sequence.outputs[0]),
        "last_output": int(sequence.outputs[-1]),
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    out.print(
        f"{steady.cycles_per_step} cycles a step, ideal {steady.ideal_cycles_per_step:g}, "
        f"{steady.utilization:.1%} of the multipliers at work"
    )
    for reason, waited in steady.waited.items():
        out.print(f"the array waits {waited} cycles a step for {reason}")
    out.print(
        f"a sequence of {steps} steps: first output word after {report['first_output']} cycles, "
        f"last after {report['last_output']}"
    )
