"""Promises of every stream, whatever its other side does."""

from __future__ import annotations

from amaranth.hdl import Signal, Value

from sim.formal.claims import Claims


def claim_offer(claims: Claims, name: str, *, valid: Value, payload: Value, ready: Value) -> None:
    """Claim that an offer stays, unchanged, until it is taken."""
    waited = Signal(name=f"{name}_waited")
    before = Signal(len(payload), name=f"{name}_before", reset_less=True)
    claims.m.d.sync += [waited.eq(valid & ~ready), before.eq(payload)]
    claims.always(f"{name}_valid_stays", ~waited | valid)
    claims.always(f"{name}_payload_stays", ~waited | (payload == before))


def claim_ready_stays(claims: Claims, name: str, *, valid: Value, ready: Value) -> None:
    """A consumer that was ready stays so until something comes."""
    was_ready = Signal(name=f"{name}_was_ready")
    claims.m.d.sync += was_ready.eq(ready & ~valid)
    claims.always(f"{name}_ready_stays", ~was_ready | ready)
