"""Frames: what is sent comes back, and damage is seen and forgotten at the next flag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.link.frames import ESCAPE, FLAG, Decoder, check_sequence, encode

BODIES = st.binary(min_size=2, max_size=40)
SPECIAL = st.lists(st.sampled_from([FLAG, ESCAPE, 0x5E, 0x5D, 0x20, 0]), min_size=2).map(bytes)


def decoded(data: bytes, *, longest: int | None = None) -> list[bytes | None]:
    return list(Decoder(longest=longest).feed(data))


def test_the_check_sequence_is_the_standards() -> None:
    # The check value of CRC-32/ISO-HDLC, the catalogued name of RFC 1662's FCS-32.
    assert check_sequence(b"123456789") == (0xCBF43926).to_bytes(4, "little")


def test_bytes_of_a_frame() -> None:
    body = bytes([0x01, FLAG, ESCAPE, 0x00])
    stuffed = bytes([0x01, ESCAPE, 0x5E, ESCAPE, 0x5D, 0x00])
    frame = encode(body)
    assert frame.startswith(bytes([FLAG]) + stuffed)
    assert frame.endswith(bytes([FLAG]))
    assert FLAG not in frame[1:-1]


@given(st.lists(BODIES | SPECIAL), st.integers(1, 7))
def test_what_is_sent_comes_back_however_it_is_cut(bodies: list[bytes], cut: int) -> None:
    line = b"".join(map(encode, bodies))
    decoder = Decoder()
    pieces = [line[start : start + cut] for start in range(0, len(line), cut)]
    assert [body for piece in pieces for body in decoder.feed(piece)] == bodies


@given(BODIES)
def test_flags_may_be_shared_or_repeated(body: bytes) -> None:
    frame, flag = encode(body), bytes([FLAG])
    assert decoded(frame[:-1] + frame) == [body, body]
    assert decoded(flag * 3 + frame + flag * 3) == [body]


@given(st.binary(max_size=60), BODIES)
def test_after_any_noise_the_next_frame_is_found(noise: bytes, body: bytes) -> None:
    *_, last = decoded(noise + encode(body))
    assert last == body


def specials(data: bytes | bytearray) -> dict[int, int]:
    """Flags and escapes by their place."""
    return {place: byte for place, byte in enumerate(data) if byte in (FLAG, ESCAPE)}


@given(st.data(), BODIES | SPECIAL)
def test_a_burst_of_up_to_32_bits_in_the_stuffed_bytes_is_seen(
    data: st.DataObject, body: bytes
) -> None:
    """The code detects every error that makes no flag or escape and touches none."""
    frame = bytearray(encode(body))
    at = data.draw(st.integers(1, len(frame) - 2))
    burst = data.draw(st.binary(min_size=1, max_size=4).filter(any))
    damaged = bytearray(frame)
    for place, mask in enumerate(burst, at):
        if place < len(frame) - 1:
            damaged[place] ^= mask
    if damaged != frame and specials(damaged) == specials(frame):
        assert decoded(bytes(damaged)) == [None]


EDITS = st.lists(
    st.tuples(st.sampled_from(["drop", "change", "insert"]), st.integers(0, 999), st.binary()),
    min_size=1,
    max_size=4,
)


@given(st.lists(BODIES | SPECIAL, min_size=1, max_size=3), EDITS, BODIES)
def test_no_damage_makes_another_body(
    bodies: list[bytes], edits: list[tuple[str, int, bytes]], after: bytes
) -> None:
    """Only bodies that were sent come out (but for one case in 2**32), and what follows does."""
    line = bytearray(b"".join(map(encode, bodies)))
    for kind, at, data in edits:
        place = at % max(1, len(line))
        length = 0 if kind == "insert" else len(data)
        line[place : place + length] = b"" if kind == "drop" else data
    *before, last = decoded(bytes(line) + encode(after))
    assert last == after
    assert set(before) <= {None, *bodies}


@pytest.mark.parametrize(
    "data",
    [
        encode(b"ab")[:-1] + bytes([ESCAPE, FLAG]),  # aborted
        bytes([FLAG, ESCAPE, FLAG]),
        encode(b"a"),  # too short
        encode(b""),
        bytes([FLAG, 1, 2, 3, FLAG]),
    ],
)
def test_what_is_no_valid_frame(data: bytes) -> None:
    assert decoded(data) == [None]


@pytest.mark.parametrize("data", [b"", bytes([FLAG]) * 4, b"abc", b"abc" + bytes([FLAG])])
def test_what_is_no_frame_at_all(data: bytes) -> None:
    assert decoded(data) == []


def test_a_body_may_be_too_long() -> None:
    assert decoded(encode(b"1234"), longest=4) == [b"1234"]
    assert decoded(encode(b"12345") + encode(b"12"), longest=4) == [None, b"12"]
