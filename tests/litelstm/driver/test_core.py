"""Programs' view of a core, over the model of its registers: results, states, counters, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litelstm
from golden.errors import InputError
from golden.interface import Control, Interface
from litelstm.driver import Core, CoreTimeoutError, DriverError, ModelBackend
from litelstm.driver.backend import WallTime
from tests.litelstm.driver.cores import CASES, BusCase

SHORT = 0.02


def opened(case: BusCase, **arguments: Any) -> Core:
    return Core(ModelBackend(case.description, case.network), case.description, **arguments)


ROM = [name for name, case in CASES.items() if not case.storage.loadable]


@pytest.mark.parametrize("name", ROM)
def test_sequences(name: str) -> None:
    """Raw words of one sequence, of several of a length, and of several of any lengths."""
    case = CASES[name]
    sequences = [case.sequence(steps, steps) for steps in (3, 1, 6)]
    with opened(case) as core:
        for x in sequences:
            assert core.run(x).tolist() == case.result(x).tolist()
        batch = np.array([case.sequence(4, seed) for seed in range(3)])
        expected = np.array([case.result(x) for x in batch])
        assert core.run(batch).tolist() == expected.tolist()
        results = core.run(sequences)
        assert [r.tolist() for r in results] == [case.result(x).tolist() for x in sequences]
        counters = core.counters()
    assert counters["SEQUENCES"] == 9
    assert counters["STEPS"] == 2 * 10 + 3 * 4


def test_a_sequence_that_the_core_cannot_buffer() -> None:
    case = CASES["both ways"]
    with (
        opened(case) as core,
        pytest.raises(InputError, match=r"^a sequence has 9 steps, expected 8 at most"),
    ):
        core.run(case.sequence(9, 1))


def test_floats_are_quantized_and_scaled() -> None:
    case = CASES["plain"]
    samples = np.random.default_rng(1).normal(size=(4, 3))
    with opened(case) as core:
        y = core.run(samples)
    words = case.network.quantize_input(samples)
    assert y.dtype == np.float64
    assert y.tolist() == (case.result(words) * 2.0**-case.network.out.frac).tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_are_finite(value: float) -> None:
    with (
        opened(CASES["plain"]) as core,
        pytest.raises(InputError, match="x holds NaN or infinity, expected finite numbers"),
    ):
        core.run(np.full((4, 3), value))


def test_classes_of_floats_are_integers() -> None:
    case = CASES["classes"]
    samples = np.random.default_rng(1).normal(size=(4, 2))
    with opened(case) as core:
        assert (
            core.run(samples).tolist() == case.result(case.network.quantize_input(samples)).tolist()
        )


@pytest.mark.parametrize("name", ["states", "window"])
def test_states(name: str) -> None:
    """A sequence cut in two: kept by its stream, or saved and loaded into another."""
    case = CASES[name]
    every = case.interface.every_step
    first, second = case.sequence(3, 1), case.sequence(2, 2)
    steps = [*first, *second]
    controls = [Control(last=n in (2, 4), keep=n == 3, save=n == 4) for n in range(5)]
    service = case.serve(steps, controls)
    right = service.words[3:] if every else service.words[1]
    with opened(case) as core:
        core.run(first, stream=1)
        core.run(case.sequence(4, 9), stream=0)
        y, end = core.run(second, stream=1, keep=True, save=True)
        assert y.tolist() == right.tolist()
        assert end.tolist() == service.saved[0].tolist()
        _, state = core.run(first, save=True)
        y, end = core.run(second, stream=1, state=state, save=True)
        assert y.tolist() == right.tolist()
        assert end.tolist() == service.saved[0].tolist()
        core.reset()
        fresh = case.result(second)
        assert core.run(second, stream=1, keep=True).tolist() == fresh.tolist()


def test_interrupts_and_counters_are_cleared() -> None:
    case = CASES["window"]
    with opened(case) as core:
        core.enable_interrupts("SEQUENCE", "SAVED")
        bits = core.description.register("IRQ_STATUS").fields
        mask = 1 << bits["SEQUENCE"][0] | 1 << bits["SAVED"][0]
        assert core.registers.read("IRQ_ENABLE") == mask
        core.run(case.sequence(1, 1))
        assert core.interrupts() == ("RESULT", "SEQUENCE")
        assert core.interrupts() == ()
        core.clear_counters()
        assert set(core.counters().values()) == {0}
        with pytest.raises(InputError, match=r"^interrupt is 'NONE', expected one of RESULT, "):
            core.enable_interrupts("NONE")


def test_a_network_that_is_in_the_verilog(tmp_path: Path) -> None:
    """It is accepted, by object or by file; another one and an image are not."""
    case, other = CASES["plain"], CASES["tight"]
    case.network.save(tmp_path / "net.q.npz")
    (tmp_path / "weights.bin").write_bytes(bytes(8))
    with opened(case) as core:
        core.load(case.network)
        core.load(tmp_path / "net.q.npz")
        with pytest.raises(InputError, match=r"^core is for network [0-9a-f]{16}, not for "):
            core.load(other.network)
        with pytest.raises(InputError, match=r"^core has its weights in the Verilog and takes no"):
            core.load(tmp_path / "weights.bin")
        with pytest.raises(InputError, match=r"none.bin: cannot be read: No such file"):
            core.load(tmp_path / "none.bin")


def run_with(**arguments: Any) -> Callable[[Core, BusCase], object]:
    return lambda core, case: core.run(case.sequence(1, 1), **arguments)


BAD = {
    "x has 4 elements": (
        "plain",
        lambda core, case: core.run(np.zeros((2, 4), int)),
        r"a sequence is of shape \(2, 4\), expected \(steps, 3\)",
    ),
    "no steps": (
        "plain",
        lambda core, case: core.run(np.zeros((0, 3), int)),
        r"a sequence is of shape \(0, 3\), expected \(steps, 3\)",
    ),
    "x too large": (
        "plain",
        lambda core, case: core.run(np.full((1, 3), 1 << 20)),
        r"x are 1048576 to 1048576, expected -\d+ to \d+",
    ),
    "x is text": (
        "plain",
        lambda core, case: core.run(np.array([["a", "b", "c"]])),
        r"x is of type <U1, expected integers or floats",
    ),
    "no such stream": ("states", run_with(stream=3), r"stream is 3, expected 0 to 2"),
    "keep": ("plain", run_with(keep=True), r"keep needs a core with --state keep or load"),
    "save": ("classes", run_with(save=True), r"state and save need a core with --state load"),
    "state": ("states", run_with(state=[1]), r"state is int64 of shape \(1,\), expected \(8,\)"),
    "state too large": (
        "window",
        run_with(state=[1 << 20] * 8),
        r"state words are 1048576 to 1048576, expected",
    ),
    "states of a batch": (
        "states",
        lambda core, case: core.run(np.zeros((2, 1, 2), int), save=True),
        r"state and save are for one sequence, not 2",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_requests(what: str) -> None:
    """Refused in one line, and nothing of them reaches the core."""
    name, request, message = BAD[what]
    with opened(CASES[name]) as core:
        with pytest.raises(InputError, match=f"^{message}") as refused:
            request(core, CASES[name])
        assert "\n" not in str(refused.value)
        assert core.counters()["STEPS"] == 0
        core.run(CASES[name].sequence(1, 1))


class Broken(ModelBackend):
    """A model that does not do as it should."""

    def __init__(self, case: BusCase, **wrong: int) -> None:
        super().__init__(case.description, case.network)
        for name, word in wrong.items():
            self._words[name] = word


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ID": 0}, r"no litelstm core: ID is 0x00000000, expected 0x4d54534c"),
        ({"VERSION": 2 << 16}, r"registers are of version 2, this driver knows 1"),
        ({"CORE": 7}, r"the core is 0x00000007, that of core.json is 0x[0-9a-f]{8}"),
    ],
)
def test_another_core(wrong: dict[str, int], message: str) -> None:
    case = CASES["plain"]
    with pytest.raises(DriverError, match=f"^{message}$"):
        Core(Broken(case, **wrong), case.description)


class Faulty(ModelBackend):
    """A model that sets bits of ERRORS while it runs the next sequence."""

    faults = 0

    def _run(self, x: Any) -> None:
        super()._run(x)
        self._words["ERRORS"] |= self.faults
        self.faults = 0


def test_errors_of_a_run_are_its_own() -> None:
    """Errors from before the run do not count; later ones are reported, and kept."""
    case = CASES["window"]
    backend = Faulty(case.description, case.network)
    core = Core(backend, case.description)
    x = case.sequence(1, 1)
    backend._words["ERRORS"] = 0b1000010
    assert core.run(x).tolist() == case.result(x).tolist()
    assert core.errors() == ()
    backend.faults = 0b10010
    with pytest.raises(DriverError, match=r"^the core reports LATE_LAST, STATE$"):
        core.run(x)
    assert core.errors() == ("LATE_LAST", "STATE")
    with pytest.raises(DriverError, match=r"^an earlier call failed and may have left words in "):
        core.run(x)
    core.reset()
    assert core.errors() == ()
    assert core.run(x).tolist() == case.result(x).tolist()


def test_opening_refuses_a_core_that_does_not_become_idle() -> None:
    case = CASES["window"]
    with pytest.raises(CoreTimeoutError, match=r"^no STATUS.IDLE after 0.02 s \(IDLE 0, "):
        Core(Broken(case, STATUS=0b10), case.description, timeout=SHORT)


class Deaf(ModelBackend):
    """A model that never has a result."""

    def _run(self, x: object) -> None:
        pass


@pytest.mark.parametrize("name", ["plain", "window"])
def test_timeouts_say_what_is_missing(name: str) -> None:
    case = CASES[name]
    core = Core(Deaf(case.description, case.network), case.description, timeout=SHORT)
    missing = r"y" if name == "plain" else r"0 words for x left, 0 of 3 words of y"
    with pytest.raises(
        CoreTimeoutError,
        match=rf"^after 0.02 s(:| not done:) {missing} \(IDLE 1, LOADED 1, .*; errors: none\)$",
    ):
        core.run(case.sequence(2, 1))


def test_streams_need_a_backend_that_has_them() -> None:
    case = CASES["plain"]

    class RegistersOnly(WallTime):
        def __init__(self) -> None:
            inner = ModelBackend(case.description, case.network)
            self.read, self.write, self.close = inner.read, inner.write, inner.close

    with pytest.raises(DriverError, match=r"^core has streams, which RegistersOnly cannot move"):
        Core(RegistersOnly(), case.description)


def test_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, by environment, by a backend of the program's own."""
    case = CASES["plain"]
    description, network = tmp_path / "core.json", tmp_path / "net.q.npz"
    description.write_text(json.dumps(case.json))
    case.network.save(network)
    x = case.sequence(2, 1)
    expected = case.result(x).tolist()
    with litelstm.open(description, f"model:{network}") as core:
        assert core.run(x).tolist() == expected
    monkeypatch.setenv("LITELSTM_AT", f"model:{network}")
    with litelstm.open(description) as core:
        assert core.run(x).tolist() == expected
    backend = ModelBackend(case.description, case.network)
    with litelstm.open(description, backend) as core:
        assert core.run(x).tolist() == expected
    monkeypatch.delenv("LITELSTM_AT")
    with pytest.raises(DriverError, match=r"^no place of the core is given"):
        litelstm.open(description)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("usb:1", r"place of the core is 'usb:1', expected one of sim, model, uio, mem, uart, spi"),
        ("uio:/dev/none", r"/dev/none: cannot be mapped at 0x0: No such file or directory"),
        ("mem:here", r"address is 'here', expected a number"),
        ("uart:/dev/none?baud=fast", r"baud is 'fast', expected a number"),
        ("uart:/dev/none", r"/dev/none: cannot be opened: .*No such file or directory.*"),
        ("spi:/dev/none", r"SPI device is /dev/none, expected /dev/spidevBUS.DEVICE"),
    ],
)
def test_bad_places(at: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    path.write_text(json.dumps(CASES["plain"].json))
    with pytest.raises(InputError, match=f"^{message}$"):
        litelstm.open(path, at)


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    changed = json.loads(json.dumps(values))
    inner = changed
    for name in names[:-1]:
        inner = inner[name]
    del inner[names[-1]]
    return changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"is not JSON: .*"),
        ("[]", r"all of it is not an object"),
        (json.dumps(without(CASES["plain"].json, "bus")), r"has no bus; generate the core with .*"),
        (
            json.dumps(without(CASES["plain"].json, "input", "scale")),
            r"input.scale is None, expected int or float",
        ),
        (
            json.dumps({**CASES["plain"].json, "registers": 1}),
            r"registers is 1, expected list",
        ),
    ],
)
def test_bad_descriptions(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"core.json: {message}$"):
        litelstm.open(path, "sim")


def test_first_steps_without_result() -> None:
    """A kept sequence goes on from the steps before it, so that all of its steps have one."""
    case = replace(CASES["plain"], interface=Interface(state="keep", every_step=True))
    first, *rest = case.network.layers
    windowed = replace(first, sources=(0,), lags=(1,), warmup=2)
    vars(case)["network"] = replace(case.network, layers=(windowed, *rest))
    before, after = case.sequence(5, 1), case.sequence(2, 2)
    expected = case.result(np.concatenate([before, after]))
    with opened(case) as core:
        assert core.run(before).tolist() == expected[:3].tolist()
        assert core.run(after, keep=True).tolist() == expected[3:].tolist()
        with pytest.raises(InputError, match="a sequence has 2 steps, expected 3 or more"):
            core.run(after)
        core.reset()
        with pytest.raises(InputError, match="the first 2 have no result"):
            core.run(after, keep=True)
