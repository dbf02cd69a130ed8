"""Clock cycles per second of the MNIST core under Verilator, three ways, measured in turns.

    python -m bench.sim_speed [--digits 100] [--rounds 5] [--json PATH]

*idle*: cocotb, the array busy, Python asleep. *cocotb*: cocotb with driver, monitor and
scoreboard. *compiled*: the compiled bench, one model. Rates are clock cycles per second of CPU
time, so other work on the machine matters little. Ratios are of medians over the rounds.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl import verilog
from litelstm import outputs
from litelstm.commands.demo import QUANTIZED
from litelstm.console import progress
from litelstm.options import json_option
from sim.cocotb_bench import runner
from sim.compiled.bench import CompiledBench
from sim.core_job.job import JOB, CoreJob


@click.command()
@click.option("--digits", default=100, show_default=True, help="Digits per round.")
@click.option("--rounds", default=5, show_default=True)
@json_option
def main(digits: int, rounds: int, json_path: Path | None) -> None:
    """Measure and print."""
    network = QuantizedNetwork.load(QUANTIZED)
    core = verilog.generate(network, lanes=16)
    rng = np.random.default_rng(0)
    x = rng.integers(0, network.x.max, size=(digits, 28, network.inputs), endpoint=True)
    job = CoreJob.make(core.plan, list(x), IntegerModel(network).forward(x))
    cycles = int(job.taken[-1]) + 1
    rates: dict[str, list[float]] = {"idle": [], "cocotb": [], "compiled": []}
    with tempfile.TemporaryDirectory() as name, CompiledBench.of(core) as bench:
        folder = Path(name)
        job.save(folder / "job.npz")
        build = runner.build(core.verilog, top=core.description["name"], simulator="verilator")
        with progress("rounds", rounds) as done:
            for index in range(rounds):
                rates["idle"].append(cycles / _cocotb(build, folder, "idle", cycles))
                rates["cocotb"].append(cycles / _cocotb(build, folder, "cocotb", cycles))
                start = time.process_time()
                run = bench.run(job.request())
                rates["compiled"].append(cycles / (time.process_time() - start))
                assert (run.words == job.expected.ravel()).all(), "the RTL differs"
                done(index + 1)
    report = {kind: statistics.median(values) for kind, values in rates.items()}
    report["cocotb/idle"] = report["cocotb"] / report["idle"]
    report["compiled/cocotb"] = report["compiled"] / report["cocotb"]
    lines = [f"{kind:16}{report[kind]:12,.0f} cycles/CPU s" for kind in rates]
    ratios = ("cocotb/idle", "compiled/cocotb")
    lines += [f"{kind:16}{report[kind]:12.2f}" for kind in ratios]
    outputs.give(report, json_path, lines)


def _cocotb(build: runner.Build, folder: Path, kind: str, cycles: int) -> float:
    """Measure the CPU seconds of one simulator process, with its start-up."""
    module, test = {
        "idle": ("bench.sim_speed_tests", "python_idle"),
        "cocotb": ("sim.cocotb_bench.core_tests", "samples"),
    }[kind]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    runner.run(
        build,
        test_module=module,
        testcase=test,
        expect=1,
        seed=1,
        env={JOB: str(folder / "job.npz"), "BENCH_CYCLES": str(cycles)},
        results=folder / f"{kind}.xml",
        log=folder / f"{kind}.log",
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
