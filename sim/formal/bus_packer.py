"""Proof of the packer behind a core."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Module, Signal

from golden.packing import Packing
from hdl.bus.packer import Packer
from sim.formal.bus_environment import Environment, prove_bus
from sim.formal.claims import Claims
from sim.formal.prover import Verdict


def prove_packer(*, folder: Path, packing: Packing) -> Verdict:
    """Prove the packer behind a core with free outputs; restarts come at any time."""
    m = Module()
    claims = Claims(m)
    environment = Environment(claims)
    m.submodules.core = packer = Packer(packing=packing, beside={"error": 1}, closing={"error": 1})
    i, o = packer.i, packer.o
    environment.offers("i", i)
    environment.takes("o", o)
    restart = environment.free("restart")
    m.d.comb += packer.restart.eq(restart)
    moves = claims.let("o_moves", o.valid & o.ready)
    last = o.payload.last
    unended = Signal()  # a frame is on its way to the receiver
    broken, stale = Signal(), Signal()  # it was cut; and what was on offer then is taken
    with m.If(moves):
        m.d.sync += unended.eq(~last)
    with m.If(moves & last):
        m.d.sync += [broken.eq(0), stale.eq(0)]
    with m.Elif(moves & broken):
        m.d.sync += stale.eq(1)
    with m.If(restart & ((o.valid & ~last) | (unended & ~(moves & last)))):
        m.d.sync += [broken.eq(1), stale.eq(~o.valid | moves)]
    claims.never("broken_frames_go_on", stale & o.valid & ~last)
    claims.never("broken_frames_are_not_marked", stale & o.valid & last & ~o.payload.error)
    claims.never("empty_frames_are_closed", o.valid & ~o.payload.keep.any())
    full = o.payload.keep.all()
    claims.always("only_ends_are_short", ~o.valid | full | o.payload.ends)
    claims.always("empty_is_right", ~packer.empty | ~(o.valid | broken))
    still = Signal(2)
    with m.If(moves | (i.valid & i.ready) | restart | ~i.valid | ~o.ready):
        m.d.sync += still.eq(0)
    with m.Elif(still != 3):
        m.d.sync += still.eq(still + 1)
    claims.always("stands_still", still < 3)
    return prove_bus(environment, folder)
