"""Proofs of the streams' promises for small cores, and planted bugs that they find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from amaranth.hdl import Const, Module, Signal, Value

from golden.cells import RNN, LiteLSTM
from hdl.core import Core
from hdl.plan import Plan
from hdl.sequencer.delta_sequencer import DeltaSequencer
from hdl.sequencer.sequencer import Sequencer
from hdl.sequencer.walk import Walk
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from hdl.store.operand_store import OperandStore
from hdl.update.shadow_reader import ShadowReader
from hdl.update.state_update import StateUpdate
from hdl.update.unit_dispatch import UnitDispatch
from sim.draw.networks import Recipe, quantized_network
from sim.formal import prover
from sim.formal.cases import CASES, DELTA, Case
from sim.formal.claims import Claims
from sim.formal.harness import prove_core, prove_delta_core
from sim.formal.loading import prove_loader
from sim.tools.errors import SimulationError

pytestmark = pytest.mark.proof

ALWAYS = {
    "o_valid_stays",
    "o_payload_stays",
    "o_last_is_right",
    "row_valid_stays",
    "i_ready_stays",
    "results_of_stream0",
    "room_is_real",
    "queue_overflows",
    "buffer_overflows",
    "element_is_ready",
    "shadow_is_overwritten",
    "shadow_is_read_too_early",
    "sums_are_the_units",
    "stands_still",
}
"""Claims that every core has."""

LONG = {
    "RNN",
    "LSTM",
    "pLSTM, o from c(t-1)",
    "GRU, reset before",
    "LiteLSTM, full",
    "LiteLSTM, diagonal",
    "LiteLSTM, none",
    "with a head",
    "rows of two lanes, the last half empty",
    "two layers and a head",
    "GRU with a head",
    "RNN with a head",
    "LSTM with a head",
    "LiteLSTM, state loaded and saved",
    "GRU, state loaded and saved",
    "one multiplier",
    "two streams",
    "every step, a head",
    "LSTM, state loaded and saved",
}
"""Cases for ``make formal`` alone: all their parts are in others, too."""

TESTED = [case for case in CASES if case.name not in LONG]

Method = Callable[..., Any]


@pytest.mark.parametrize("case", TESTED, ids=[case.name for case in TESTED])
def test_all_claims_are_proved(case: Case, tmp_path: Path) -> None:
    verdict = prove_core(case.core(), folder=tmp_path)
    assert verdict.failed == ()
    assert verdict.undecided == ()
    assert set(verdict.proved) >= ALWAYS


@pytest.mark.parametrize("weights", ["ram", "double"])
def test_all_claims_about_the_loader_are_proved(weights: str, tmp_path: Path) -> None:
    network = quantized_network(Recipe(units=(3,), inputs=2, weight_width=9), 1)
    plan = Plan(network=network, options=CoreOptions(lanes=3, storage=Storage(weights=weights)))
    verdict = prove_loader(plan, folder=tmp_path)
    assert (verdict.failed, verdict.undecided) == ((), ())
    assert len(verdict.proved) == 10


def drop_valid(emit: Method) -> Method:
    """In every other cycle ``o`` offers nothing."""

    def broken(self: StateUpdate, m: Module, *args: Any) -> None:
        emit(self, m, *args)
        blink = Signal()
        m.d.sync += blink.eq(~blink)
        with m.If(blink):
            m.d.comb += self.o.valid.eq(0)

    return broken


def change_payload(emit: Method) -> Method:
    """A word that waits changes."""

    def broken(self: StateUpdate, m: Module, *args: Any) -> None:
        emit(self, m, *args)
        blink = Signal()
        m.d.sync += blink.eq(~blink)
        with m.If(blink):
            m.d.comb += self.o.payload.data.eq(0)

    return broken


def mark_early(present: Method) -> Method:
    """``last`` comes one row early."""

    def broken(self: Sequencer, m: Module, walk: Walk, now: Any, *args: Any) -> None:
        present(self, m, walk, now, *args)
        m.d.sync += self.row.last.eq(walk.place.row != now.last_row)

    return broken


def lose_credit(counter: Method) -> Method:
    """A unit that gets ready while an input element comes is not counted."""

    def broken(self: OperandStore, m: Module, name: str, layer: int, write: Any) -> None:
        announce = Signal()
        m.d.comb += announce.eq(write.announce & ~self.i.valid)
        counter(self, m, name, layer, SimpleNamespace(layer=write.layer, announce=announce))

    return broken


def never_wait_for_the_drain(drained: Method) -> Method:
    """The array overwrites sums that were not drained."""

    def broken(self: Sequencer) -> list[Value]:
        return [Const(1) for _ in drained(self)]

    return broken


def enter_without_room(room: Method) -> Method:
    """A row enters the state update, room or not."""

    def broken(self: UnitDispatch, m: Module, row: Any, enters: Value) -> Value:
        room(self, m, row, enters)
        return Const(1)

    return broken


def complete_early(completed: Method) -> Method:
    """A row counts as complete a cycle too early."""

    def broken(self: Core, m: Module, clears: Value) -> tuple[Value, Any]:
        completed(self, m, clears)
        return self.sequencer.valid & self.sequencer.done, self.sequencer.row

    return broken


def ask_for_another(gate: Method) -> Method:
    """The state update asks for another gate's sums second."""

    def broken(self: ShadowReader, m: Module, job: Value, number: int, bank: int) -> Value:
        return gate(self, m, job, 0 if number == 1 else number, bank)

    return broken


BUGS: dict[str, tuple[type, str, Callable[[Method], Method], set[str]]] = {
    "valid dropped": (StateUpdate, "_emit", drop_valid, {"o_valid_stays"}),
    "payload changes": (StateUpdate, "_emit", change_payload, {"o_payload_stays"}),
    "last one early": (Sequencer, "_present", mark_early, {"o_last_is_right"}),
    "credit lost": (OperandStore, "_counter", lose_credit, {"credits_of_h0"}),
    "no wait for the drain": (
        Sequencer,
        "_drained",
        never_wait_for_the_drain,
        {"credits_of_h0", "shadow_is_overwritten"},
    ),
    "row enters early": (Core, "_completed", complete_early, {"shadow_is_read_too_early"}),
    "row enters without room": (
        UnitDispatch,
        "_room",
        enter_without_room,
        {"next_row_fits", "room_is_real"},
    ),
    "wrong gate asked for": (ShadowReader, "_gate", ask_for_another, {"sums_are_the_units"}),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, method, breaks, claims = BUGS[bug]
    monkeypatch.setattr(kind, method, breaks(getattr(kind, method)))
    # The smallest core with what is broken.
    cell = LiteLSTM() if kind is ShadowReader else RNN()
    verdict = prove_core(
        Case(name=bug, cells=(cell,), inputs=1).core(),
        folder=tmp_path,
        seconds=1,
        searched=claims,
    )
    assert set(verdict.failed) >= claims


def test_all_claims_about_a_delta_core_are_proved(tmp_path: Path) -> None:
    """The shortest of the delta cores that ``make formal`` proves."""
    verdict = prove_delta_core(DELTA[0].core(), folder=tmp_path)
    assert (verdict.failed, verdict.undecided) == ((), ())
    assert set(verdict.proved) >= {"credits_of_h0", "h0_is_complete", "queue_overflows"}


def test_a_delta_core_that_does_not_wait_for_the_drain_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeltaSequencer, "_drained", lambda *_: Const(1))
    claims = {"h0_is_overtaken"}
    verdict = prove_delta_core(DELTA[0].core(), folder=tmp_path, seconds=1, searched=claims)
    assert set(verdict.failed) >= claims


def counting(claims_name: str, limit: int) -> Claims:
    """A counter of 4 bits that starts again at 10, and a claim about it."""
    m = Module()
    m.submodules.core = core = Module()
    count = Signal(4, name="count")
    core.d.sync += count.eq(count + 1)
    with core.If(count == 9):
        core.d.sync += count.eq(0)
    claims = Claims(m)
    claims.always(claims_name, claims.probe("core.count", 4) < limit)
    return claims


def test_a_claim_that_holds_is_proved(tmp_path: Path) -> None:
    verdict = prover.prove(counting("small", 10), inputs=[], data=[], kept=[], folder=tmp_path)
    assert verdict == prover.Verdict(proved=("small",), failed=(), undecided=())


def test_a_claim_that_fails_late_is_refuted(tmp_path: Path) -> None:
    verdict = prover.prove(counting("small", 9), inputs=[], data=[], kept=[], folder=tmp_path)
    assert verdict == prover.Verdict(proved=(), failed=("small",), undecided=())


def test_a_netlist_is_decided_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELSTM_CACHE", str(tmp_path / "cache"))

    def prove(limit: int, **options: Any) -> prover.Verdict:
        claims = counting("small", limit)
        return prover.prove(claims, inputs=[], data=[], kept=[], folder=tmp_path, **options)

    def run_a_tool(*_: object) -> None:
        raise AssertionError("a tool runs")

    first = prove(10)
    monkeypatch.setattr(prover, "run_script", run_a_tool)
    assert prove(10) == first
    for limit, options in ((9, {}), (10, {"seconds": 21}), (10, {"searched": ()})):
        with pytest.raises(AssertionError, match="a tool runs"):
            prove(limit, **options)


def test_an_undecided_netlist_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELSTM_CACHE", str(tmp_path / "cache"))
    open_verdict = prover.Verdict(proved=(), failed=(), undecided=("small",))
    with monkeypatch.context() as out_of_time:
        out_of_time.setattr(prover, "_decide", lambda *_: open_verdict)
        claims = counting("small", 10)
        assert prover.prove(claims, inputs=[], data=[], kept=[], folder=tmp_path) == open_verdict
    claims = counting("small", 10)
    verdict = prover.prove(claims, inputs=[], data=[], kept=[], folder=tmp_path)
    assert verdict.proved == ("small",)


def test_a_probe_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    claims = counting("small", 10)
    claims.always("other", claims.probe("core.gone"))
    with pytest.raises(SimulationError, match="core.gone"):
        prover.prove(claims, inputs=[], data=[], kept=[], folder=tmp_path)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_a_name_is_used_once() -> None:
    claims = counting("small", 10)
    with pytest.raises(ValueError, match="stated twice"):
        claims.always("small", 1)
