"""Streams, kept and loaded state, results of every step and classes: the core against golden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.sessions import serve
from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from sim.draw.steps import Work, random_work
from tests.hdl.simulate import CoreBench, CoreRun, sometimes
from tests.networks import Recipe, quantized_network

pytestmark = pytest.mark.slow

CELLS: dict[str, tuple[Cell, ...]] = {
    "rnn": (RNN(),),
    "lstm": (LSTM(peephole="current"),),
    "gru before": (GRU(),),
    "gru after": (GRU(reset="after"),),
    "litelstm": (LiteLSTM(),),
    "litelstm diagonal": (LiteLSTM(peephole="diagonal"),),
}

STACKS: dict[str, tuple[Cell, ...]] = {
    "rnn, litelstm": (RNN(), LiteLSTM()),
    "lstm, gru, litelstm": (LSTM(), GRU(), LiteLSTM()),
}

INTERFACES: dict[str, Interface] = {
    "two streams": Interface(streams=2),
    "kept": Interface(state="keep"),
    "every step": Interface(every_step=True),
    "classes": Interface(classes=True),
    "classes of every step": Interface(classes=True, every_step=True, streams=2),
    "loaded": Interface(state="load"),
    "everything": Interface(streams=3, state="load", every_step=True),
}


def check(work: Work, run: CoreRun) -> None:
    """All words, with their streams and ``last``, and all states are golden's, in order."""
    service = work.service
    words = service.words.shape[1]
    assert run.words == service.words.ravel().tolist()
    assert run.streams == service.streams.repeat(words).tolist()
    last = [[*[0] * (words - 1), flag] for flag in service.last.tolist()]
    assert run.last == [bool(flag) for flags in last for flag in flags]
    assert run.state == service.saved.ravel().tolist()


def check_cycles(plan: Plan, work: Work, run: CoreRun) -> None:
    """Every beat of every stream moves in the cycle that was computed."""
    want = cycles.count_steps(plan, work.controls)
    assert run.inputs == want.inputs.tolist()
    assert run.loaded == want.loaded.tolist()
    assert run.saved == want.saved.tolist()
    assert run.outputs == want.outputs.tolist()


def check_twice(bench: CoreBench, work: Work, seed: int) -> None:
    """Without stalls, in the computed cycles, and with random ones."""
    bench.add_steps(work.x, work.controls, loads=work.loads)
    bench.add_steps(
        work.x,
        work.controls,
        loads=work.loads,
        offer=sometimes(seed, share=0.5),
        take=sometimes(seed + 1, share=0.3),
    )
    plain, stalled = bench.run()
    check(work, plain)
    check(work, stalled)
    check_cycles(bench.core.plan, work, plain)


ALL = ("classes of every step", "loaded", "everything")
"""Interfaces that together have all parts: they meet every cell, the others two in turn."""


def every_interface() -> Iterator[Any]:
    """Each with some cells, and with one of the stacks in turn."""
    for number, (name, interface) in enumerate(INTERFACES.items()):
        some = list(CELLS) if name in ALL else [list(CELLS)[(2 * number + n) % 6] for n in (0, 1)]
        for cells in (*some, list(STACKS)[number % len(STACKS)]):
            yield pytest.param(interface, {**CELLS, **STACKS}[cells], id=f"{name}-{cells}")


@pytest.mark.parametrize(("interface", "cells"), every_interface())
def test_random_steps(interface: Interface, cells: tuple[Cell, ...]) -> None:
    """With and without stalls; without, in the computed cycles."""
    seed = len(cells) + interface.streams
    units = (3, 5, 2)[: len(cells)]
    recipe = Recipe(inputs=2, units=units, outputs=3, cells=cells)
    network = quantized_network(recipe, seed)
    work = random_work(network, interface, steps=9, seed=(seed,))
    bench = CoreBench(network, 2, interface=interface)
    check_twice(bench, work, seed)


@pytest.mark.parametrize("lanes", [1, 3, 5])
def test_no_head(lanes: int) -> None:
    """h itself goes out, after every step."""
    interface = Interface(streams=2, every_step=True, state="load")
    network = quantized_network(Recipe(inputs=1, units=(2, 5), outputs=None), 3)
    work = random_work(network, interface, steps=12, seed=(5,))
    bench = CoreBench(network, lanes, interface=interface)
    bench.add_steps(work.x, work.controls, loads=work.loads)
    (run,) = bench.run()
    check(work, run)
    check_cycles(bench.core.plan, work, run)


def test_interleaving_hides_the_drain() -> None:
    """One input and 16 units on 16 lanes: the ideal is 50 cycles per step."""
    network = quantized_network(Recipe(inputs=1, units=(16,), outputs=None), 1)
    alone = cycles.steady_state(Plan(network=network, options=CoreOptions(lanes=16)))
    both = cycles.steady_state(
        Plan(network=network, options=CoreOptions(lanes=16, interface=Interface(streams=2)))
    )
    assert both.ideal_cycles_per_step == 50
    assert alone.cycles_per_step <= 65
    assert both.cycles_per_step <= 51


def test_a_reset_forgets_what_was_kept() -> None:
    """The memories still hold it, but a stream that is new has nothing to keep."""
    interface = Interface(streams=2, state="keep")
    network = quantized_network(Recipe(inputs=2, units=(4,), outputs=2), 4)
    work = random_work(network, interface, steps=6, seed=(1,))
    bench = CoreBench(network, 2, interface=interface)
    for until in (70, 90, None):
        bench.add_steps(work.x, work.controls, until=until)
    check(work, bench.run()[-1])


def test_a_state_loaded_before_anything_else() -> None:
    interface = Interface(state="load")
    network = quantized_network(Recipe(inputs=2, units=(4,), outputs=2), 4)
    found = random_work(network, interface, steps=4, seed=(1,))
    controls = [Control(load=n == 0, last=n == 3) for n in range(4)]
    loads = np.full((1, 8), 3)
    service = serve(IntegerModel(network), interface, found.x, controls, loads)
    work = Work(x=found.x, controls=controls, loads=loads, service=service)
    bench = CoreBench(network, 2, interface=interface)
    bench.add_steps(work.x, work.controls, loads=work.loads)
    (run,) = bench.run()
    check(work, run)
    check_cycles(bench.core.plan, work, run)


@pytest.mark.parametrize("cells", [*CELLS.values(), *STACKS.values()], ids=[*CELLS, *STACKS])
def test_a_state_is_saved_after_a_final_column_of_one_cycle(cells: tuple[Cell, ...]) -> None:
    """One row and, in a GRU's last pass, one gate: the step ends as soon as its drain begins."""
    interface = Interface(streams=2, state="load")
    recipe = Recipe(inputs=2, units=(2,) * len(cells), outputs=2, cells=cells)
    network = quantized_network(recipe, 6)
    work = random_work(network, interface, steps=20, seed=(6,))
    bench = CoreBench(network, 2, interface=interface)
    bench.add_steps(work.x, work.controls, loads=work.loads)
    (run,) = bench.run()
    check(work, run)
    check_cycles(bench.core.plan, work, run)
