"""Proofs of the buses' parts: claims hold for any bus traffic and any behavior of the core."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from golden.cells import LiteLSTM
from golden.interface import Interface
from golden.packing import Packing
from hdl.bus.axi_lite import AxiLite
from hdl.bus.identity import absent, constants
from hdl.bus.input_guard import InputGuard
from hdl.bus.options import Bus
from hdl.bus.packer import Packer
from hdl.bus.register_block import RegisterBlock
from hdl.bus.state_guard import StateGuard
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.formal.claims import Claims
from sim.formal.prover import Verdict, prove
from sim.formal.streams import claim_offer
from sim.random_networks import Recipe, quantized_network

SLOWEST = 64
"""Cycles that an access takes at most: the counters' memory is cleared, then gone round."""

STEPS = 2
"""Length of sequences where the guard checks it."""


def plan_of(inputs: int, interface: Interface) -> Plan:
    """A small core's plan; no claim depends on its network."""
    recipe = Recipe(inputs=inputs, units=(1,), outputs=None, cells=(LiteLSTM(),), weight_width=2)
    return Plan(
        network=quantized_network(recipe, 1), options=CoreOptions(lanes=1, interface=interface)
    )


class Environment:
    """The other sides of a component's streams: free, but for the protocol's rules.

    Args:
        claims: what is to be proved.

    Attributes:
        inputs: signals that are free in every cycle.
    """

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.inputs: list[Value] = []

    def free(self, name: str, width: int = 1) -> Signal:
        """A signal that does as it likes."""
        self.inputs.append(signal := Signal(width, name=name))
        return signal

    def offers(self, name: str, port: Any) -> None:
        """A sender: what it has offered stays, as it is, until it is taken."""
        m, payload = self.claims.m, Value.cast(port.payload)
        fresh, begins = self.free(f"{name}_fresh", len(payload)), self.free(f"{name}_begins")
        waits, held = Signal(name=f"{name}_waits"), Signal(len(payload), name=f"{name}_held")
        m.d.comb += [port.valid.eq(waits | begins), payload.eq(Mux(waits, held, fresh))]
        m.d.sync += [waits.eq(port.valid & ~port.ready), held.eq(payload)]

    def takes(self, name: str, port: Any) -> None:
        """A receiver: ready at any time. What it is offered must stay."""
        self.claims.m.d.comb += port.ready.eq(self.free(f"{name}_ready"))
        payload = Value.cast(port.payload)
        claim_offer(self.claims, name, valid=port.valid, payload=payload, ready=port.ready)


def prove_registers(*, folder: Path, window: bool = False) -> Verdict:
    """AXI4-Lite with all registers behind it; what hardware tells them is free."""
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
    told = ("errors_", "irq_status_", "cycles_", "status_idle", "window_value", "window_error")
    for name in dir(block):
        if name.startswith(told):
            m.d.comb += getattr(block, name).eq(
                environment.free(f"told_{name}", len(getattr(block, name)))
            )
    return _prove(environment, folder)


def _claim_responses(claims: Claims, lite: Any) -> None:
    """One response for each request, after it, within a time; a request at a time."""
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
    """A write of no byte is answered with OKAY and is no error; only one of all bytes writes."""
    m = claims.m
    strobe = lite.w.payload.strb
    writes = lite.w.valid & lite.w.ready
    empty, length = Signal(), Signal.like(block.length_steps)
    with m.If(writes):
        m.d.sync += empty.eq(~strobe.any())
    m.d.sync += length.eq(block.length_steps)
    claims.never("writes_of_no_byte_are_refused", lite.b.valid & empty & lite.b.payload.any())
    claims.never("writes_of_no_byte_are_errors", writes & ~strobe.any() & block.refused)
    changed = block.length_steps != length
    claims.never("parts_of_words_are_written", changed & ~(writes & strobe.all()))


def prove_guard(*, folder: Path, inputs: int, packing: Packing, interface: Interface) -> Verdict:
    """The guard of x between any frames and a core that is ready when it likes."""
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
    return _prove(environment, folder, kept=("core",) if interface.streams > 1 else ())


def _claim_offer(claims: Claims, port: Any, payload: Value, restart: Value) -> None:
    """To the core: what is offered stays, but for a restart, which the core gets too."""
    stays, before = Signal(), Signal(len(payload))
    claims.m.d.sync += [stays.eq(port.valid & ~port.ready & ~restart), before.eq(payload)]
    claims.always("o_valid_stays", ~stays | port.valid | restart)
    claims.always("o_payload_stays", ~stays | restart | (payload == before))


def _claim_beginnings(claims: Claims, guard: Any, restart: Value) -> None:
    """No beat is dropped before something of its frame was taken."""
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
    """The core gets whole steps of whole sequences, of at most so many steps, each told of."""
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
    """The guard of states between any frames and a core that asks when it likes."""
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
    return _prove(environment, folder)


def prove_packer(*, folder: Path, packing: Packing) -> Verdict:
    """The packer behind a core that gives what it likes; restarts at any time."""
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
    return _prove(environment, folder)


def _prove(environment: Environment, folder: Path, kept: tuple[str, ...] = ()) -> Verdict:
    return prove(environment.claims, inputs=environment.inputs, data=(), kept=kept, folder=folder)


BUS_PROOFS: dict[str, Callable[..., Verdict]] = {
    "bus: registers over AXI4-Lite": prove_registers,
    "bus: with data registers": partial(prove_registers, window=True),
    "bus: x, elements side by side": partial(
        prove_guard, inputs=3, packing=Packing(element=4, bus=16), interface=Interface()
    ),
    "bus: x, one element a step": partial(
        prove_guard, inputs=1, packing=Packing(element=4, bus=16), interface=Interface()
    ),
    "bus: x, elements over beats": partial(
        prove_guard, inputs=2, packing=Packing(element=12, bus=8), interface=Interface()
    ),
    "bus: x, tight": partial(
        prove_guard, inputs=5, packing=Packing(element=3, bus=8, tight=True), interface=Interface()
    ),
    "bus: x, three streams": partial(
        prove_guard,
        inputs=2,
        packing=Packing(element=4, bus=8),
        interface=Interface(streams=3, state="load"),
    ),
    "bus: states": prove_states,
    "bus: results, side by side": partial(prove_packer, packing=Packing(element=4, bus=16)),
    "bus: results, over beats": partial(prove_packer, packing=Packing(element=12, bus=8)),
    "bus: results, tight": partial(prove_packer, packing=Packing(element=3, bus=8, tight=True)),
}
"""Proofs of the buses' parts, with the core cut off, by name."""
