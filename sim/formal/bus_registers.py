"""Proof of AXI4-Lite with the registers behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amaranth.hdl import Module, Signal

from golden.interface import Interface
from hdl.bus.axi_lite import AxiLite
from hdl.bus.identity import absent, constants
from hdl.bus.options import Bus
from hdl.bus.register_block import RegisterBlock
from sim.formal.bus_environment import Environment, plan_of, prove_bus
from sim.formal.claims import Claims
from sim.formal.prover import Verdict

SLOWEST = 64
"""Most cycles of an access: clear the counters' memory, then go round it once."""


def prove_registers(*, folder: Path, window: bool = False) -> Verdict:
    """Prove AXI4-Lite with all registers behind it; their inputs from hardware are free."""
    m = Module()
    claims = Claims(m)
    environment = Environment(claims)
    plan, bus = plan_of(1, Interface()), Bus(window=window)
    m.submodules.lite = lite = AxiLite()
    m.submodules.core = block = RegisterBlock(
        constants=constants(plan, bus), absent=absent(plan, bus), window=window
    )
    for name in ("request", "write", "address", "data", "strobe"):
        m.d.comb += getattr(block.access, name).eq(getattr(lite.access, name))
    for name in ("done", "answer", "error"):
        m.d.comb += getattr(lite.access, name).eq(getattr(block.access, name))
    for name in ("aw", "w", "ar"):
        environment.offers(name, getattr(lite, name))
    for name in ("b", "r"):
        environment.takes(name, getattr(lite, name))
    _claim_responses(claims, lite)
    _claim_strobes(claims, lite, block)
    told = ("errors_", "irq_status_", "cycles_", "status_idle")
    names = [name for name in block.facts.shape().members if name.startswith(told)]
    free = {name: block.facts[name] for name in names}
    if window:
        free |= {"window_value": block.window.value, "window_error": block.window.error}
    for name, value in free.items():
        m.d.comb += value.eq(environment.free(f"told_{name}", len(value)))
    return prove_bus(environment, folder)


def _claim_responses(claims: Claims, lite: Any) -> None:
    """Claim one response per request, after it and within a bound; one request at a time."""
    m = claims.m
    aw, w, b, ar, r = (
        claims.let(f"{name}_moves", getattr(lite, name).valid & getattr(lite, name).ready)
        for name in ("aw", "w", "b", "ar", "r")
    )
    wrote, read = Signal(), Signal()  # a response is owed
    m.d.sync += [wrote.eq((wrote | aw) & ~b), read.eq((read | ar) & ~r)]
    claims.always("address_and_data_go_together", aw == w)
    claims.never("b_comes_unasked", lite.b.valid & ~wrote)
    claims.never("r_comes_unasked", lite.r.valid & ~read)
    claims.never("requests_overtake", (aw | ar) & (wrote | read))
    claims.never("read_and_write_at_once", (aw & ar) | (lite.b.valid & lite.r.valid))
    asked = (lite.aw.valid & lite.w.valid) | lite.ar.valid
    slow = Signal(range(SLOWEST + 2))
    with m.If((aw | ar) | ~asked | lite.b.valid | lite.r.valid):
        m.d.sync += slow.eq(0)
    with m.Elif(slow <= SLOWEST):
        m.d.sync += slow.eq(slow + 1)
    claims.always("requests_are_taken", slow <= SLOWEST)
    claims.always("writes_are_answered_at_once", ~wrote | lite.b.valid)
    claims.always("reads_are_answered_at_once", ~read | lite.r.valid)
    # A read that waits is not overtaken by a second write, nor the other way round.
    passed = Signal(2)
    with m.If(ar | ~lite.ar.valid):
        m.d.sync += passed.eq(0)
    with m.Elif(aw & (passed != 3)):
        m.d.sync += passed.eq(passed + 1)
    claims.always("reads_get_their_turn", passed < 3)


def _claim_strobes(claims: Claims, lite: Any, block: Any) -> None:
    """Claim that a write of no byte gets OKAY and is no error; only a write of all bytes writes."""
    m = claims.m
    strobe = lite.w.payload.strb
    writes = lite.w.valid & lite.w.ready
    empty, length = Signal(), Signal.like(block.settings.length_steps)
    with m.If(writes):
        m.d.sync += empty.eq(~strobe.any())
    m.d.sync += length.eq(block.settings.length_steps)
    claims.never("writes_of_no_byte_are_refused", lite.b.valid & empty & lite.b.payload.any())
    claims.never("writes_of_no_byte_are_errors", writes & ~strobe.any() & block.refused)
    changed = block.settings.length_steps != length
    claims.never("parts_of_words_are_written", changed & ~(writes & strobe.all()))
