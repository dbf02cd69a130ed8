"""Switching activity of a core: how often its registers change, and what its memories deliver.

A Verilated model counts the changes of every bit. The registers among them are those that the
Verilog assigns at a clock edge; wires between registers have no fixed counterpart on a part.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.verilog import Generated
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.compiled.counts import points
from sim.compiled.library import TOGGLES
from sim.core_job.job import CoreJob
from sim.core_job.result import CoreResult
from sim.tools.errors import SimulationError

_MODULE = re.compile(r"^module (\S+?)\(.*?^endmodule", re.M | re.S)
_MEMORY = re.compile(r"^  reg (?:\[(\d+):0\] )?(\S+) \[\d+:\d+\];", re.M)
_CLOCKED = re.compile(r"^ {4,}(\\\S+ |\w+)(?:\[[^\]]*\])? <= (?:(\w+)\[)?", re.M)
_READ = re.compile(r" <?= (\w+)\[")


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Counts of events in a core while it ran sequences.

    Attributes:
        toggles: changes of each register's bits, by its name in the hierarchy of the core; those
            of a memory's output count for the memory.
        reads: bits that each memory delivered, by its name. A memory delivers a word in each cycle;
            the count takes no notice of read enables.
        cycles: clock cycles.
        steps, sequences: what ran.
    """

    toggles: Mapping[str, int]
    reads: Mapping[str, int]
    cycles: int
    steps: int
    sequences: int


def measure(
    core: Generated, sequences: Sequence[NDArray[Any]], expected: NDArray[np.int64]
) -> Activity:
    """Run sequences back to back in a model that counts toggles.

    Args:
        core: the generated core.
        sequences: raw input words, each (steps, inputs).
        expected: the golden model's words of each, as for :func:`sim.samples.run_compiled`.

    Raises:
        SimulationError: the model cannot be built, or gives other words.
    """
    job = CoreJob.make(core.plan, sequences, expected)
    library = bench_library([Design.of(core)], optimize=False, counting=TOGGLES)
    with tempfile.TemporaryDirectory(prefix="litelstm-") as name:
        counted = Path(name) / "toggles"
        with CompiledBench.of(core, library=library) as bench:
            record = bench.run(job.request())
            bench.write_counts(counted)
        text = counted.read_text(encoding="utf-8")
    judged = CoreResult.judge(job, record, stalled=False)
    if judged.mismatched:
        raise SimulationError(f"the core differs from the golden model: {judged.first_mismatch}")
    toggles, reads = _counts(core.verilog, text)
    return Activity(
        toggles=toggles,
        reads={name: bits * record.cycles for name, bits in reads.items()},
        cycles=record.cycles,
        steps=sum(map(len, sequences)),
        sequences=len(sequences),
    )


def _counts(verilog: str, counted: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return the toggles of each register, and the bits per cycle that each memory delivers."""
    registers: dict[str, dict[str, str]] = {}
    reads: dict[str, dict[str, int]] = {}
    for module in _MODULE.finditer(verilog):
        memories = {name: int(high or 0) + 1 for high, name in _MEMORY.findall(module[0])}
        clocked = ((name.strip().lstrip("\\"), of) for name, of in _CLOCKED.findall(module[0]))
        registers[module[1]] = {
            name: of if of in memories else name for name, of in clocked if name not in memories
        }
        ports = Counter(name for name in _READ.findall(module[0]) if name in memories)
        reads[module[1]] = {name: memories[name] * ports[name] for name in ports}
    toggles: Counter[str] = Counter()
    instances: dict[str, str] = {}
    for point in points(counted):
        instances[point.place] = point.module
        signal = re.sub(r"(\[\d+\])?:[01]->[01]$", "", point.what)
        if name := registers[point.module].get(signal):
            toggles[f"{point.place}.{name}"] += point.count
    delivered = {
        f"{place}.{name}": bits
        for place, module in instances.items()
        for name, bits in reads[module].items()
    }
    return dict(toggles), delivered
