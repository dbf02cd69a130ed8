"""Proofs of what the buses promise, and planted bugs that they find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal

from hdl.bus.axi_lite import AxiLite
from hdl.bus.input_guard import InputGuard
from hdl.bus.packer import Packer
from hdl.bus.register_block import RegisterBlock
from hdl.bus.unpacker import Unpacker
from hdl.sequence.conductor import Conductor
from hdl.sequence.intake import Intake
from sim.formal.buses import BUS_PROOFS

pytestmark = pytest.mark.proof

Break = Callable[[Module, Any], None]


@pytest.mark.parametrize("name", BUS_PROOFS)
def test_all_claims_are_proved(name: str, tmp_path: Path) -> None:
    verdict = BUS_PROOFS[name](folder=tmp_path)
    assert verdict.failed == ()
    assert verdict.undecided == ()
    assert len(verdict.proved) >= 4


def answer_without_asking(m: Module, lite: Any) -> None:
    """b is offered out of the blue."""
    seen = Signal()
    m.d.sync += seen.eq(1)
    with m.If(~seen):
        m.d.comb += lite.b.valid.eq(1)


def _withdraw(m: Module, stream: Any) -> None:
    """Drop valid a cycle after it was shown."""
    shown = Signal()
    m.d.sync += shown.eq(stream.valid)
    with m.If(shown):
        m.d.comb += stream.valid.eq(0)


def forget_the_answer(m: Module, lite: Any) -> None:
    """r is withdrawn when it is not taken at once."""
    _withdraw(m, lite.r)


def take_data_alone(m: Module, lite: Any) -> None:
    """Data are taken without an address."""
    m.d.comb += lite.w.ready.eq(lite.w.valid)


def change_what_was_read(m: Module, block: Any) -> None:
    """The answer does not stay until it is taken."""
    m.d.sync += block.access.answer.eq(block.access.answer + 1)


def never_be_done(m: Module, block: Any) -> None:
    """Counters are never read."""
    with m.If(block.access.address[6]):
        m.d.sync += block.access.done.eq(0)


def refuse_without_a_byte(m: Module, block: Any) -> None:
    """A write without any byte is an error."""
    with m.If(~block.access.strobe.any()):
        m.d.sync += block.access.error.eq(1)


def write_parts(m: Module, block: Any) -> None:
    """A write of part of a word writes all of it."""
    with m.If(block.access.done & block.access.write & ~block.access.strobe.all()):
        m.d.sync += block.settings.length_steps.eq(block.access.data)


def withdraw_at_a_restart(m: Module, packer: Any) -> None:
    """A beat on offer is gone with a restart."""
    with m.If(packer.restart):
        m.d.comb += packer.o.valid.eq(0)


def leave_frames_open(m: Module, packer: Any) -> None:
    """A frame that a restart cut is never ended: what follows joins it."""
    packer.o.payload.shape()
    m.d.comb += packer.o.payload.last.eq(0)


def end_steps_early(m: Module, guard: Any) -> None:
    """``last`` of a beat goes to the core with each of its elements."""
    m.d.comb += guard.o.payload.last.eq(guard.i.payload.last)


def mark_none(m: Module, guard: Any) -> None:
    """A sequence that was wrong is not marked."""
    m.d.comb += guard.mark.eq(0)


def stop_padding(m: Module, unpacker: Any) -> None:
    """A frame that is cut short leaves its step short."""
    m.d.sync += unpacker.padding.eq(0)


def offer_no_result_twice(m: Module, conductor: Any) -> None:
    """A result that is not taken at once is gone."""
    _withdraw(m, conductor.o)


def forget_to_end(m: Module, intake: Any) -> None:
    """A sequence that is too long is not cut: nothing ever begins."""
    m.d.sync += intake.loaded.eq(intake.loaded & ~intake.begins & intake.i.payload.last)


def stop_behind_a_cut(m: Module, intake: Any) -> None:
    """Nothing is taken any more once a sequence was too long."""
    stuck = Signal()
    m.d.sync += stuck.eq(stuck | intake.overlong)
    with m.If(stuck):
        m.d.comb += intake.i.ready.eq(0)


def mark_every_end(m: Module, intake: Any) -> None:
    """Sequences that fit are marked as overlong, too."""
    m.d.sync += intake.overlong.eq(intake.begins)


BUGS: dict[str, tuple[type, Break, str, str]] = {
    "answer without asking": (AxiLite, answer_without_asking, "registers over", "b_comes_unasked"),
    "forget the answer": (AxiLite, forget_the_answer, "registers over", "r_valid_stays"),
    "take data alone": (
        AxiLite, take_data_alone, "registers over", "address_and_data_go_together",
    ),
    "change what was read": (
        RegisterBlock, change_what_was_read, "registers over", "r_payload_stays",
    ),
    "never be done": (RegisterBlock, never_be_done, "registers over", "requests_are_taken"),
    "refuse without a byte": (
        RegisterBlock, refuse_without_a_byte, "registers over", "writes_of_no_byte_are_refused",
    ),
    "write parts": (RegisterBlock, write_parts, "registers over", "parts_of_words_are_written"),
    "withdraw at a restart": (Packer, withdraw_at_a_restart, "results, side", "o_valid_stays"),
    "leave frames open": (Packer, leave_frames_open, "results, side", "broken_frames_go_on"),
    "end steps early": (InputGuard, end_steps_early, "x, elements side", "last_inside_a_step"),
    "mark none": (InputGuard, mark_none, "x, elements side", "marks_are_right"),
    "offer no result twice": (Conductor, offer_no_result_twice, "sequences: last", "o_valid_stays"),
    "forget to end": (Intake, forget_to_end, "sequences: last", "more_than_two_sequences"),
    "stop behind a cut": (Intake, stop_behind_a_cut, "sequences: last", "stands_still"),
    "mark every end": (Intake, mark_every_end, "sequences: every", "overlong_marks_a_cut"),
    "stop padding": (Unpacker, stop_padding, "x, elements side", "marks_are_right"),
}  # fmt: skip
"""A component, what is wrong in it, a proof, and a claim that then fails."""


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    component, break_it, proof, claim = BUGS[bug]
    right = component.elaborate

    def broken(self: Any, platform: object) -> Module:
        m = right(self, platform)
        break_it(m, self)
        return m

    monkeypatch.setattr(component, "elaborate", broken)
    (name,) = [name for name in BUS_PROOFS if proof in name]
    assert claim in BUS_PROOFS[name](folder=tmp_path).failed
