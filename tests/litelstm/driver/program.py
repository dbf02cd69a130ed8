"""A user's program: all that a core can do, against whatever `litelstm.open` finds.

Arguments: name of the core's case, its JSON, and where it is, if not in a simulation.
"""

from __future__ import annotations

import sys

import pytest

import litelstm
from golden.interface import Control
from litelstm.driver import Core, CoreTimeoutError, DriverError
from tests.litelstm.driver.cores import CASES, BusCase

TIMEOUT = 2e-3
NO_TIMEOUT = 5e-5
ABSENT = 0x3C


def sequences(core: Core, case: BusCase) -> None:
    """Sequences of several lengths, each word compared; the core counts them."""
    core.load(case.network)
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
    core.run(first, stream=1)
    core.run(case.sequence(2, 9), stream=0)
    y, end = core.run(second, stream=1, keep=True, save=True)
    assert y.tolist() == right.tolist()
    assert end.tolist() == service.saved[0].tolist()
    _, state = core.run(first, save=True)
    core.run(case.sequence(2, 9), stream=0)
    y, end = core.run(second, stream=1, state=state, save=True)
    assert y.tolist() == right.tolist()
    assert end.tolist() == service.saved[0].tolist()


def interrupts(core: Core, case: BusCase) -> None:
    """What has happened is told once."""
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


def main(name: str, description: str, at: str | None = None) -> None:
    case = CASES[name]
    with litelstm.open(description, at, timeout=TIMEOUT) as core:
        sequences(core, case)
        states(core, case)
        interrupts(core, case)
        if at is None:
            troubles(core, case)
    print(f"{name}: all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
