"""Runs a user's program against the RTL of a core, in a simulator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from golden.errors import InputError
from litelstm.driver.description import Description
from sim.tools.toolchain import Simulator

JOB = "LITELSTM_PROGRAM"
"""Environment variable with the job, as JSON."""

SECONDS = 3600.0
"""Time limit of a run."""


def run_program(
    program: Path,
    description: Path,
    *,
    arguments: Sequence[str] = (),
    simulator: Simulator = "verilator",
    logs: Path,
    seed: int | None = None,
    optimize: bool = True,
) -> str:
    """Run a program; :func:`litelstm.open` finds its core in the simulation.

    Args:
        program: a Python file.
        description: the core's JSON, beside its Verilog.
        arguments: the program's arguments.
        simulator: icarus or verilator.
        logs: folder for the simulator's log and the program's output.
        seed: seed of cocotb's random numbers.
        optimize: False for short runs under Verilator; a serial line takes many cycles per byte.

    Returns:
        The program's output.

    Raises:
        InputError: a file cannot be read.
        MissingToolError: the simulator is not installed.
        sim.tools.errors.SimulationError: the program failed.
    """
    from hdl.export.memory_words import whole
    from sim.cocotb_bench import runner

    known = Description.load(description)
    verilog = description.with_name(f"{known.name}.v")
    if not program.is_file():
        raise InputError(f"{program}: cannot be read: No such file")
    build = runner.build(whole(verilog), top=known.name, simulator=simulator, optimize=optimize)
    output = logs.absolute() / "output.txt"
    job = {
        "program": str(program.absolute()),
        "description": str(description.absolute()),
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "output": str(output),
    }
    runner.run(
        build,
        test_module="litelstm.driver.program_tests",
        testcase="program",
        expect=1,
        seed=seed,
        env={JOB: json.dumps(job)},
        results=logs / "results.xml",
        log=logs / "log.txt",
        timeout_s=SECONDS,
    )
    return output.read_text(encoding="utf-8")
