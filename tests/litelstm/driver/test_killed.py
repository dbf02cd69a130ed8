"""A program that was killed leaves nothing to the next one: both drivers, streams and registers."""

from __future__ import annotations

from pathlib import Path

import pytest

from litelstm.driver.program import run_program
from tests.litelstm.driver import killed_program
from tests.litelstm.driver.c_driver import compiled
from tests.litelstm.driver.cores import CASES
from tests.litelstm.driver.test_simulation import SEED, write

pytestmark = pytest.mark.simulator

SERIAL = ("uart", "spi")


@pytest.mark.parametrize("name", ["plain", "states", "ram", "window", "double", *SERIAL])
def test_a_new_program_gets_its_own_words(name: str, tmp_path: Path) -> None:
    path = write(name, tmp_path)
    library = [] if name in SERIAL else [str(compiled(tmp_path, CASES[name]))]
    printed = run_program(
        Path(killed_program.__file__),
        path,
        arguments=[name, str(path), *library],
        simulator="verilator",
        logs=tmp_path / "logs",
        seed=SEED,
        optimize=name in SERIAL,
    )
    assert printed == f"{name}: all is well, with {1 + len(library)} drivers\n"
