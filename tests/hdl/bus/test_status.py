"""Data sheet of the status: each event alone, and all at once, a cycle later where it is late."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.lib import data

from hdl.bus.status import EVENTS, Status
from tests.hdl.simulate import run

FACTS = {
    "busy": ["cycles_count"],
    "starves": ["stalled_input_count"],
    "stalls": ["stalled_output_count"],
    "saturated": ["saturated_count"],
    "early": ["errors_early_last", "irq_status_error", "protocol_errors_count"],
    "late": ["errors_late_last", "irq_status_error", "protocol_errors_count"],
    "unknown": ["errors_stream", "irq_status_error", "protocol_errors_count"],
    "dropped": ["dropped_count"],
    "stepped": ["steps_count"],
    "result": ["irq_status_result"],
    "sequence": ["irq_status_sequence", "sequences_count"],
    "state_wrong": ["errors_state", "irq_status_error", "protocol_errors_count"],
    "state_dropped": ["dropped_count"],
    "saved": ["irq_status_saved"],
}
"""Each event of a cycle appears in the next one, as listed here."""

REFUSED = ["irq_status_error", "protocol_errors_count"]
FAILED = ["irq_status_refused", "errors_weights", *REFUSED]
WIDTHS = {"status_load_reason": 3, "dropped_count": 2, "protocol_errors_count": 3}
AT_ONCE = ["status_idle", "status_loaded", "status_loading", "status_load_reason"]
AT_ONCE += ["irq_status_loaded", "errors_window", "errors_access", *FAILED]


def make() -> Status:
    names = {*AT_ONCE, *(name for names in FACTS.values() for name in names)}
    return Status(facts=data.StructLayout({name: WIDTHS.get(name, 1) for name in sorted(names)}))


def told(ctx: Any, status: Status) -> dict[str, int]:
    """Facts other than 0, but for idleness."""
    facts = {name: ctx.get(status.facts[name]) for name, _ in status.facts.shape()}
    return {name: value for name, value in facts.items() if value and name != "status_idle"}


@pytest.mark.parametrize("event", FACTS)
def test_an_event_is_told_for_one_cycle(event: str) -> None:
    status = make()

    async def bench(ctx: Any) -> None:
        ctx.set(status.now[event], 1)
        assert ctx.get(status.facts.status_idle) == (event != "busy")
        assert told(ctx, status) == {}
        await ctx.tick()
        ctx.set(status.now[event], 0)
        assert told(ctx, status) == dict.fromkeys(FACTS[event], 1)
        await ctx.tick()
        assert told(ctx, status) == {}

    run(status, bench)


def test_events_of_one_cycle_are_all_counted() -> None:
    status = make()

    async def bench(ctx: Any) -> None:
        ctx.set(status.now, {name: int(name not in ("late", "unknown")) for name, _ in EVENTS})
        await ctx.tick()
        ctx.set(status.refused, 1)
        ctx.set(status.load.failed, 1)
        facts = told(ctx, status)
        assert (facts["protocol_errors_count"], facts["dropped_count"]) == (4, 2)

    run(status, bench)


def test_a_memory_fault_is_an_error() -> None:
    names = ("errors_memory", "irq_status_error", "protocol_errors_count")
    status = Status(facts=data.StructLayout(dict.fromkeys(names, 1)))

    async def bench(ctx: Any) -> None:
        ctx.set(status.fault, 1)
        await ctx.tick()
        ctx.set(status.fault, 0)
        assert told(ctx, status) == dict.fromkeys(names, 1)
        await ctx.tick()
        assert told(ctx, status) == {}

    run(status, bench)


@pytest.mark.parametrize(("of_data", "error"), [(0, "errors_access"), (1, "errors_window")])
def test_a_refused_access_is_told_at_once(of_data: int, error: str) -> None:
    status = make()

    async def bench(ctx: Any) -> None:
        ctx.set(status.refused_data, of_data)
        assert told(ctx, status) == {}
        ctx.set(status.refused, 1)
        assert told(ctx, status) == dict.fromkeys([error, *REFUSED], 1)

    run(status, bench)


def test_the_reason_of_the_last_image_stays() -> None:
    status = make()

    async def bench(ctx: Any) -> None:
        ctx.set(status.load, {"failed": 1, "reason": 3})
        assert told(ctx, status) == dict.fromkeys(FAILED, 1)
        await ctx.tick()
        ctx.set(status.load, {"loading": 1, "loaded": 1})
        loading = {"status_loaded": 1, "status_loading": 1}
        assert told(ctx, status) == {**loading, "status_load_reason": 3}
        ctx.set(status.load, {"done": 1})
        await ctx.tick()
        ctx.set(status.load, {})
        assert told(ctx, status) == {}

    run(status, bench)
