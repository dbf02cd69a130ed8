"""The content of frames: words, identity, fingerprint, and the board's model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden.errors import InputError
from golden.formats import Format
from golden.interface import Interface
from golden.link import frames
from golden.link.board import BoardModel
from golden.link.messages import (
    ANSWER,
    Fault,
    Identity,
    Kind,
    Steps,
    bytes_of,
    fingerprint,
    pack_words,
    unpack_words,
)
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from tests.networks import Recipe, input_words, quantized_network

RECIPE = Recipe(inputs=2, units=(3,), outputs=2)
NETWORK = quantized_network(RECIPE, 1)
WHOLE = Steps.FIRST | Steps.LAST


@pytest.mark.parametrize("width", [2, 8, 9, 16, 17, 24, 25, 32])
def test_words_are_sign_extended_and_little_endian(width: int) -> None:
    per_word = bytes_of(Format(width=width, frac=0))
    assert per_word == -(-width // 8)
    top = 1 << (width - 1)
    words = [-top, -1, 0, 1, top - 1]
    packed = pack_words(words, per_word)
    assert packed == b"".join(word.to_bytes(per_word, "little", signed=True) for word in words)
    assert unpack_words(packed, per_word).tolist() == words


def test_identity_there_and_back() -> None:
    identity = Identity.of(NETWORK, Interface(classes=True), capacity=100)
    assert (identity.inputs, identity.results, identity.capacity) == (2, 1, 100)
    assert Identity.unpack(identity.pack()) == identity
    with pytest.raises(ValueError, match="identity has 3 bytes, expected 17"):
        Identity.unpack(b"abc")


@pytest.mark.parametrize(
    ("interface", "capacity", "says"),
    [
        (Interface(streams=2), 100, "one stream, cleared state"),
        (Interface(state="keep"), 100, "one stream, cleared state"),
        (Interface(every_step=True), 100, "results of whole sequences"),
        (Interface(), 1, r"buffer is 1 bytes, expected 2 \(one step\) to 32768"),
        (Interface(), 32769, "buffer is 32769 bytes"),
    ],
)
def test_what_a_board_cannot_be(interface: Interface, capacity: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Identity.of(NETWORK, interface, capacity=capacity)


def changed(name: str) -> QuantizedNetwork:
    """The network with one weight changed by one."""
    layer = NETWORK.layers[0]
    array = layer.weights[name].copy()
    array.flat[-1] += 1 if array.flat[-1] <= 0 else -1
    first = replace(layer, weights={**layer.weights, name: array})
    return replace(NETWORK, layers=(first, *NETWORK.layers[1:]))


def test_the_fingerprint_is_of_everything_that_decides_a_result() -> None:
    others = [changed(name) for name in NETWORK.layers[0].weights]
    others += [
        replace(NETWORK, layers=NETWORK.body),
        replace(NETWORK, tanh=replace(NETWORK.tanh, interpolate=not NETWORK.tanh.interpolate)),
        replace(NETWORK, input_scale=0.5),
        quantized_network(RECIPE, 2),
    ]
    prints = [fingerprint(network, Interface()) for network in [NETWORK, *others]]
    prints.append(fingerprint(NETWORK, Interface(classes=True)))
    assert len(set(prints)) == len(prints)
    assert {len(single) for single in prints} == {8}


def test_the_fingerprint_does_not_depend_on_the_file(tmp_path: Path) -> None:
    NETWORK.save(tmp_path / "net.npz")
    again = QuantizedNetwork.load(tmp_path / "net.npz")
    assert fingerprint(again, Interface()) == fingerprint(NETWORK, Interface())
    # A change of it would make hosts refuse boards that were built before.
    assert fingerprint(NETWORK, Interface()).hex() == "1a04edf7843aa6bd"


def ask(board: BoardModel, kind: int, number: int, payload: bytes = b"") -> tuple[int, int, bytes]:
    """Kind, number and payload of the one answer to a request."""
    (body,) = frames.Decoder().feed(board.feed(frames.encode(bytes([kind, number]) + payload)))
    assert body is not None
    return body[0], body[1], body[2:]


def test_a_sequence_in_one_request_or_several() -> None:
    board = BoardModel(NETWORK, capacity=8)
    per_word = board.identity.input_bytes
    x = input_words(NETWORK, batch=1, steps=6, seed=1)
    expected = pack_words(IntegerModel(NETWORK).forward(x)[0], board.identity.result_bytes)
    parts = [pack_words(x[0, at : at + 2], per_word) for at in (0, 2, 4)]
    assert ask(board, Kind.RUN, 255, bytes([Steps.FIRST]) + parts[0]) == (0x82, 255, b"")
    assert ask(board, Kind.RUN, 0, b"\0" + parts[1]) == (0x82, 0, b"")
    assert ask(board, Kind.RUN, 1, bytes([Steps.LAST]) + parts[2]) == (0x82, 1, expected)
    short = pack_words(IntegerModel(NETWORK).forward(x[:, :4])[0], board.identity.result_bytes)
    run = (Kind.RUN | ANSWER, 9, short)
    assert ask(board, Kind.RUN, 9, bytes([WHOLE]) + parts[0] + parts[1]) == run


def test_a_sequence_that_a_core_cannot_buffer() -> None:
    board = BoardModel(NETWORK, capacity=8, max_steps=3)
    step = bytes(NETWORK.inputs)
    ask(board, Kind.RUN, 1, bytes([Steps.FIRST]) + 2 * step)
    refused = (Kind.FAULT, 2, bytes([Fault.STEPS]))
    assert ask(board, Kind.RUN, 2, bytes([Steps.LAST]) + 2 * step) == refused
    assert ask(board, Kind.RUN, 3, bytes([WHOLE]) + 3 * step)[0] == Kind.RUN | ANSWER


def test_classes_are_answered() -> None:
    board = BoardModel(NETWORK, interface=Interface(classes=True))
    x = input_words(NETWORK, batch=1, steps=3, seed=2)
    logits = IntegerModel(NETWORK).forward(x)[0]
    answer = ask(board, Kind.RUN, 1, bytes([WHOLE]) + pack_words(x[0], 1))
    assert answer == (Kind.RUN | ANSWER, 1, bytes([int(np.argmax(logits))]))


@pytest.mark.parametrize(
    ("kind", "payload", "fault"),
    [
        (Kind.IDENTIFY, b"\0", Fault.LENGTH),
        (Kind.RUN, b"", Fault.LENGTH),
        (Kind.RUN, bytes([WHOLE]), Fault.LENGTH),
        (Kind.RUN, bytes([WHOLE, 1]), Fault.LENGTH),
        (Kind.RUN, bytes([WHOLE, *range(10)]), Fault.TOO_LONG),
        (Kind.RUN, bytes([Steps.LAST, 1, 2]), Fault.ORDER),
        (Kind.IDENTIFY | ANSWER, b"", Fault.UNKNOWN),
        (Kind.FAULT, b"", Fault.UNKNOWN),
    ],
)
def test_what_is_refused(kind: int, payload: bytes, fault: Fault) -> None:
    board = BoardModel(NETWORK, capacity=8)
    assert ask(board, kind, 5, payload) == (Kind.FAULT, 5, bytes([fault]))


def test_steps_out_of_order_leave_the_sequence_open() -> None:
    board = BoardModel(NETWORK, capacity=8)
    step = bytes([1, 2])
    ask(board, Kind.RUN, 1, bytes([Steps.FIRST]) + step)
    refused = (Kind.FAULT, 1, bytes([Fault.ORDER]))
    assert ask(board, Kind.RUN, 1, b"\0" + step) == refused
    assert ask(board, Kind.RUN, 2, bytes([Steps.LAST]) + step)[0] == Kind.RUN | ANSWER
    assert ask(board, Kind.RUN, 3, bytes([Steps.LAST]) + step)[2] == bytes([Fault.ORDER])


def test_a_damaged_frame_has_no_number() -> None:
    board = BoardModel(NETWORK)
    frame = bytearray(frames.encode(bytes([Kind.IDENTIFY, 7])))
    frame[2] ^= 1
    assert list(frames.Decoder().feed(board.feed(bytes(frame)))) == [bytes([0xFF, 0, 1])]
