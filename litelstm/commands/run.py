"""``litelstm run``: run a program against the RTL of a core, in a simulator."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from litelstm import outputs
from litelstm.console import out, progress
from litelstm.driver.program import run_program
from litelstm.extras import require_for
from litelstm.options import PATH, SEED, sim_option
from sim.tools.toolchain import check_simulator, require


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("program", type=PATH)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--core",
    "description",
    type=PATH,
    required=True,
    help="JSON of the core, written by litelstm generate beside the Verilog.",
)
@sim_option
@click.option("--seed", type=SEED, help="Seed of cocotb's random numbers.")
@click.option("--logs", type=PATH, help="Folder for the simulator's log.")
def run(
    program: Path,
    arguments: tuple[str, ...],
    description: Path,
    sim: str,
    seed: int | None,
    logs: Path | None,
) -> None:
    """Run a Python program against a simulated core.

    \b
    litelstm run program.py --core ip/litelstm_core.json

    PROGRAM opens the core with litelstm.open(). Started by Python itself, the same program uses the
    core on a board. The core must have been generated with --axi, --spi or --uart.
    """
    require_for("programs")
    simulator = check_simulator(sim)
    require(simulator)
    outputs.check_folder(logs)
    with tempfile.TemporaryDirectory(prefix="litelstm-") as folder, progress(sim):
        printed = run_program(
            program,
            description,
            arguments=arguments,
            simulator=simulator,
            logs=logs or Path(folder),
            seed=seed,
        )
    out.print(printed, end="", markup=False, highlight=False)
