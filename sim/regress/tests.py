"""The cocotb test of the regression: several cores in one simulation, one after the other.

``LITELSTM_JOB`` names a file with the cases' names, numbers, jobs and trials (see sim.regress.run);
to draw them again would take longer than to run them. Each outcome is one line of JSON in the file
``LITELSTM_RESULT``.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from sim.cocotb_bench.bench import Bench
from sim.core_job.job import JOB, RESULT
from sim.regress.trials import run_all


@cocotb.test()
async def cases(dut: Any) -> None:
    """Run all cases of the file; fail if one of them does."""
    work = pickle.loads(Path(os.environ[JOB]).read_bytes())
    failed: list[int] = []
    with Path(os.environ[RESULT]).open("a", encoding="utf-8") as results:
        for name, number, job, trials in work:
            slot = getattr(dut, name)
            slot.run.value = 1
            await Timer(1, "ns")
            verdict = await run_all(job, trials, Bench(slot).run)
            slot.run.value = 0
            results.write(json.dumps({"number": number, **verdict}) + "\n")
            results.flush()
            failed += [number] if verdict["problem"] else []
    await Timer(1, "ns")
    assert not failed, f"cases {failed} failed"
