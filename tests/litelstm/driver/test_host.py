"""The host's code and ``litelstm host``, against golden's model of a board."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from golden.errors import InputError
from golden.interface import Interface
from golden.link import frames
from golden.link.board import BoardModel
from golden.link.messages import ANSWER, Fault, Kind
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from litelstm.driver.errors import DriverError
from litelstm.driver.host import Link
from tests.litelstm.boards import ModelPort, terminal
from tests.litelstm.conftest import SAMPLES, Call, Files
from tests.networks import Recipe, input_words, quantized_network

NETWORK = quantized_network(Recipe(inputs=2, units=(3,), outputs=2), 1)
X = input_words(NETWORK, batch=40, steps=7, seed=1)
WORDS = IntegerModel(NETWORK).forward(X)


def noisy(rate: float, seed: int) -> Callable[[bytes], bytes]:
    """A line that drops, changes or adds a byte now and then."""
    random = Random(seed)

    def damage(byte: int) -> bytes:
        if random.random() >= rate:
            return bytes([byte])
        other = random.randrange(256)
        return random.choice((b"", bytes([other]), bytes([byte, other]), bytes([frames.FLAG])))

    return lambda data: b"".join(map(damage, data))


def test_sequences_in_one_request_and_in_parts() -> None:
    for capacity in (2, 4, 12, 1024):
        link = Link(ModelPort(BoardModel(NETWORK, capacity=capacity)), NETWORK, retries=0)
        assert link.identify().capacity == capacity
        for x, words in zip(X[:5], WORDS, strict=False):
            assert link.run(x).tolist() == words.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("capacity", [6, 1024])
@pytest.mark.parametrize("seed", range(5))
def test_noise_costs_time_only(capacity: int, seed: int) -> None:
    port = ModelPort(
        BoardModel(NETWORK, capacity=capacity),
        to_board=noisy(0.02, seed),
        from_board=noisy(0.02, seed + 100),
    )
    link = Link(port, NETWORK, retries=200)
    assert [link.run(x).tolist() for x in X] == WORDS.tolist()
    assert link.retried > 5


def test_numbers_go_round() -> None:
    link = Link(ModelPort(BoardModel(NETWORK, capacity=2)), NETWORK, retries=0)
    assert [link.run(x).tolist() for x in X] == WORDS.tolist()  # 280 requests


def test_late_answers_are_not_taken_for_others() -> None:
    """Each answer comes when the next request is sent: none is taken, for none is the asked one."""
    late = [b""]

    def delay(data: bytes) -> bytes:
        late.append(data)
        return late[-2]

    port = ModelPort(BoardModel(NETWORK), from_board=delay)
    with pytest.raises(DriverError, match=r"^no answer for 1 s; tries: 11$"):
        Link(port, NETWORK, retries=10).run(X[0])
    assert len(late) == 12


def answering(*bodies: bytes) -> ModelPort:
    """A board that answers the same to everything, after it has said who it is."""
    board = BoardModel(NETWORK)
    identity = bytes([Kind.IDENTIFY | ANSWER, 0]) + board.identity.pack()
    answers = iter([identity, *bodies])
    return ModelPort(board, from_board=lambda _: frames.encode(next(answers)))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (bytes([Kind.FAULT, 1, Fault.LENGTH]), r"^the board refuses: the payload is not as long "),
        (bytes([Kind.FAULT, 1, 77]), r"^the board refuses: fault 4d$"),
        (bytes([Kind.FAULT, 9, Fault.LENGTH]), r"^no answer for 1 s; tries: 1$"),
        (bytes([Kind.FAULT, 1, Fault.ORDER]), r"do not follow .* before; tries: 1$"),
        (bytes([Kind.FAULT, 0, Fault.OVERRUN]), r"another request .* out; tries: 1$"),
        (bytes([Kind.RUN | ANSWER, 2, 0, 0, 0, 0]), r"^no answer"),
        (bytes([Kind.IDENTIFY | ANSWER, 1]), r"^no answer"),
        (bytes([Kind.RUN | ANSWER, 1, 0]), r"^the board answers 1 bytes, expected 4$"),
    ],
)
def test_what_is_no_result(body: bytes, says: str) -> None:
    with pytest.raises(DriverError, match=says):
        Link(answering(body), NETWORK, retries=0).run(X[0])


def test_noise_without_end_is_given_up() -> None:
    port = ModelPort(BoardModel(NETWORK), from_board=lambda data: bytes(100_000))
    with pytest.raises(DriverError, match="nothing but noise; tries: 2"):
        Link(port, NETWORK, retries=1).identify()


def test_a_broken_line_is_an_error() -> None:
    def broken(data: bytes) -> bytes:
        raise OSError(5, "Input/output error")

    port = ModelPort(BoardModel(NETWORK), to_board=broken)
    with pytest.raises(DriverError, match="the line is broken: .*Input/output error"):
        Link(port, NETWORK).identify()


def test_a_device_that_goes_away_is_an_error() -> None:
    with terminal(BoardModel(NETWORK)) as port:
        link = Link.open(port, NETWORK)
        link.check()
    with link, pytest.raises(DriverError, match="the line is broken: "):
        link.run(X[0])


@pytest.mark.parametrize(
    "payload",
    [b"", bytes([2]), bytes([1, 2]), bytes([2]) + BoardModel(NETWORK).identity.pack()[1:]],
)
def test_an_identity_that_is_none(payload: bytes) -> None:
    body = bytes([Kind.IDENTIFY | ANSWER, 0]) + payload
    port = ModelPort(BoardModel(NETWORK), from_board=lambda _: frames.encode(body))
    with pytest.raises(DriverError, match="version|identity"):
        Link(port, NETWORK, retries=0).identify()


def test_another_network_is_refused() -> None:
    other = quantized_network(Recipe(inputs=2, units=(3,), outputs=2), 2)
    with pytest.raises(
        InputError, match=r"the board runs network [0-9a-f]{16} \(2 inputs, 2 words"
    ):
        Link(ModelPort(BoardModel(other)), NETWORK).run(X[0])
    with pytest.raises(InputError, match="the board runs network"):
        Link(ModelPort(BoardModel(NETWORK)), NETWORK, interface=Interface(classes=True)).check()


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (X[0, 0], "samples are of shape"),
        (X[0, :, :1], "samples are of shape"),
        (X[0] / 2, "integers"),
        (np.full((1, 2), 128), "input words are 128 to 128, expected -128 to 127"),
        (X[0, :0], "samples are of shape"),
    ],
)
def test_bad_input_words(x: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Link(ModelPort(BoardModel(NETWORK)), NETWORK).run(x)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout": 0.0}, "timeout is 0.0, expected more than 0 seconds"),
        ({"retries": -1}, "retries is -1, expected 0 or more"),
        ({"interface": Interface(streams=2)}, "one stream"),
    ],
)
def test_bad_options(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Link(ModelPort(BoardModel(NETWORK)), NETWORK, **options)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("classes", [False, True])
def test_command(files: Files, call: Call, tmp_path: Path, classes: bool) -> None:
    network = QuantizedNetwork.load(files.network)
    board = BoardModel(network, interface=Interface(classes=classes))
    options = [
        "--timeout",
        30,
        *(["--classes"] if classes else []),
    ]  # no retry when the machine is busy
    with terminal(board) as port:
        report = tmp_path / "report.json"
        command = ["host", files.network, "--port", port, "--samples", files.samples, *options]
        done = call(*command, "--json", report)
    assert done.status == 0, done.err
    words = SAMPLES * (1 if classes else 2)
    assert f"{SAMPLES} samples, {words} output words compared, 0 differ" in done.out
    found = json.loads(report.read_text())
    assert (found["compared"], found["mismatched"], found["retried"]) == (words, 0, 0)
    assert found["accuracy"]["golden"] == found["accuracy"]["board"]


def test_command_with_a_board_that_computes_something_else(
    files: Files, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = QuantizedNetwork.load(files.network)
    board = BoardModel(network)
    monkeypatch.setattr(board, "_model", _OneMore(IntegerModel(network)))
    with terminal(board) as port:
        done = call("host", files.network, "--port", port, "--samples", files.samples)
    assert done.status == 1
    assert f"{2 * SAMPLES} output words compared, {2 * SAMPLES} differ" in done.out
    assert "sample 0, word 0: expected " in done.out


class _OneMore:
    """A model whose words are all one too large."""

    def __init__(self, model: IntegerModel) -> None:
        self._model = model

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self._model.forward(x) + 1


def test_command_without_an_answer(files: Files, call: Call) -> None:
    with terminal(None) as port:
        command = ["host", files.network, "--port", port, "--samples", files.samples]
        done = call(*command, "--timeout", 0.01, "--retries", 1)
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith("litelstm: no answer for 0.0")
    assert done.err.endswith("tries: 2\n")


@pytest.mark.parametrize(
    ("port", "options", "says"),
    [
        ("/dev/absent", [], "/dev/absent: cannot be opened: "),
        ("nonsense://x", [], "nonsense://x: cannot be opened: "),
        ("loop://", ["--timeout", 0], "timeout is 0.0"),
        ("loop://", ["--retries", -1], "retries is -1"),
        ("loop://", ["--count", 99], "count is 99"),
    ],
)
def test_bad_input_is_one_line(
    files: Files, call: Call, port: str, options: list[object], says: str
) -> None:
    done = call("host", files.network, "--port", port, "--samples", files.samples, *options)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert says in done.err


def test_a_missing_package_is_named(
    files: Files, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    done = call("host", files.network, "--port", "loop://", "--samples", files.samples)
    assert done.status == 2
    assert done.err == "litelstm: serial is missing: pip install pyserial\n"
