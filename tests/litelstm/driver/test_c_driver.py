"""The driver in C: against the RTL of a core, and where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from litelstm.driver.program import run_program
from tests.litelstm.driver import c_program
from tests.litelstm.driver.c_driver import CDriver, Status, compiled
from tests.litelstm.driver.cores import CASES
from tests.litelstm.driver.test_simulation import SEED, write


@pytest.mark.parametrize("name", ["double", "states", "ram", "tight"])
def test_against_the_rtl(name: str, tmp_path: Path) -> None:
    """Weights, sequences, states, counters, errors, timeouts: over data registers and streams."""
    printed = run_program(
        Path(c_program.__file__),
        write(name, tmp_path),
        arguments=[name, str(compiled(tmp_path, CASES[name]))],
        simulator="icarus",
        logs=tmp_path / "logs",
        seed=SEED,
    )
    assert printed == f"{name}: all is well\n"


class Nothing:
    """A bus on which nothing answers as a core does."""

    def __init__(self, words: dict[int, int]) -> None:
        self._words = words

    def read(self, address: int) -> int:
        return self._words.get(address, 0)

    def write(self, address: int, word: int) -> None:
        raise AssertionError("something is written")

    def time(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def test_no_core(tmp_path: Path) -> None:
    case = CASES["plain"]
    library = compiled(tmp_path, case)
    assert CDriver(library, Nothing({})).call("open") == Status.NO_CORE
    magic = int.from_bytes(b"LSTM", "little")
    assert CDriver(library, Nothing({0: magic, 4: 2 << 16})).call("open") == Status.VERSION
    another = {0: magic, 4: 1 << 16, 8: case.description.core ^ 1}
    assert CDriver(library, Nothing(another)).call("open") == Status.NO_CORE
