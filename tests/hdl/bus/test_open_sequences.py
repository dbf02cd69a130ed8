"""Data sheet of the bookkeeping of open sequences: one stream from registers, several in turns."""

from __future__ import annotations

from typing import Any

import pytest

from hdl.bus.open_sequences import OpenSequences
from tests.hdl.simulate import run

EVENTS = ("begins", "ends", "closes", "new", "late", "padding", "dropped", "last", "restart")


async def happen(ctx: Any, sequences: OpenSequences, *events: str, number: int = 0) -> None:
    """One cycle with these events for a stream; afterwards none, and the stream stays chosen."""
    ctx.set(sequences.number, number)
    for name in EVENTS:
        ctx.set(getattr(sequences, name), name in events)
    await ctx.tick()
    for name in EVENTS:
        ctx.set(getattr(sequences, name), 0)


async def look(ctx: Any, sequences: OpenSequences, number: int) -> tuple[int, int, int]:
    """A stream's ``is_open``, ``more`` and ``is_end``."""
    ctx.set(sequences.number, number)
    ctx.set(sequences.new, not ctx.get(sequences.is_open))
    ports = sequences.is_open, sequences.more, sequences.is_end
    return tuple(ctx.get(port) for port in ports)


def settle(ctx: Any, sequences: OpenSequences, *, length: int, enable: int = 1) -> None:
    for port, value in (
        (sequences.length, length),
        (sequences.enable, enable),
        (sequences.first, 1),
    ):
        ctx.set(port, value)


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_steps_of_a_sequence_are_counted(streams: int, length: int) -> None:
    """Each stream from its own length on; of length 0 any number of steps is right."""
    sequences = OpenSequences(streams=streams)

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=length)
        await ctx.tick()
        for step in range(length or 4):
            closes = ["closes"] if length and step == length - 1 else []
            for number in range(streams):
                is_open, more, is_end = await look(ctx, sequences, number)
                assert is_open == (step > 0)
                assert (more, is_end) == (int(step < length - 1), int(step == length - 1))
                new = [] if is_open else ["new"]
                await happen(ctx, sequences, "begins", *new, number=number)
                assert ctx.get(sequences.is_open)
                await happen(ctx, sequences, "ends", *closes, *new, number=number)
        assert ctx.get(sequences.some) == (length == 0)

    run(sequences, bench)


MOST = 3


@pytest.mark.parametrize("length", [0, 1, MOST, MOST + 2])
def test_no_more_steps_than_the_core_can_buffer(length: int) -> None:
    """A length beyond that lacks steps even then."""
    sequences = OpenSequences(streams=1, most=MOST)

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=length)
        await ctx.tick()
        for _ in range(2):
            steps = min(length or MOST, MOST)
            for step in range(steps):
                _, more, is_end = await look(ctx, sequences, 0)
                assert (more, is_end) == (int(step < length - 1), int(step == steps - 1))
                await happen(ctx, sequences, "begins", *([] if step else ["new"]))
                await happen(ctx, sequences, "ends", *(["closes"] if step == steps - 1 else []))

    run(sequences, bench)


@pytest.mark.parametrize("streams", [1, 3])
def test_a_late_frame_is_dropped_up_to_its_end(streams: int) -> None:
    sequences = OpenSequences(streams=streams)
    number = streams - 1

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=1)
        await happen(ctx, sequences, "begins", "new", number=number)
        assert not ctx.get(sequences.drop)
        await happen(ctx, sequences, "ends", "closes", "late", "new", number=number)
        assert ctx.get(sequences.drop)
        if streams > 1:
            ctx.set(sequences.number, 0)
            assert not ctx.get(sequences.drop)  # another stream's turn
        await happen(ctx, sequences, "dropped", number=number)
        assert ctx.get(sequences.drop)
        await happen(ctx, sequences, "dropped", "last", number=number)
        assert not ctx.get(sequences.drop)

    run(sequences, bench)


@pytest.mark.parametrize("enable", [0, 1])
@pytest.mark.parametrize("padding", [False, True])
def test_a_restart_drops_the_rest_of_open_frames(enable: int, padding: bool) -> None:
    """Not while disabled; and a frame whose step is padded has no rest."""
    sequences = OpenSequences(streams=3)

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=0, enable=enable)
        for number in (0, 2):
            await happen(ctx, sequences, "begins", number=number)
        await happen(ctx, sequences, "restart", *(["padding"] if padding else []), number=2)
        assert not ctx.get(sequences.some)
        for number, cut in enumerate((True, False, not padding)):
            ctx.set(sequences.number, number)
            assert ctx.get(sequences.drop) == (enable and cut)

    run(sequences, bench)


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("before", [0, 1])
def test_what_ends_in_the_cycle_of_a_restart_does_not_count(streams: int, before: int) -> None:
    """The next sequence has all of its steps."""
    sequences = OpenSequences(streams=streams)

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=3)
        await ctx.tick()
        for step in range(before):
            await happen(ctx, sequences, "begins", "ends", *([] if step else ["new"]))
        await happen(ctx, sequences, "begins", "ends", "restart", *([] if before else ["new"]))
        assert await look(ctx, sequences, 0) == (0, 1, 0)

    run(sequences, bench)


@pytest.mark.parametrize("streams", [1, 3])
def test_no_step_begins_while_not_enabled_but_in_an_open_sequence(streams: int) -> None:
    """For one stream a cycle later; what is offered to the core is not withdrawn either."""
    sequences = OpenSequences(streams=streams)

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=0)
        await ctx.tick()
        assert not ctx.get(sequences.hold)
        await happen(ctx, sequences, "begins")
        ctx.set(sequences.enable, 0)
        await ctx.tick().repeat(2)
        assert not ctx.get(sequences.hold)
        ctx.set(sequences.waits, 1)
        await happen(ctx, sequences, "closes", "ends")
        await ctx.tick().repeat(2)
        assert not ctx.get(sequences.hold)
        ctx.set(sequences.waits, 0)
        await ctx.tick()
        assert ctx.get(sequences.hold)

    run(sequences, bench)


def test_a_stream_that_does_not_exist_is_told_once_per_frame() -> None:
    sequences = OpenSequences(streams=3)

    async def bench(ctx: Any) -> None:
        settle(ctx, sequences, length=0)
        ctx.set(sequences.number, 3)
        assert ctx.get(sequences.drop)
        for last in (0, 0, 1, 1):
            ctx.set(sequences.dropped, 1)
            ctx.set(sequences.last, last)
            told.append(ctx.get(sequences.unknown))
            await ctx.tick()

    told = list[int]()
    run(sequences, bench)
    assert told == [1, 0, 0, 1]
