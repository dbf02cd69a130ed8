"""Proof of the conductor around a core that buffers sequences, with the core cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amaranth.hdl import Module, Mux, Signal, Value

from golden.cells import RNN
from golden.interface import Interface
from hdl.plan import Plan
from hdl.sequence.conductor import Conductor
from hdl.spec.options import CoreOptions
from sim.draw.networks import Recipe, quantized_network
from sim.formal.bus_environment import Environment, prove_bus
from sim.formal.claims import Claims
from sim.formal.prover import Verdict

STEPS = 2
"""Steps that the conductor buffers."""

WORDS = 2
"""Words of a result: one of each direction."""

STILL = 8
"""Cycles within which something moves if both sides of every stream are willing."""


def prove_conductor(*, folder: Path, every_step: bool) -> Verdict:
    """Prove a conductor of one bidirectional layer, around a core of one unit.

    The core takes steps at any time, and gives a word for each of them at any later time.
    """
    m = Module()
    claims = Claims(m)
    environment = Environment(claims)
    m.submodules.core = conductor = Conductor(plan=_plan(every_step=every_step))
    i, o, steps, made = conductor.i, conductor.o, conductor.steps, conductor.made
    environment.offers("i", i)
    environment.takes("o", o)
    environment.takes("steps", steps)
    took, gave, fed, answered = (
        claims.let(f"{name}_moves", stream.valid & stream.ready)
        for name, stream in (("i", i), ("o", o), ("steps", steps), ("made", made))
    )
    due = Signal(4)  # words that the core has not given yet
    m.d.comb += [
        made.valid.eq((due != 0) & environment.free("made_pace")),
        made.payload.data.eq(environment.free("made_data", len(made.payload.data))),
    ]
    m.d.sync += due.eq(due + (fed & steps.payload.ends) - answered)
    claims.never("more_steps_than_a_phase_has", due > 2 * STEPS)
    goes_on = Signal()  # the element before was not its sequence's last
    m.d.sync += goes_on.eq(took & ~i.payload.last)
    claims.always("overlong_marks_a_cut", ~conductor.overlong | goes_on)
    sequences = _unanswered(m, conductor, took, gave)
    claims.never("results_without_a_sequence", o.valid & (sequences == 0))
    claims.never("more_than_two_sequences", sequences > 2)
    willing = i.valid & o.ready & steps.ready & (made.valid | (due == 0))
    still = Signal(range(STILL + 1))
    with m.If(took | gave | fed | answered | ~willing):
        m.d.sync += still.eq(0)
    with m.Elif(still != STILL):
        m.d.sync += still.eq(still + 1)
    claims.always("stands_still", still < STILL)
    return prove_bus(environment, folder, kept=("core",))


def _plan(*, every_step: bool) -> Plan:
    recipe = Recipe(inputs=1, units=(1,), outputs=None, cells=(RNN(),), activation_width=3)
    network = quantized_network(recipe, 1)
    layer = network.layers[0]
    layer = replace(layer, direction="bidirectional", backward=layer.weights)
    options = CoreOptions(lanes=1, interface=Interface(every_step=every_step), max_steps=STEPS)
    return Plan(network=replace(network, layers=(layer,)), options=options)


def _unanswered(m: Module, conductor: Conductor, took: Value, gave: Value) -> Signal:
    """Count the sequences that were taken, or cut, whose last result is not given yet."""
    sequences = Signal(4)
    cut = Signal()  # the rest of a sequence is dropped
    count, word = Signal(range(STEPS)), Signal(range(WORDS))
    last = conductor.i.payload.last
    ends = took & ~cut & (last | (count == STEPS - 1))
    with m.If(took):
        m.d.sync += [
            count.eq(Mux(ends | cut, 0, count + 1)),
            cut.eq((cut | ends) & ~last),
        ]
    with m.If(gave):
        m.d.sync += word.eq(Mux(word == WORDS - 1, 0, word + 1))
    answered = gave & conductor.o.payload.last & (word == WORDS - 1)
    m.d.sync += sequences.eq(sequences + ends - answered)
    return sequences
