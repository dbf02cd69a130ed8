"""Proof of the loader on its own: the words that it writes are data to the rest of a core."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Cat, Module, Signal, Value

from hdl.layout.weight_image import sections
from hdl.loading.loader import Loader
from hdl.plan import Plan
from sim.formal import streams
from sim.formal.claims import Claims
from sim.formal.prover import Verdict, prove

PAUSE = 4
"""Most cycles in which the loader of an idle core takes no word: check, wait, activate, begin."""


def prove_loader(plan: Plan, *, folder: Path) -> Verdict:
    """Prove all claims about a loader; words, CRC, core and reset are free."""
    m = Module()
    m.submodules.core = loader = Loader(plan=plan)
    claims = Claims(m)
    offered, taken = loader.i.valid, loader.i.valid & loader.i.ready
    streams.claim_ready_stays(claims, "i", valid=offered, ready=loader.i.ready)
    _claim_writes(claims, loader, plan)
    claims.never("an_image_ends_in_two_ways", loader.load.done & loader.load.failed)
    claims.always("failures_have_reasons", loader.load.failed == (loader.load.reason != 0))
    claims.always("nothing_passes_without_weights", loader.load.loaded | loader.blocks)
    claims.never("a_set_changes_in_a_core_at_work", loader.activate & ~loader.blocks)
    was_idle, was_active = Signal(), Signal()
    m.d.sync += [was_idle.eq(loader.idle), was_active.eq(loader.load.loaded)]
    claims.never("a_set_changes_unasked", loader.activate & ~was_idle)
    claims.never("a_set_comes_by_itself", loader.load.loaded & ~was_active & ~loader.load.done)
    still = claims.let("still", offered & loader.idle & ~taken)
    for cycle in range(PAUSE):
        before = Signal(name=f"still_before{cycle}")
        m.d.sync += before.eq(still)
        still = still & before
    claims.never("stands_still", still)
    return prove(
        claims,
        inputs=[loader.i.valid, Value.cast(loader.i.payload), loader.idle],
        data=("core.crc*/t:$eq",),
        kept=(),
        folder=folder,
    )


def _claim_writes(claims: Claims, loader: Loader, plan: Plan) -> None:
    """Writes stay inside the memories, and away from the set that a core at work reads."""
    write = loader.write
    within = [
        (write.section == number) & (write.address < section.depth) & (write.part < section.parts)
        for number, section in enumerate(sections(plan))
    ]
    claims.always("writes_stay_in_the_memories", ~write.valid | Cat(*within).any())
    other = (
        write.bank != loader.bank if plan.options.storage.double else loader.owns & loader.blocks
    )
    claims.always("the_active_set_stays", ~write.valid | other)
