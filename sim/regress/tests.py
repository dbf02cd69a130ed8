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
from sim.regress.cases import PATIENCE, Case, judge
from sim.streams import BenchError


@cocotb.test()
async def cases(dut: Any) -> None:
    """Run all cases of the folder; fail if one of them does."""
    folder = Path(os.environ[JOB])
    failed: list[int] = []
    with Path(os.environ[RESULT]).open("a", encoding="utf-8") as results:
        for entry in json.loads((folder / "cases.json").read_text(encoding="utf-8")):
            case = Case(entry["seed"], entry["number"])
            slot = getattr(dut, entry["slot"])
            slot.run.value = 1
            await Timer(1, "ns")
            outcome = await _run(case, CoreJob.load(folder / f"{case.name}.npz"), Bench(slot))
            slot.run.value = 0
            results.write(json.dumps(outcome) + "\n")
            results.flush()
            failed += [case.number] if outcome["problem"] else []
    await Timer(1, "ns")
    assert not failed, f"cases {failed} failed"


async def _run(case: Case, job: CoreJob, bench: Bench) -> dict[str, Any]:
    words, cycles, problem = 0, 0, ""
    for trial in case.trials(job):
        try:
            run = await bench.run(
                **job.traffic,
                stalls=trial.stalls,
                seed=trial.seed,
                reset=trial.reset,
                patience=PATIENCE,
            )
            problem = judge(job, trial, run)
            words, cycles = words + run.words.size, cycles + run.cycles
        except BenchError as error:
            problem = str(error)
        if problem:
            break
    return {"number": case.number, "problem": problem, "words": words, "cycles": cycles}
