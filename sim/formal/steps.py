"""Steps on their way into the core: in the banks of x, and in the sequencer."""

from __future__ import annotations

from amaranth.hdl import Const, Mux, Signal, Value
from amaranth.lib import data

from hdl.layout.ports import step_fields
from hdl.layout.vectors import turn_shape
from sim.formal.probes import Probes

Fields = dict[str, Value]
"""``last`` and ``stream`` of a step."""


class Steps:
    """State of the operand store and the sequencer that concerns steps.

    Attributes:
        complete, taken: the core takes the last element of a step; that step's fields.
        banks: steps in the operand store, as (valid, fields).
        in_use: the sequencer is inside the last column of x.
        current: fields of the step that the sequencer is at, once it is past x.
        answers: the network's result after that step is given out.
        rereads: the sequencer is at a later pass over x, or between two of them.
        released: it is behind the last one.
        probes: of the core.
        fill_bank, read_bank, index, full: the operand store's.
    """

    def __init__(self, probes: Probes) -> None:
        self.probes = probes
        core, m = probes.core, probes.m
        self.index = probes.inside("store.index", probes.input_bits)
        one, both = probes.inside("store.one"), probes.inside("store.both")
        self.full = one + both
        probes.claims.never("banks_are_full_in_order", both & ~one)
        self.complete = probes.inside("store.complete")
        self.fill_bank = Signal(name="fill_bank_copy")
        with m.If(self.complete):
            m.d.sync += self.fill_bank.eq(~self.fill_bank)
        self.read_bank = Signal(name="read_bank_copy")
        with m.If(core.store.x_release):
            m.d.sync += self.read_bank.eq(~self.read_bank)
        layout = data.StructLayout(step_fields(probes.plan))
        both = data.ArrayLayout(layout, 2)
        steps = data.View(both, probes.inside("store.steps", both.size))
        oldest, newest = steps[self.read_bank], steps[~self.read_bank]
        reads = [n for n, one in enumerate(probes.plan.work.passes) if one.source < 0]
        self.rereads = (probes.position > 0) & (probes.position <= reads[-1])
        self.released = probes.position > reads[-1]
        known = self.rereads | core.store.x_release  # as the sequencer's step
        self.banks = [
            ((self.full != 0) & ~known, self._fields(oldest)),
            (self.full == 2, self._fields(newest)),
        ]
        payload = core.i.payload
        self.taken = self._fields(payload)
        if "stream" in layout.members:  # it came with the first beat
            filling = steps[self.fill_bank].stream
            self.taken["stream"] = Mux(self.index == 0, payload.stream, filling)
        self.current = self._follow()
        every_step = probes.plan.options.interface.every_step
        self.answers = Const(1) if every_step else self.current["last"]

    def _follow(self) -> Fields:
        """The sequencer's step, a copy."""
        probes = self.probes
        single = probes.plan.work.passes[0]
        ends = probes.gate == len(single.gates) - 1
        ends &= probes.pass_row == probes.plan.work.rows_of(single) - 1
        ends &= (probes.position == 0) & (probes.column == single.columns - 1)
        current: Fields = {}
        for name, value in self._fields(probes.core.store.x_step).items():
            copy = Signal(len(value), name=f"step_{name}_copy")
            with probes.m.If(probes.inside("sequencer.go") & ends):
                probes.m.d.sync += copy.eq(value)
            current[name] = copy
        return current

    @staticmethod
    def _fields(step: data.View) -> Fields:
        several = "stream" in step.shape().members
        return {"last": step.last, "stream": step.stream if several else Const(0)}


def claim_inputs(steps: Steps) -> None:
    """The banks of x that count as full are full, and a step's input is there until released.

    The flag that a bank is whole is a register, but always up to date.
    """
    probes, plan = steps.probes, steps.probes.plan
    banks = steps.fill_bank ^ steps.read_bank
    fits = (steps.full <= 2) & (banks == steps.full[0]) & (steps.index < plan.network.inputs)
    probes.claims.always("input_banks_fit", fits)
    in_use = (probes.position == 0) & (probes.column == plan.network.inputs - 1)
    in_use &= (probes.pass_row != 0) | (probes.gate != 0)
    in_use |= steps.rereads
    release = probes.core.store.x_release
    there = (steps.full >= in_use + release) & (~release | steps.released)
    probes.claims.always("input_is_there", there)
    whole = probes.inside("store.whole")
    probes.claims.always("input_is_known_to_be_whole", whole == (steps.full != release))
    known = probes.core.i.ready == (steps.full != 2)
    known &= probes.inside("store.at_first") == (steps.index == 0)
    known &= probes.inside("store.at_last") == (steps.index == plan.network.inputs - 1)
    probes.claims.always("input_knows_its_room", known)
    slots = plan.work.windows.x_slots
    if slots > 2:
        bits = slots.bit_length() - 1
        filling, turn = probes.inside("store.fill_slot", bits), _turn(probes)
        gone = steps.released & ~release
        kept = filling == (turn + steps.full + gone)[:bits]
        probes.claims.always("earlier_steps_are_kept", kept)


def _turn(probes: Probes) -> Value:
    """The step's number, see :func:`hdl.layout.vectors.turn_shape`."""
    return probes.inside("sequencer.step_turn", len(Signal(turn_shape(probes.plan))))
