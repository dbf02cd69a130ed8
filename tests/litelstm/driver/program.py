"""A user's program: all that a core can do, against whatever `litelstm.open` finds.

Arguments: name of the core's case, and its JSON.
"""

from __future__ import annotations

import sys

import pytest

import litelstm
from golden.errors import InputError
from golden.interface import Control
from litelstm.driver import Backend, Core, CoreTimeoutError, DriverError
from tests.litelstm.driver.cores import CASES, BusCase

TIMEOUT = 2e-3
ABSENT = 0x3C


def weights(core: Core, case: BusCase) -> None:
    """No network, a network, a damaged one, another one, and the first again."""
    if not case.storage.loadable:
        core.load(case.network)
        return
    x = case.sequence(3, 3)
    with pytest.raises(DriverError, match=r"^the core has no weights yet: load a network$"):
        core.run(x)
    core.load(case.image)
    assert core.run(x).tolist() == case.result(x).tolist()
    damaged = bytearray(case.image)
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(DriverError, match=r"^the core refuses the weights: "):
        core.load(bytes(damaged))
    if case.storage.double:  # the old ones stay
        assert core.run(x).tolist() == case.result(x).tolist()
    core.load(case.other.image)
    assert core.run(x).tolist() == case.other.result(x).tolist()
    core.load(case.network)  # its image is made here
    assert core.errors() == ()
    with pytest.raises(InputError):
        core.load(CASES["classes"].network)


def sequences(core: Core, case: BusCase) -> None:
    """Sequences of several lengths, each word compared; the core counts them."""
    core.clear_counters()
    all_x = [case.sequence(steps, steps) for steps in (3, 1, 6)]
    for x in all_x:
        assert core.run(x).tolist() == case.result(x).tolist()
    assert [y.tolist() for y in core.run(all_x)] == [case.result(x).tolist() for x in all_x]
    counters = core.counters()
    assert (counters["STEPS"], counters["SEQUENCES"]) == (20, 6)
    assert counters["PROTOCOL_ERRORS"] == counters["DROPPED"] == 0


def states(core: Core, case: BusCase) -> None:
    """A sequence cut in two: its state kept by the stream; and saved, and loaded into another."""
    if case.interface.state != "load":
        return
    first, second = case.sequence(3, 1), case.sequence(2, 2)
    controls = [Control(last=n in (2, 4), keep=n == 3, save=n == 4) for n in range(5)]
    service = case.serve([*first, *second], controls)
    right = service.words[3:] if case.interface.every_step else service.words[1]
    stream = case.interface.streams - 1
    core.run(first, stream=stream)
    if stream:
        core.run(case.sequence(2, 9), stream=0)
    y, end = core.run(second, stream=stream, keep=True, save=True)
    assert y.tolist() == right.tolist()
    assert end.tolist() == service.saved[0].tolist()
    _, state = core.run(first, save=True)
    core.run(case.sequence(2, 9), stream=0)
    y, end = core.run(second, stream=stream, state=state, save=True)
    assert y.tolist() == right.tolist()
    assert end.tolist() == service.saved[0].tolist()


def interrupts(core: Core, case: BusCase) -> None:
    """Each event is reported once."""
    core.interrupts()
    core.enable_interrupts("SEQUENCE")
    core.run(case.sequence(1, 1))
    assert core.interrupts() == ("RESULT", "SEQUENCE")
    assert core.interrupts() == ()


def troubles(core: Core, case: BusCase) -> None:
    """A register that there is not; a core that does nothing; each time all is well afterwards."""
    x = case.sequence(4, 4)
    assert core.counters()["CYCLES"] > 0
    with pytest.raises(DriverError, match=r"^the core refuses the register at 0x3c: "):
        core.registers.write_at(ABSENT, 0)
    assert core.errors() == ("ACCESS",)
    core.clear_errors()
    core.registers.set("CONTROL", BY_REGISTER=1)
    core.timeout, before = core.timeout / 40, core.timeout
    with pytest.raises(CoreTimeoutError, match=r"^after .* \(IDLE [01], LOADED 1, .*\)$"):
        core.run(x)
    core.timeout = before
    core.reset()
    assert core.run(x).tolist() == case.result(x).tolist()
    core.registers.write("ERRORS", 0)
    core.registers.set("LENGTH", STEPS=3)
    with pytest.raises(DriverError, match=r"LATE_LAST"):
        core.run(x)
    core.reset()
    core.clear_errors()
    assert core.run(x).tolist() == case.result(x).tolist()


def main(name: str, description: str, at: str | Backend | None = None) -> None:
    case = CASES[name]
    with litelstm.open(description, at, timeout=TIMEOUT) as core:
        weights(core, case)
        sequences(core, case)
        states(core, case)
        interrupts(core, case)
        if at is None:
            troubles(core, case)
    print(f"{name}: all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
