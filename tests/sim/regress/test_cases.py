"""Random cores in the benches, and the machinery that runs thousands of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from golden.cells import Cell
from golden.errors import InputError
from hdl.verilog import Generated
from litelstm.commands.regress import regress
from sim.core_job.job import CoreJob
from sim.draw.cells import PLAIN_CELLS
from sim.regress import run as regress_run
from sim.regress.cases import Case
from sim.regress.kinds import KINDS
from sim.regress.run import BENCHES, Batch, batches, run_batch
from sim.regress.state import State, spans
from sim.regress.trials import Outcome
from tests.networks import EVERY_CELL

pytestmark = pytest.mark.simulator

SEED = 7
CASES = range(8, 16)
"""Tested cases, in all benches; `litelstm regress` runs any number."""

SLOW = 60.0
PATIENCE = 300.0  # on a busy machine the first core is not there in a minute
"""Seconds after which a command hangs."""


@pytest.mark.parametrize("batch", batches(SEED, CASES, "mixed"), ids=str)
def test_random_cores(batch: Batch) -> None:
    outcomes = run_batch(batch)
    assert [(o.number, o.problem) for o in outcomes] == [(n, "") for n in batch.numbers]
    assert all(o.bench == batch.bench and o.words and o.cycles for o in outcomes)


def test_lists_of_x_wait_until_a_late_layer_has_read_x() -> None:
    """A delta core in which the count of a step once began before x was released."""
    (outcome,) = run_batch(Batch(seed=7001, numbers=(234,), bench="compiled"))
    assert outcome.problem == ""


def test_both_simulators_see_the_same() -> None:
    seen = [run_batch(Batch(seed=SEED, numbers=(4,), bench=bench)) for bench in BENCHES[2:]]
    assert [outcomes[0].bench for outcomes in seen] == list(BENCHES[2:])
    assert {(o.problem, o.words, o.cycles) for (o,) in seen} == {
        ("", seen[0][0].words, seen[0][0].cycles)
    }


def test_a_case_is_made_of_two_numbers() -> None:
    one, same, other = Case(3, 5), Case(3, 5), Case(3, 6)
    assert str(one) == str(same) != str(other)
    assert [s.tolist() for s in one.sequences] == [s.tolist() for s in same.sequences]
    trials = [
        [(run.stalls, run.seed, run.reset) for run in case.trials(case.job)] for case in (one, same)
    ]
    assert trials[0] == trials[1]
    assert one.core.verilog == same.core.verilog


def choices(cell: Cell) -> list[tuple[str, str, str]]:
    """Each option of a cell with its value."""
    return [(cell.kind, name, getattr(cell, name)) for name in cell.options]


def test_cases_are_of_every_kind() -> None:
    cases = [Case(SEED, number) for number in range(150)]
    layers = [layer for case in cases for layer in case.network.layers if layer.cell.state]
    assert {choice for layer in layers for choice in choices(layer.cell)} >= {
        choice for cell in EVERY_CELL for choice in choices(cell)
    }
    assert {(layer.cell, layer.sigmoid) for layer in layers} >= {
        (cell, sigmoid) for cell in PLAIN_CELLS for sigmoid in ("hard", "logistic")
    }
    starts = {(layer.cell.kind, name) for layer in layers for name in layer.first or ()}
    assert starts >= {
        *product(("lstm", "litelstm"), ("h", "c")),
        *product(("rnn", "gru"), ("h",)),
    }
    chains = [case for case in cases if not (case.is_graph or case.has_index)]
    assert {len(case.network.body) for case in chains} == {1, 2, 3}
    # A graph with logits at its end is rare.
    assert {(case.network.head is None, case.is_graph) for case in cases} >= {
        *((True, False), (True, True), (False, False)),
    }
    assert {case.network.tanh.interpolate for case in cases} == {True, False}
    assert {case.lanes for case in cases} == set(range(1, 13))
    assert {case.tail_multipliers for case in cases} == set(range(7))
    assert {len(s) for case in cases for s in case.sequences} >= set(range(1, 9))
    storages = [(case.storage.weights, case.storage.sums) for case in cases]
    assert set(storages) == {
        *product(("rom",), ("lanes", "block")),
        ("ram", "lanes"),
        ("double", "block"),
    }
    assert {len(case.others) for case in cases if case.storage.loadable} == {1}
    assert storages.count(("rom", "lanes")) > 100
    different = [{np.ravel(words).tobytes() for words in case.expected} for case in cases]
    same = [found for found in different if len(found) == 1]
    assert len(same) <= len(cases) / 15


@pytest.mark.parametrize("kind", KINDS)
def test_cases_of_one_kind_are_those_that_all_cases_have(kind: str) -> None:
    """Restricting a regression changes which cases run, but no case."""
    found = Case.numbers(SEED, 3, kind)
    every = [number for number in range(found[-1] + 1) if getattr(Case(SEED, number), KINDS[kind])]
    assert found == every


def test_batches_hold_every_case_once() -> None:
    for bench in BENCHES:
        found = batches(1, range(5, 70), bench)
        assert sorted(n for batch in found for n in batch.numbers) == list(range(5, 70))
    kinds = {batch.bench for batch in batches(1, range(5, 70), "mixed")}
    assert kinds == {"compiled", "icarus", "verilator"}
    shares = batches(1, range(32), "mixed")
    assert [sum(len(b.numbers) for b in shares if b.bench == name) for name in BENCHES[1:]] == [
        *(22, 8, 2)
    ]


# What is wrong is found, and told of the right case


class WrongWord(Case):
    @cached_property
    def job(self) -> CoreJob:
        job = Case(self.seed, self.number).job
        job.expected[-1, -1] += self.number == 1
        return job


class WrongCells(Case):
    @cached_property
    def core(self) -> Generated:
        core = Case(self.seed, self.number).core
        text = core.verilog.replace("endmodule", "nonsense endmodule", self.number == 1)
        return Generated(text, core.description, core.plan, {})


class WrongLanes(Case):
    """The cycle count is another core's."""

    @cached_property
    def core(self) -> Generated:
        core = Case(self.seed, self.number).core
        if self.number != 1:
            return core
        other = Case(self.seed, self.number)
        other.__dict__["lanes"] = self.lanes % 3 + 1
        return Generated(other.core.verilog, core.description, core.plan, {})


@pytest.mark.parametrize(
    ("broken", "bench", "problem"),
    [
        (WrongWord, "icarus", "1 of"),
        (WrongWord, "compiled", "1 of"),
        (WrongLanes, "icarus", "moved in cycle"),
        (WrongCells, "icarus", "SimulationError: building"),
        (WrongCells, "compiled", "SimulationError: building"),
    ],
)
def test_the_broken_case_fails_and_no_other(
    monkeypatch: pytest.MonkeyPatch, broken: type[Case], bench: str, problem: str
) -> None:
    monkeypatch.setattr(regress_run, "Case", broken)
    outcomes = run_batch(Batch(seed=SEED, numbers=(0, 1), bench=bench))
    assert [o.number for o in outcomes] == [0, 1]
    assert problem in outcomes[-1].problem
    assert all(o.problem == "" for o in outcomes[:-1])


# State


def test_state_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    state = State.load(file, seed=4, bench="mixed")
    for number in (0, 1, 2, 7):
        problem = "wrong" if number == 2 else ""
        state.add(Outcome(number=number, bench="icarus", problem=problem, words=5, cycles=9))
    state.save(file)
    assert State.load(file, seed=4, bench="mixed") == state
    assert json.loads(file.read_text(encoding="utf-8"))["done"] == [[0, 2], [7, 7]]
    for seed, bench, message in ((5, "mixed", "seed 4, not 5"), (4, "icarus", "bench mixed")):
        with pytest.raises(InputError, match=message):
            State.load(file, seed=seed, bench=bench)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"seed": 1, "bench": "mixed", "done": [1]}'])
def test_a_damaged_state_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is no state of a regression"):
        State.load(file, seed=1, bench="mixed")


def test_spans() -> None:
    assert spans([]) == []
    assert spans({9, 1, 2, 3, 5}) == [[1, 3], [5, 5], [9, 9]]


# The command


def call(*arguments: str) -> Result:
    return CliRunner().invoke(regress, arguments, standalone_mode=False)


def use(monkeypatch: pytest.MonkeyPatch, broken: set[int]) -> list[int]:
    """Replace the benches; returns the numbers of the cases that were run."""
    ran: list[int] = []

    def work(
        _work: object, tasks: list[Batch], *, jobs: int, scheduler: str | None
    ) -> Iterator[tuple[Batch, object]]:
        assert (jobs, scheduler) == (3, None)
        for task in tasks:
            ran.extend(task.numbers)
            yield (
                task,
                [
                    Outcome(number=n, bench=task.bench, problem="bad" * (n in broken), words=1)
                    for n in task.numbers
                ],
            )

    monkeypatch.setattr(sys.modules[regress.callback.__module__], "work_through", work)
    return ran


def test_the_command_tells_failures_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "state.json")
    ran = use(monkeypatch, {9})
    first = call("--cases", "12", "--seed", "2", "--jobs", "3", "--resume", file)
    assert first.return_value == 1
    assert sorted(ran) == list(range(12))
    ran.clear()
    second = call("--cases", "20", "--seed", "2", "--jobs", "3", "--resume", file)
    assert sorted(ran) == list(range(12, 20))
    assert second.return_value == 1
    for result in (first, second):
        text = result.output + capsys.readouterr().out
        assert "litelstm regress --seed 2 --case 9 --bench " in text
        assert "cases of seed 2: 1 failed" in text
    assert call("--case", "3", "--seed", "2", "--jobs", "3").return_value == 0


@pytest.mark.parametrize("option", ["--cases=0", "--seed=-1", "--case=-1", "--jobs=0"])
def test_bad_numbers_are_refused(option: str) -> None:
    result = call(option)
    assert result.exception is not None
    assert "is not in the range x>=" in str(result.exception)


def test_control_c_ends_everything(tmp_path: Path) -> None:
    """State is kept, and neither a process nor a file of a simulator is left."""
    file = tmp_path / "state.json"
    main = "from litelstm.cli import main; main()"
    command = [sys.executable, "-c", main, "regress", "--cases=64", "--resume", str(file)]
    command += ["--bench", "icarus"]  # which starts at once
    process = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    while not list(tmp_path.glob("litelstm-*/build/*/*/sim")):  # something is being simulated
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "go on with the same command" in text
    assert "Traceback" not in text
    assert State.load(file, seed=1, bench="icarus").failed == {}
    assert list(tmp_path.glob("litelstm-*")) == []
    assert str(tmp_path) not in running()


def running() -> str:
    """Command lines of all processes."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has ended
            continue
    return "\n".join(lines)
