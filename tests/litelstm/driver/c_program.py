"""A program that uses the driver in C, against a core in a simulation.

Arguments: name of the core's case, and the driver's library.
"""

from __future__ import annotations

import sys
from ctypes import c_int32
from pathlib import Path

import numpy as np
import pytest

from golden.interface import Control
from litelstm.driver import Backend, DriverError, running
from tests.litelstm.driver.c_driver import CDriver, CSequence, Status
from tests.litelstm.driver.cores import CASES, BusCase

WEIGHTS, ACCESS = 1 << 3, 1 << 6
"""Bits of ERRORS."""

ERRORS, ABSENT = 0x38, 0x3C
"""Addresses."""


def weights(driver: CDriver, case: BusCase) -> None:
    """No network, a network, a damaged one, another one, and the first again."""
    if not case.storage.loadable:
        assert driver.load(bytes(8)) == Status.ARGUMENT
        return
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
    assert driver.load(case.other.image) == Status.OK
    assert driver.run(x, words) == (Status.OK, case.other.result(x).tolist())
    assert driver.load(case.image) == Status.OK


def sequences(driver: CDriver, case: BusCase) -> None:
    """Sequences of several lengths, and what was counted."""
    driver.word("clear_counters")
    for steps in (1, 5, 2):
        x = case.sequence(steps, steps)
        assert driver.run(x, case.result(x).size) == (Status.OK, case.result(x).ravel().tolist())
    counters = driver.counters()
    assert (counters.steps, counters.sequences) == (8, 3)
    assert counters.cycles > 0
    assert counters.protocol_errors == counters.dropped == 0
    driver.word("take_interrupts")
    assert driver.word("take_interrupts") == 0


def states(driver: CDriver, case: BusCase) -> None:
    """Saved after one sequence, loaded before another; kept by the stream."""
    if case.interface.state != "load":
        return
    first, second = case.sequence(3, 1), case.sequence(2, 2)
    controls = [Control(last=n in (2, 4), keep=n == 3, save=n in (2, 4)) for n in range(5)]
    service = case.serve([*first, *second], controls)
    size = case.description.state_words
    state, end = (c_int32 * size)(), (c_int32 * size)()
    stream = case.interface.streams - 1
    words = service.words.shape[1]
    firsts, seconds = (words * n if case.interface.every_step else words for n in (3, 2))
    saving = CSequence(stream=stream, save_state=state)
    assert driver.run(first, firsts, saving)[0] == Status.OK
    assert list(state) == service.saved[0].tolist()
    expected = (Status.OK, service.words.ravel()[firsts:].tolist())
    assert driver.run(second, seconds, CSequence(stream=stream, keep=1)) == expected
    loaded = CSequence(load_state=state, save_state=end)
    assert driver.run(second, seconds, loaded) == expected
    assert list(end) == service.saved[1].tolist()


def troubles(driver: CDriver, case: BusCase, backend: Backend) -> None:
    """Impossible requests are refused, errors and silence reported; a reset repairs all."""
    x = case.sequence(2, 7)
    words = case.result(x).size
    good = (Status.OK, case.result(x).ravel().tolist())
    assert driver.run(x, 1)[0] == Status.ARGUMENT
    assert driver.run(x[:0], case.result(x).size)[0] == Status.ARGUMENT
    assert driver.run(x, case.result(x).size, CSequence(stream=200))[0] == Status.ARGUMENT
    driver.core.buffer_bytes, size = 1, driver.core.buffer_bytes
    assert driver.run(x, words)[0] == (Status.ARGUMENT if size else Status.OK)
    driver.core.buffer_bytes = size
    backend.write(0x20, 0)  # CONTROL.ENABLE: nothing is taken
    driver.core.polls, before = 20, driver.core.polls
    assert driver.run(x, words)[0] == (Status.DMA if size else Status.TIMEOUT)
    driver.core.polls = before
    assert driver.run(x, words)[0] == Status.UNSETTLED
    assert driver.call("reset") == Status.OK
    assert driver.run(x, words) == good
    backend.write(ERRORS, 0)
    with pytest.raises(DriverError):
        backend.read(ABSENT)  # as a debugger does
    assert driver.word("errors") == ACCESS
    assert driver.run(x, words) == good
    assert driver.word("errors") == 0
    for status in Status:
        assert driver.c.litelstm_message(status)
    assert len({driver.c.litelstm_message(status) for status in Status}) == len(Status)


def floats(driver: CDriver, case: BusCase) -> None:
    """Real inputs become the same words as in NumPy, at ties and at the ends, too."""
    step = 2.0**-case.network.x.frac / 4
    values = np.arange(-1200, 1200) * step / case.network.input_scale
    values = np.concatenate([values, np.random.default_rng(1).normal(size=500), [-1e30, 1e30]])
    words = [driver.c.quantize(value) for value in values.tolist()]
    assert words == case.network.quantize_input(values).tolist()


def main(name: str, library: str) -> None:
    case, backend = CASES[name], running.backend()
    driver = CDriver(Path(library), backend)
    assert driver.call("open") == Status.OK
    floats(driver, case)
    weights(driver, case)
    sequences(driver, case)
    states(driver, case)
    troubles(driver, case, backend)
    print(f"{name}: all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
