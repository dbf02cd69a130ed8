"""Mutants of two random cores, one of them a delta core, their proofs, and the command."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from golden.cells import CELLS
from golden.errors import InputError
from sim.jobs import work_through
from sim.mutants import cores as drawn
from sim.mutants.cores import cores
from sim.mutants.equivalence import INDUCTION, Prover
from sim.mutants.judge import EQUIVALENT, KILLED, SURVIVED, Task, Verdict, killed, verdicts
from sim.mutants.netlist import mutated
from sim.mutants.state import State
from sim.tools.aiger import Graph

pytestmark = pytest.mark.simulator

COUNT = 50
LEAST = 0.8
"""Share of mutants that must be killed or proved equivalent within the little time of this test."""


@pytest.fixture(autouse=True)
def _shorter_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most mutants that die at all die soon; ``python -m sim.mutants`` is for the others."""
    monkeypatch.setattr(drawn, "LONG", 300)
    monkeypatch.setattr(drawn, "RESETS", 60)


@pytest.mark.parametrize("kind", [None, "delta"])
def test_a_quick_share(kind: str | None) -> None:
    (case,) = cores(1, kind)
    found = verdicts(Task(number=case.number, count=COUNT, seconds=1))
    assert len(found) == COUNT
    counts = Counter(verdict.verdict for verdict in found)
    left = [f"{v.room}: {v.mutant}" for v in found if v.verdict == SURVIVED]
    assert counts[KILLED] + counts[EQUIVALENT] >= LEAST * len(found), left
    assert counts[KILLED] >= 0.6 * COUNT
    assert counts[EQUIVALENT] >= 1


def test_the_cores_have_every_cell_and_interface() -> None:
    features = set[str]().union(*(case.features for case in cores(20)))
    for cell in CELLS.values():
        choices = next(iter(cell.options.values()), ())
        assert {" ".join((cell.kind, *c)) for c in zip(choices)} & features, cell.kind
    for name, values in {
        "weights": ("rom", "ram", "double"),
        "sums": ("lanes", "block"),
        "state": ("clear", "keep", "load"),
        "gates": ("hard", "logistic"),
        "tail": (0, 1, 2),
        **dict.fromkeys(("head", "graph", "streams", "every step", "interpolate"), (False, True)),
    }.items():
        assert {f"{name} {value}" for value in values} <= features, name


def test_the_core_equals_itself_and_not_what_the_bench_kills(tmp_path: Path) -> None:
    """No attempt takes a mutant that the bench kills for the core."""
    case = cores(3)[2]
    verilog, mutants = mutated(
        case.top, name=case.name, count=12, seed=case.number, folder=tmp_path
    )
    assert [mutant.number for mutant in mutants] == list(range(1, 13))
    whys = killed(case, verilog, len(mutants), tmp_path)
    dead = [number for number, why in whys.items() if why]
    assert len(dead) >= 6
    prover = Prover(tmp_path, case.plan, cpu_seconds=1)
    assert prover.proofs([0]) == {0: INDUCTION}
    assert prover.proofs(dead) == {}


def test_gates_vanish_where_they_can() -> None:
    graph = Graph()
    one, two = graph.leaf(), graph.leaf()
    assert graph.both(one, 0) == graph.both(one, one ^ 1) == 0
    assert graph.both(one, 1) == graph.both(one, one) == one
    assert graph.both(one, two) == graph.both(two, one)
    assert graph.differ(one, one) == 0
    assert graph.differ(one, one ^ 1) == 1
    assert len(graph.gates) == 1


def test_a_state_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state = State.load(path, mutants=3, seconds=1)
    state.cores["a"] = [Verdict(mutant="1 inv", room="array", verdict=KILLED, why="a word")]
    state.save(path)
    assert State.load(path, mutants=3, seconds=1) == state
    assert "100.0 %" in state.table().splitlines()[-1]
    with pytest.raises(InputError, match="is of --mutants 3, not 4"):
        State.load(path, mutants=4, seconds=1)
    path.write_text("[]")
    with pytest.raises(InputError, match="is no state of mutants"):
        State.load(path, mutants=3, seconds=1)


def test_a_task_travels_to_another_process() -> None:
    (result,) = work_through(_name, [Task(number=cores(1)[0].number, count=1, seconds=1)], jobs=1)
    assert result[1] == "case_1_0"


def _name(task: Task) -> str:
    return task.case.name


def test_bad_input_takes_one_line(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{}")
    command = [sys.executable, "-m", "sim.mutants", "--cores", "1", "--resume", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"{path}: is no state of mutants\n")
