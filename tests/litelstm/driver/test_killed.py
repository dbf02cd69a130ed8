"""A program that was killed leaves nothing to the next one: both drivers, streams and registers."""

from __future__ import annotations

from pathlib import Path

import pytest

from litelstm.driver.program import run_program
from tests.litelstm.driver import killed_program
from tests.litelstm.driver.c_driver import compiled
from tests.litelstm.driver.cores import CASES
from tests.litelstm.driver.test_simulation import SEED, write


BOTH = ("plain", "states", "ram", "window", "double")
RUNS = [(name, driver) for name in BOTH for driver in ("python", "c")]
RUNS += [("uart", "python"), ("spi", "python")]


@pytest.mark.parametrize(("name", "driver"), RUNS)
def test_a_new_program_gets_its_own_words(name: str, driver: str, tmp_path: Path) -> None:
    path = write(name, tmp_path)
    library = [str(compiled(tmp_path, CASES[name]))] if driver == "c" else []
    printed = run_program(
        Path(killed_program.__file__),
        path,
        arguments=[name, str(path), *library],
        simulator="verilator",
        logs=tmp_path / "logs",
        seed=SEED,
    )
    assert printed.endswith(" programs killed, all is well\n")
