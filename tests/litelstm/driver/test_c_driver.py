"""The driver in C: against the RTL of a core, and where there is none."""

from __future__ import annotations

from ctypes import byref, c_int32, c_size_t, c_uint8
from pathlib import Path

import numpy as np
import pytest

from golden.packing import Packing
from litelstm.driver import ModelBackend
from litelstm.driver.program import run_program
from sim.tools.toolchain import Simulator
from tests.litelstm.driver import c_program
from tests.litelstm.driver.c_driver import MOVE, CDriver, CPacking, Status, compiled
from tests.litelstm.driver.cores import CASES, BusCase
from tests.litelstm.driver.test_simulation import SEED, write

pytestmark = pytest.mark.simulator

CONTROL, ENABLE, RESET, BY_REGISTER = 0x20, 1 << 0, 1 << 1, 1 << 3


@pytest.mark.parametrize(
    ("simulator", "name"),
    [("verilator", "double"), ("verilator", "states"), ("verilator", "ram"), ("icarus", "tight")],
)
def test_against_the_rtl(simulator: Simulator, name: str, tmp_path: Path) -> None:
    """Weights, sequences, states, counters, errors, timeouts: over data registers and streams.

    In Verilator on builds of `test_killed.py`.
    """
    printed = run_program(
        Path(c_program.__file__),
        write(name, tmp_path),
        arguments=[name, str(compiled(tmp_path, CASES[name]))],
        simulator=simulator,
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


class Watched(ModelBackend):
    """A model that keeps what is written to CONTROL."""

    def __init__(self, case: BusCase) -> None:
        super().__init__(case.description, case.network)
        self.controls: list[int] = []

    def write(self, address: int, word: int) -> None:
        if address == CONTROL:
            self.controls.append(word)
        super().write(address, word)


def test_streams_of_other_hardware_go_on(tmp_path: Path) -> None:
    """Without `move` frames that have begun are dropped to their end, and nothing can be run."""
    case, model = CASES["plain"], Watched(CASES["plain"])
    driver = CDriver(compiled(tmp_path, case), model)
    driver.core.move = MOVE()
    model._words["STATUS"] = 2  # LOADED, not IDLE
    assert driver.call("open") == Status.OK
    assert model.controls == [ENABLE | RESET | BY_REGISTER, ENABLE | BY_REGISTER]
    assert driver.run(case.sequence(1, 1), case.network.outputs)[0] == Status.ARGUMENT


def test_opening_refuses_a_core_that_does_not_become_idle(tmp_path: Path) -> None:
    case, model = CASES["window"], Watched(CASES["window"])
    driver = CDriver(compiled(tmp_path, case), model)
    driver.core.polls = 20
    model._words["STATUS"] = 2
    assert driver.call("open") == Status.TIMEOUT
    assert driver.run(case.sequence(1, 1), 3)[0] == Status.UNSETTLED
    assert not any(word & ENABLE for word in model.controls)


@pytest.mark.parametrize("bus", Packing.BUSES)
def test_frames_are_those_of_the_golden_packing(bus: int, tmp_path: Path) -> None:
    """Every width of elements, in containers and tight, with vectors that end inside a beat."""
    c = CDriver(compiled(tmp_path, CASES["plain"]), Nothing({})).c
    c.litelstm_frame_bytes.restype = c_size_t
    rng = np.random.default_rng(bus)
    for element in range(1, 33):
        for tight in (False, True):
            packing = Packing(element=element, bus=bus, tight=tight)
            vectors, size = 3, int(rng.integers(1, 9))
            low, high = -(1 << element - 1), (1 << element - 1) - 1
            words = rng.integers(low, high, (vectors, size), endpoint=True)
            own = CPacking(element, packing.container, bus, size)
            data = packing.pack(words).tobytes()
            assert c.litelstm_frame_bytes(byref(own), c_size_t(vectors)) == len(data)
            elements = (c_int32 * words.size)(*words.ravel().tolist())
            packed, back = (c_uint8 * len(data))(*[0xAA] * len(data)), (c_int32 * words.size)()
            c.litelstm_pack(byref(own), elements, c_size_t(vectors), packed)
            assert bytes(packed) == data
            c.litelstm_unpack(byref(own), packed, c_size_t(vectors), back)
            assert list(back) == words.ravel().tolist()
