"""``litelstm prove``: prove the handshakes of a network's core."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden.quantized import QuantizedNetwork
from hdl.core import Core
from hdl.plan import Plan
from litelstm import core_options, options, outputs
from litelstm.console import progress

if TYPE_CHECKING:
    from sim.formal.prover import Verdict

SECONDS = 600
"""Most seconds of a proof, unless another number is asked for."""


@click.command()
@options.network_argument
@core_options.options(but=("pack", "multiplier", "max_steps", "delta", "parity"))
@click.option(
    "--seconds",
    type=options.POSITIVE,
    default=SECONDS,
    help="Longest time for a proof. A claim that takes longer is undecided.",
)
@options.json_option
def prove(network: Path, seconds: int, json_path: Path | None, **chosen: Any) -> int:
    """Prove the handshakes of a network's core, for any number of cycles.

    \b
    litelstm prove net.q.npz --lanes 16

    Proves that no word is lost, made twice or changed, that sums are whole when they are read, and
    that the core never stands still, whatever the streams and the reset do. What is proved is a
    smaller core with the same control logic; the report says what was cut. Exit status 1: a claim
    is false, or undecided.
    """
    from sim.formal.abstraction import abstraction
    from sim.formal.harness import prove_core
    from sim.formal.loading import prove_loader

    quantized = QuantizedNetwork.load(network)
    plan = Plan(network=quantized, options=core_options.core_of(chosen, quantized))
    small = abstraction(plan)
    verdicts: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory() as scratch, progress("prove"):
        folder = Path(scratch)
        verdicts["core"] = prove_core(Core(plan=small.plan), folder=folder, seconds=seconds)
        if plan.options.storage.loadable:
            verdicts["loader"] = prove_loader(plan, folder=folder)
    report = {
        "lanes": plan.options.lanes,
        "substitutions": list(small.substitutions),
        **{
            outcome: [
                f"{part}: {claim}" for part, v in verdicts.items() for claim in getattr(v, outcome)
            ]
            for outcome in ("proved", "failed", "undecided")
        },
    }
    outputs.give(report, json_path, _lines(report))
    return 1 if report["failed"] or report["undecided"] else 0


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield "a smaller core with the same control logic stands for this one:"
    for line in report["substitutions"]:
        yield f"  {line}"
    for outcome, what in (("failed", "is false"), ("undecided", "is undecided")):
        for claim in report[outcome]:
            yield f"{claim} {what}"
    yield (
        f"{len(report['proved'])} claims proved, {len(report['failed'])} false, "
        f"{len(report['undecided'])} undecided"
    )
