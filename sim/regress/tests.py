"""The cocotb test of the regression: several cores in one simulation, one after the other.

``LITELSTM_JOB`` names a folder with one job file per case (see sim.regress.run). Each outcome is
one line of JSON in the file ``LITELSTM_RESULT``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from sim.cocotb_bench.bench import Bench
from sim.core_job.job import JOB, RESULT, CoreJob
from sim.regress.cases import Case
from sim.regress.trials import run_all


@cocotb.test()
async def cases(dut: Any) -> None:
    """Run all cases of the folder; fail if one of them does."""
    folder = Path(os.environ[JOB])
    told = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    failed: list[int] = []
    with Path(os.environ[RESULT]).open("a", encoding="utf-8") as results:
        for case in (Case(seed, number) for seed, number in told["cases"]):
            slot = getattr(dut, case.name)
            slot.run.value = 1
            await Timer(1, "ns")
            job, bench = CoreJob.load(folder / f"{case.name}.npz"), Bench(slot)
            outcome = await run_all(
                job, case.trials(job), bench.run, number=case.number, name=told["bench"]
            )
            slot.run.value = 0
            results.write(json.dumps(vars(outcome)) + "\n")
            results.flush()
            failed += [case.number] if outcome.problem else []
    await Timer(1, "ns")
    assert not failed, f"cases {failed} failed"
