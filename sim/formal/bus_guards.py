"""Proofs of the guards of x and of states, between any frames and a core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from golden.interface import Interface
from golden.packing import Packing
from hdl.bus.input_guard import InputGuard
from hdl.bus.state_guard import StateGuard
from sim.formal.bus_environment import Environment, plan_of, prove_bus
from sim.formal.claims import Claims
from sim.formal.prover import Verdict

STEPS = 2
"""Length of sequences in the proofs where the guard checks it."""


def prove_guard(*, folder: Path, inputs: int, packing: Packing, interface: Interface) -> Verdict:
    """Prove the guard of x, between any frames and a core that is ready at any time."""
    m = Module()
    claims = Claims(m)
    environment = Environment(claims)
    m.submodules.core = guard = InputGuard(plan=plan_of(inputs, interface), packing=packing)
    environment.offers("i", guard.i)
    restart = environment.free("restart")
    m.d.comb += [
        guard.restart.eq(restart),
        guard.enable.eq(environment.free("enable")),
        guard.length.eq(STEPS if interface.streams == 1 else 0),
        guard.o.ready.eq(environment.free("o_ready")),
        guard.room.eq(1),
    ]
    o = guard.o
    moves = claims.let("o_moves", o.valid & o.ready)
    _claim_steps(claims, guard, moves, restart, inputs)
    _claim_offer(claims, o, Cat(o.payload.data, o.payload.last), restart)
    enabled = Signal()
    m.d.sync += enabled.eq(guard.enable)
    may = enabled & guard.enable & o.ready & ~restart
    claims.never("stands_still", may & guard.i.valid & ~guard.i.ready & ~moves)
    return prove_bus(environment, folder, kept=("core.sequences",) if interface.streams > 1 else ())


def _claim_offer(claims: Claims, port: Any, payload: Value, restart: Value) -> None:
    """Claim that an offer to the core stays, except at a restart, which resets the core, too."""
    stays, before = Signal(), Signal(len(payload))
    claims.m.d.sync += [stays.eq(port.valid & ~port.ready & ~restart), before.eq(payload)]
    claims.always("o_valid_stays", ~stays | port.valid | restart)
    claims.always("o_payload_stays", ~stays | restart | (payload == before))


def _claim_beginnings(claims: Claims, guard: Any, restart: Value) -> None:
    """Claim that no beat is dropped before an element of its frame was taken."""
    inside = Signal()
    padding = claims.probe("core.unpacker.padding")
    with claims.m.If(guard.i.valid & guard.i.ready):
        claims.m.d.sync += inside.eq(~guard.i.payload.last)
    with claims.m.Elif(guard.o.valid & guard.o.ready & ~padding):
        claims.m.d.sync += inside.eq(1)
    with claims.m.If(restart & ~guard.enable):
        claims.m.d.sync += inside.eq(0)
    claims.never("beginnings_are_dropped", guard.dropped & ~inside)


def _claim_steps(claims: Claims, guard: Any, moves: Value, restart: Value, inputs: int) -> None:
    """Claim that the core gets whole steps of whole sequences, within their length, all counted."""
    m, o = claims.m, guard.o
    index = Signal(range(inputs + 1))
    steps = Signal(range(STEPS + 2))
    ends = claims.let("step_ends", moves & (index == inputs - 1))
    with m.If(restart):
        m.d.sync += [index.eq(0), steps.eq(0)]
    with m.Elif(moves):
        m.d.sync += index.eq(Mux(ends, 0, index + 1))
        with m.If(ends):
            m.d.sync += steps.eq(Mux(o.payload.last, 0, steps + (steps <= STEPS)))
    claims.never("last_inside_a_step", moves & o.payload.last & ~ends)
    claims.always("steps_are_told", guard.stepped == ends)
    claims.always("sequences_are_told", guard.add == (ends & o.payload.last))
    claims.always("steps_end_as_elements_do", index < inputs)
    if guard.plan.options.interface.streams == 1:
        _claim_beginnings(claims, guard, restart)
        claims.always("length_is_kept", steps < STEPS)
        claims.never("cut_before_its_length", guard.late & (steps != STEPS - 1))
        begun = ~claims.probe("core.unpacker.first")  # a beat was taken, no element is given yet
        claims.always("open_is_told", guard.open == ((index != 0) | (steps != 0) | begun))
        _claim_marks(claims, guard, guard.early | guard.late, restart)


def _claim_marks(claims: Claims, guard: Any, wrong: Value, restart: Value) -> None:
    """Claim that a whole sequence or state is marked exactly if a part of it was wrong."""
    noted = Signal()
    with claims.m.If(restart | guard.add):
        claims.m.d.sync += noted.eq(0)
    with claims.m.Elif(wrong):
        claims.m.d.sync += noted.eq(1)
    claims.always("marks_are_right", ~guard.add | (guard.mark == (noted | wrong)))


def prove_states(*, folder: Path) -> Verdict:
    """Prove the guard of states, between any frames and a core that is ready at any time."""
    m = Module()
    claims = Claims(m)
    environment = Environment(claims)
    words = 3
    m.submodules.core = guard = StateGuard(packing=Packing(element=4, bus=16), words=words)
    environment.offers("i", guard.i)
    restart = environment.free("restart")
    o = guard.o
    m.d.comb += [
        guard.restart.eq(restart),
        guard.enable.eq(environment.free("enable")),
        o.ready.eq(environment.free("o_ready")),
    ]
    _claim_offer(claims, o, o.payload.as_unsigned(), restart)
    index = Signal(range(words))
    with m.If(restart):
        m.d.sync += index.eq(0)
    with m.Elif(o.valid & o.ready):
        m.d.sync += index.eq(Mux(index == words - 1, 0, index + 1))
    _claim_beginnings(claims, guard, restart)
    claims.always("final_is_right", ~o.valid | (guard.final == (index == words - 1)))
    claims.always("states_are_told", guard.add == (o.valid & o.ready & (index == words - 1)))
    _claim_marks(claims, guard, guard.wrong, restart)
    moves = (o.valid & o.ready) | guard.i.ready
    claims.never("stands_still", guard.i.valid & o.ready & ~restart & ~moves)
    return prove_bus(environment, folder)
