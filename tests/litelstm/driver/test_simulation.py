"""One program against the model of a core and against its RTL, in both simulators."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.errors import InputError
from litelstm.driver import Description, ModelBackend
from litelstm.driver.program import run_program
from sim.tools.errors import SimulationError
from sim.tools.toolchain import Simulator
from tests.litelstm.driver import program
from tests.litelstm.driver.cores import CASES

pytestmark = pytest.mark.simulator

PROGRAM = Path(program.__file__)
SEED = 3

SERIAL = ("uart", "spi")
IN_ICARUS = [name for name in CASES if name not in SERIAL]
RUNS = [("icarus", name) for name in IN_ICARUS] + [("verilator", name) for name in SERIAL]


def write(name: str, folder: Path) -> Path:
    """The files of a core; returns its JSON."""
    for file, text in CASES[name].system.files(sources={}).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder / "core.json"


@pytest.mark.parametrize(("simulator", "name"), RUNS)
def test_program_in_the_simulator(simulator: Simulator, name: str, tmp_path: Path) -> None:
    description = write(name, tmp_path)
    printed = run_program(
        PROGRAM,
        description,
        arguments=[name, str(description)],
        simulator=simulator,
        logs=tmp_path / "logs",
        seed=SEED,
        optimize=name in SERIAL,
    )
    assert printed == f"{name}: all is well\n"


@pytest.mark.parametrize("name", CASES)
def test_program_with_the_model(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, path = CASES[name], write(name, tmp_path)
    backend = ModelBackend(Description.load(path), case.has)
    program.main(name, str(path), backend)
    assert capsys.readouterr().out == f"{name}: all is well\n"


def test_a_program_that_fails_is_told(tmp_path: Path) -> None:
    description = write("classes", tmp_path)
    bad = tmp_path / "bad.py"
    for text, what in (("assert 1 == 2", "AssertionError"), ("raise SystemExit(3)", "ends with 3")):
        bad.write_text(text)
        with pytest.raises(SimulationError, match=what):
            run_program(bad, description, simulator="icarus", logs=tmp_path / "logs")
    with pytest.raises(InputError, match=r"none.py: cannot be read: No such file$"):
        run_program(tmp_path / "none.py", description, logs=tmp_path / "logs")
