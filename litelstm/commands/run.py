"""``litelstm run``: a program against the RTL of a core, in a simulator."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from golden.errors import InputError
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.driver.program import run_program
from litelstm.extras import require_axi_simulation
from litelstm.options import sim_option
from sim.tools.toolchain import check_simulator, require


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("program", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--core",
    "description",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON that generate wrote, beside the Verilog.",
)
@sim_option
@click.option("--seed", type=int, help="Of cocotb's random numbers.")
@click.option("--logs", type=click.Path(path_type=Path), help="Folder for the simulator's log.")
def run(
    program: Path,
    arguments: tuple[str, ...],
    description: Path,
    sim: str,
    seed: int | None,
    logs: Path | None,
) -> None:
    """Run a Python PROGRAM that uses litelstm.open; it finds its core in a simulation.

    The core was generated with --axi, --spi or --uart. The same program runs against a board when
    it is started by Python itself.
    """
    if seed is not None and seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    require_axi_simulation()
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
