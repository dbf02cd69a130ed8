"""A program that uses the driver in C, against a core with data registers in a simulation.

Arguments: name of the core's case, and the driver's library.
"""

from __future__ import annotations

import sys
from ctypes import c_int32
from pathlib import Path

from golden.interface import Control
from litelstm.driver import Backend, running
from tests.litelstm.driver.c_driver import CDriver, CSequence, Status
from tests.litelstm.driver.cores import CASES, BusCase

LATE_LAST, WEIGHTS, ACCESS = 1 << 1, 1 << 3, 1 << 6


def weights(driver: CDriver, case: BusCase) -> None:
    """No network, a network, a damaged one, another one, and the first again."""
    x = case.sequence(3, 3)
    words = case.result(x).size
    assert driver.run(x, words)[0] == Status.NO_WEIGHTS
    assert driver.load(case.image) == Status.OK
    assert driver.run(x, words) == (Status.OK, case.result(x).tolist())
    damaged = bytearray(case.image)
    damaged[-1] ^= 1
    assert driver.load(bytes(damaged)) == Status.REFUSED
    assert driver.word("load_reason") == 3
    assert driver.word("errors") == WEIGHTS
    driver.word("clear_errors")
    assert driver.load(case.other.image) == Status.OK
    assert driver.run(x, words) == (Status.OK, case.other.result(x).tolist())
    assert driver.load(case.image) == Status.OK


def sequences(driver: CDriver, case: BusCase) -> None:
    """Sequences of several lengths, and what was counted."""
    driver.word("clear_counters")
    for steps in (1, 5, 2):
        x = case.sequence(steps, steps)
        assert driver.run(x, case.result(x).size) == (Status.OK, case.result(x).tolist())
    counters = driver.counters()
    assert (counters.steps, counters.sequences) == (8, 3)
    assert counters.cycles > 0
    assert counters.protocol_errors == counters.dropped == 0
    driver.word("take_interrupts")
    assert driver.word("take_interrupts") == 0


def states(driver: CDriver, case: BusCase) -> None:
    """Saved after one sequence, loaded before another; kept by the stream."""
    first, second = case.sequence(3, 1), case.sequence(2, 2)
    controls = [Control(last=n in (2, 4), keep=n == 3, save=n in (2, 4)) for n in range(5)]
    service = case.serve([*first, *second], controls)
    size = driver.core.state_words
    state, end = (c_int32 * size)(), (c_int32 * size)()
    words = service.words.shape[1]
    assert driver.run(first, words, CSequence(save_state=state))[0] == Status.OK
    assert list(state) == service.saved[0].tolist()
    expected = (Status.OK, service.words[1].tolist())
    assert driver.run(second, words, CSequence(keep=1)) == expected
    loaded = CSequence(load_state=state, save_state=end)
    assert driver.run(second, words, loaded) == expected
    assert list(end) == service.saved[1].tolist()


def troubles(driver: CDriver, case: BusCase, backend: Backend) -> None:
    """What cannot be is refused; errors and silence are told; all is well after a reset."""
    x = case.sequence(2, 7)
    good = (Status.OK, case.result(x).tolist())
    assert driver.run(x, 1)[0] == Status.ARGUMENT
    assert driver.run(x[:0], case.result(x).size)[0] == Status.ARGUMENT
    assert driver.run(x, case.result(x).size, CSequence(stream=200))[0] == Status.ARGUMENT
    backend.write(0x20, 0)  # CONTROL.ENABLE: nothing is taken
    driver.core.polls, before = 20, driver.core.polls
    assert driver.run(x, case.result(x).size)[0] == Status.TIMEOUT
    driver.core.polls = before
    assert driver.call("reset") == Status.OK
    assert driver.run(x, case.result(x).size) == good
    for status in Status:
        assert driver.c.litelstm_message(status)
    assert len({driver.c.litelstm_message(status) for status in Status}) == len(Status)


def main(name: str, library: str) -> None:
    case, backend = CASES[name], running.backend()
    driver = CDriver(Path(library), backend)
    assert driver.call("open") == Status.OK
    assert driver.core.id == case.description.core
    assert driver.core.inputs == case.network.inputs
    weights(driver, case)
    sequences(driver, case)
    states(driver, case)
    troubles(driver, case, backend)
    print(f"{name}: all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
