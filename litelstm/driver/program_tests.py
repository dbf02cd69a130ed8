"""The cocotb test that a user's program runs in: see :mod:`litelstm.driver.program`."""

from __future__ import annotations

import json
import os
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge
from cocotb.triggers import Timer

from litelstm.driver import running
from litelstm.driver.description import Description
from litelstm.driver.program import JOB
from litelstm.driver.simulation import connect


@cocotb.test()
async def program(dut: Any) -> None:
    """Run the job's program; write its output to the job's file."""
    job = json.loads(os.environ[JOB])
    running.enter(await connect(dut, Description.load(job["description"])))
    try:
        await bridge(_run)(job)
    finally:
        running.leave()
    await Timer(1, "ns")


def _run(job: dict[str, Any]) -> None:
    """Run a script as Python does, in the folder that the user started it from."""
    path = Path(job["program"])
    os.chdir(job["folder"])
    sys.argv = [str(path), *job["arguments"]]
    sys.path.insert(0, str(path.parent))
    with Path(job["output"]).open("w", encoding="utf-8") as output, redirect_stdout(output):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"the program ends with {end.code}") from None
