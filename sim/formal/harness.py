"""A core with all claims about it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from amaranth.hdl import Cat, Module, Value

from hdl.core import Core
from sim.formal import (
    accounts,
    columns,
    order,
    progress,
    readiness,
    shadow,
    steps,
    streams,
    walk,
    words,
)
from sim.formal.claims import Claims
from sim.formal.columns import DeltaObserved
from sim.formal.observed import BUFFER, QUEUE, Observed
from sim.formal.prover import LIMIT_S, Verdict, prove

FIFOS = (f"core.{QUEUE}", f"core.{BUFFER}")
"""Modules whose memories hold no data, but rows and the marks of words: never free."""

COLUMNS = "core.sequencer"
"""Module with the queue of columns of a delta core, whose marks are no data."""

DATA = ("core.array*/t:$mul", "core.update*/t:$mul")
"""Multipliers of data, whose results are free; all others compute addresses."""


def prove_core(
    core: Core, *, folder: Path, seconds: int = LIMIT_S, searched: Collection[str] | None = None
) -> Verdict:
    """Prove all claims about a core on its own, with free inputs and a free reset.

    Args:
        core: the core.
        folder, seconds, searched: see :func:`sim.formal.prover.prove`.
    """
    m = Module()
    m.submodules.core = core
    claims = Claims(m)
    observed = Observed(core, claims)
    _claim_streams(observed)
    numbers, numbered = order.Order(observed), words.Words(observed)
    order.claim_order(observed, numbers)
    walk.claim_walk(observed)
    readiness.claim_ahead(observed)
    readiness.claim_readiness(observed)
    order.claim_entering(observed, numbers)
    words.claim_words(observed, numbers, numbered)
    words.claim_results(observed, numbered)
    accounts.claim_ready(observed)
    accounts.claim_head(observed)
    accounts.claim_room(observed)
    accounts.claim_entry(observed)
    accounts.claim_queue(observed)
    accounts.claim_buffer(observed)
    accounts.claim_access(observed)
    shadow.claim_shadow(observed)
    shadow.claim_reader(observed)
    steps.claim_inputs(observed.step)
    progress.claim_phase(observed)
    progress.claim_progress(observed)
    inputs = [core.i.valid, Value.cast(core.i.payload), core.o.ready]
    if core.access:
        inputs += [core.i_state.valid, Value.cast(core.i_state.payload), core.o_state.ready]
    return prove(
        claims,
        inputs=inputs,
        data=DATA,
        kept=FIFOS,
        folder=folder,
        seconds=seconds,
        searched=searched,
    )


def prove_delta_core(
    core: Core, *, folder: Path, seconds: int = LIMIT_S, searched: Collection[str] | None = None
) -> Verdict:
    """Prove that a delta core keeps the rules of its streams, and loses no row and no word.

    For the arguments see :func:`prove_core`.
    """
    m = Module()
    m.submodules.core = core
    claims = Claims(m)
    observed = DeltaObserved(core, claims)
    offer = {"valid": core.o.valid, "payload": Value.cast(core.o.payload), "ready": core.o.ready}
    streams.claim_offer(claims, "o", **offer)
    streams.claim_ready_stays(claims, "i", valid=core.i.valid, ready=core.i.ready)
    columns.claim_source(observed)
    columns.claim_column_walk(observed)
    columns.claim_columns(observed)
    columns.claim_lists(observed)
    accounts.claim_ready(observed)
    accounts.claim_room(observed)
    accounts.claim_entry(observed)
    accounts.claim_queue(observed)
    accounts.claim_buffer(observed)
    progress.claim_phase(observed)
    inputs = [core.i.valid, Value.cast(core.i.payload), core.o.ready]
    return prove(
        claims,
        inputs=inputs,
        data=DATA,
        kept=(*FIFOS, COLUMNS),
        folder=folder,
        seconds=seconds,
        searched=searched,
    )


def _claim_streams(observed: Observed) -> None:
    """Claim the rules of streams: valid and payload of each output, ready of each input."""
    core, claims = observed.core, observed.claims
    offers = {"o": (core.o.valid, Value.cast(core.o.payload), core.o.ready)}
    enters = {"i": core.i}
    row_waits, next_row = observed.queue[0]
    offers["row"] = (row_waits, Value.cast(next_row), observed.enters)
    if core.access:
        enters["i_state"] = core.i_state
        # The word's address stands for the word: the memory that it comes from is data.
        place = Cat(core.store.state_address, core.store.state_stream)
        offers["o_state"] = (core.o_state.valid, place, core.o_state.ready)
    for name, (valid, payload, ready) in offers.items():
        streams.claim_offer(claims, name, valid=valid, payload=payload, ready=ready)
    for name, stream in enters.items():
        streams.claim_ready_stays(claims, name, valid=stream.valid, ready=stream.ready)
