"""``litelstm explore``: search the cores of a task or a network for a part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.errors import InputError
from litelstm import core_options, options, outputs
from litelstm.console import err, out, progress
from litelstm.extras import require_for
from litelstm.fpga.targets import TARGETS
from litelstm.tasks import TASKS

if TYPE_CHECKING:
    from litelstm.explore.limits import Limits
    from litelstm.explore.results import Row
    from litelstm.explore.source import Source
    from litelstm.explore.study import Exploration


@click.command()
@click.option(
    "--train", "task", type=click.Choice(tuple(TASKS)), help="Task to train networks for."
)
@options.data_option
@click.option("--epochs", type=int, help="Most epochs to train.  [default: the task's]")
@click.option("--net", type=options.PATH, help="Float network, instead of --train.")
@options.samples_option_of(required=False)
@options.target_option("Part that the cores must fit: ECP5 or iCE40.", required=True)
@click.option(
    "--max-drop",
    default=1.0,
    help="Percentage points of accuracy that a core may lose against floats: those of --net, or of "
    "the task's usual network.",
)
@click.option(
    "--min-rate", type=click.FloatRange(0), default=0.0, help="Inferences per second, at least."
)
@click.option("--max-luts", type=options.POSITIVE, help="LUTs, at most.  [default: the part's]")
@click.option(
    "--storage",
    type=click.Choice(core_options.CHOICES["weights"]),
    help="Memory of the weights, see generate.  [default: rom; searched where the part has SPRAM]",
)
@click.option("--trials", type=options.POSITIVE, default=96, help="Points to evaluate in all.")
@click.option(
    "--finalists",
    type=options.SEED,
    default=6,
    help="Points of the front to synthesize, route and run in the RTL.",
)
@click.option("--seed", type=options.SEED, default=1, help="Seed of the search.")
@options.jobs_options("Points")
@options.output_option("Folder of the study; the same command goes on in it.")
def explore(
    task: str | None,
    data: Path | None,
    epochs: int | None,
    net: Path | None,
    file: Path | None,
    target: str,
    max_drop: float,
    min_rate: float,
    max_luts: int | None,
    storage: str | None,
    trials: int,
    finalists: int,
    seed: int,
    output: Path,
    **where: Any,
) -> None:
    """Search the cores of a task or a network.

    \b
    litelstm explore --train digits --target ice40-up5k -o study/
    litelstm explore --net net.npz --samples samples.npz --target ecp5-25f --max-drop 0.3 -o study/

    Searches bit widths, thresholds of delta, lanes, packing, multipliers of the state update and
    memories, with --train also cell, units, layers and the gates' activation, for accuracy, speed,
    area and energy together. Most points are estimated; those that look best are synthesized,
    routed, run in the RTL and judged again. Writes the front as text, JSON, CSV and a page, each
    point with the command that makes its core.
    """
    for work in ("exploration", "synthesis", "benches", "reports"):
        require_for(work)
    from litelstm.explore.limits import Limits
    from litelstm.explore.space import SUMS
    from litelstm.explore.study import Exploration, owned

    part = TARGETS[target]
    if part.family.name not in SUMS:
        raise InputError(f"--target {target}: expected a part of {' or '.join(SUMS)}")
    outputs.check_folder(output)
    with owned(output):
        source = _source(task, data, epochs, net, file, output)
        limits = Limits(target=part, max_drop=max_drop, min_rate=min_rate, max_luts=max_luts)
        study = Exploration(output, source, limits, storage=storage, seed=seed, where=where)
        _explore(study, where, trials=trials, finalists=finalists)


def _source(
    task: str | None,
    data: Path | None,
    epochs: int | None,
    net: Path | None,
    file: Path | None,
    output: Path,
) -> Source:
    """Load what the networks come from."""
    from litelstm.explore.source import Given, Trained

    if (task is None) == (net is None):
        raise click.UsageError("one of --train and --net is needed")
    if net is not None:
        for name, value in (("--data", data), ("--epochs", epochs)):
            if value is not None:
                raise click.UsageError(f"{name} needs --train")
        if file is None:
            raise click.UsageError("--net needs --samples")
        return Given(net, file, output / "networks")
    if file is not None:
        raise click.UsageError("--samples needs --net")
    assert task is not None
    recipe = options.said({"epochs": epochs})
    with progress("read samples"):
        return Trained(TASKS[task], data, output / "networks", recipe)


def _explore(study: Exploration, where: dict[str, Any], *, trials: int, finalists: int) -> None:
    """Search, measure the finalists, and write the results."""
    from litelstm.explore.finalists import Finalists
    from litelstm.explore.front import front
    from litelstm.explore.results import compared, rows
    from litelstm.explore.study import USUAL

    folder, source, limits = study.folder, study.source, study.limits
    with progress("reference network"):
        reference = study.prepare()
    if study.finished:
        err.print(f"{folder}: goes on after {study.finished} points")
    with progress("points", trials) as tell:
        study.run(trials, reference, tell)
    points = study.points(reference)
    fitting = [point for point in points if point.fits]
    best = front(fitting, [point.values for point in fitting])
    usual = [point for point in fitting if point.number == USUAL and point not in best]
    with progress("points synthesized, routed and run") as tell:
        measured = Finalists(folder, source, limits, where).run([*best, *usual], finalists, tell)
    points_of_rows = [*best, *(point for point in usual if point.number in measured)]
    found = rows(points_of_rows, measured, source, folder, limits.target.name)
    facts = [
        f"{study.finished} points were evaluated, {len(points)} of them cores; {len(fitting)} fit "
        f"{limits.target.title} and keep the limits; {len(best)} are on the front.",
        f"Floats reach {reference:.2%} on the {len(source.samples.x):,} samples that judge a point "
        f"during the search; cores may lose {limits.max_drop:g} points. Measured cores show their "
        f"accuracy on {len(source.test.x):,} test samples.",
        "Cycles are exact. Estimates of area come from a model of the Verilog, those of the clock "
        f"are {limits.target.mhz * 0.8:.0f} MHz; energies are a model's: docs/explore.md, "
        "docs/energy.md.",
    ]
    problems = [f"point {n}: {m.problem}" for n, m in measured.items() if m.problem]
    _write(found, folder, limits, [*facts, *compared(measured), *problems])


def _write(found: list[Row], folder: Path, limits: Limits, facts: list[str]) -> None:
    """Write the results in all forms, all or none of them, and print the table."""
    from litelstm.explore import results
    from litelstm.explore.page import page

    title = f"Cores for {limits.target.name}"
    with progress("page"):
        text = page(found, title=title, subtitle=limits.target.title, facts=facts)
    report = {"target": limits.target.name, "facts": facts, "front": results.as_json(found)}
    contents = {
        "front.json": json.dumps(report, indent=1) + "\n",
        "front.csv": results.as_csv(found),
        "front.html": text,
    }
    files.replace_all({folder / name: files.content(made) for name, made in contents.items()})
    for fact in facts:
        out.print(fact)
    out.print(results.as_table(found))
    for row in found[:1]:
        out.print(row.command)
    out.print(f"all commands and the page: {', '.join(str(folder / name) for name in contents)}")
