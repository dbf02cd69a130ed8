"""Cores whose weights come in over a stream, and whose sums share memories, in all benches."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedNetwork
from hdl.layout.contents import bias_words, weight_words
from hdl.layout.weight_image import HEADER, core_id, image, length, sections
from hdl.plan import Plan
from hdl.spec.storage import Storage
from hdl.verilog import Generated, generate
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.core_job.job import CoreJob
from sim.core_job.result import CoreResult
from sim.draw.networks import Recipe, quantized_network
from sim.draw.steps import random_work
from sim.patterns import Pattern, Stalls, Trigger
from sim.run import Reset
from sim.streams import CycleLimitError, Record
from sim.tools.errors import SimulationError
from tests.sim.test_core import run_coroutines

pytestmark = pytest.mark.simulator

BOTH = Storage(weights="ram", sums="block")

CORES: dict[str, tuple[tuple[Cell, ...], int, int, Interface, Storage]] = {
    "one part, one lane": ((LiteLSTM(),), 7, 1, DEFAULT, Storage(weights="ram")),
    "several parts": ((GRU(),), 13, 3, DEFAULT, Storage(weights="ram")),
    "double": ((GRU(),), 13, 3, DEFAULT, Storage(weights="double")),
    "sums in block RAM": ((LSTM(peephole="current"),), 8, 3, DEFAULT, Storage(sums="block")),
    "one bank": ((LiteLSTM(),), 8, 4, DEFAULT, BOTH),
    "everything": (
        (RNN(), LiteLSTM(), GRU(reset="after")),
        8,
        3,
        Interface(streams=3, state="load", every_step=True),
        BOTH,
    ),
}
"""Cells, bits of a weight, lanes, interface, storage."""

SLOWLY = Stalls(
    idle=Pattern(probability=0.3, longest=5),
    ready=Pattern(probability=0.5, longest=9, trigger=Trigger.VALID),
)


@cache
def made(name: str) -> tuple[Generated, CoreJob]:
    """A core of a name, and random steps for it."""
    cells, weight_width, lanes, interface, storage = CORES[name]
    units = (4, 3, 5)[: len(cells)]
    recipe = Recipe(inputs=2, units=units, outputs=3, cells=cells, weight_width=weight_width)
    core = generate(
        quantized_network(recipe, 5),
        lanes=lanes,
        tail_multipliers=1 if name == "one bank" else 2,
        interface=interface,
        storage=storage,
        name="core_" + re.sub(r"\W+", "_", name),
    )
    return core, work_for(core.plan)


@cache
def opened(name: str) -> CompiledBench:
    """The compiled bench of a core; all cores share a library."""
    designs = [Design.of(made(other)[0]) for other in CORES]
    return CompiledBench.of(made(name)[0], library=bench_library(designs, optimize=False))


def work_for(plan: Plan, steps: int = 12) -> CoreJob:
    work = random_work(plan.network, plan.options.interface, steps=steps, seed=(3,))
    return CoreJob.of_steps(plan, work.x, work.controls, work.loads, work.service)


def check(job: CoreJob, run: Record, *, stalled: bool = False) -> None:
    result = CoreResult.judge(job, run, stalled=stalled)
    assert (result.first_mismatch, result.wrong_cycle) == ("", "")
    assert result.compared == job.expected.size + job.saves.size
    if job.weights.size:
        assert run["i_weights"].cycles[-1] < run.accepted[0], "a beat before the last weights"


def test_the_cores_are_what_they_are_for() -> None:
    plans = {name: made(name)[0].plan for name in CORES}
    assert sections(plans["one part, one lane"])[-1].parts == 1
    assert sections(plans["several parts"])[-1].parts == 2
    assert (plans["one bank"].array.banks, plans["everything"].array.banks) == (1, 2)
    assert length(plans["sums in block RAM"]) == 0
    parts = sum(section.length for section in sections(plans["several parts"]))
    assert length(plans["several parts"]) == HEADER + parts + 1


@pytest.mark.parametrize("name", CORES)
def test_compiled(name: str) -> None:
    """All words; without stalls a word of weights a cycle, then the cycles of the count."""
    _, job = made(name)
    end = job.weights.size + int(job.taken[-1])
    bench = opened(name)
    run = bench.run(job.request())
    check(job, run)
    if job.weights.size:
        written = run["i_weights"].cycles
        assert np.array_equal(written - written[0], np.arange(job.weights.size))
    check(job, bench.run(job.request(stalls=SLOWLY, seed=1)), stalled=True)
    for cycle in range(0, end, 11):
        check(job, bench.run(job.request(reset=Reset(cycle=cycle))))


@pytest.mark.parametrize(
    ("simulator", "name"),
    [("verilator", "everything"), ("icarus", "one bank"), ("icarus", "several parts")],
)
def test_cocotb(simulator: str, name: str, tmp_path: Path) -> None:
    core, job = made(name)
    run_coroutines(core, job, simulator, tmp_path, "steps")


def with_mirrored_weights(network: QuantizedNetwork) -> QuantizedNetwork:
    """Another network for the same core: the columns of all matrices in reverse order.

    Biases stay, and so do the bounds of all sums.
    """
    layers = [
        replace(
            layer,
            weights={
                name: weights[:, ::-1] if weights.ndim == 2 else weights
                for name, weights in layer.weights.items()
            },
        )
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


def mirrored(name: str) -> CoreJob:
    """Return a named core's job with other weights."""
    plan = made(name)[0].plan
    return work_for(replace(plan, network=with_mirrored_weights(plan.network)))


def test_other_weights_while_the_core_is_idle() -> None:
    job, others = made("several parts")[1], mirrored("several parts")
    assert np.array_equal(others.inputs, job.inputs)
    assert not np.array_equal(others.expected, job.expected)
    bench = opened("several parts")
    check(job, bench.run(job.request()))
    for work in (others, job, job, others):
        check(work, bench.run(work.request(fresh=False)))
    check(job, bench.run(job.request(reset=Reset(cycle=30))))


def test_other_weights_while_the_core_is_at_work() -> None:
    """With two banks the set changes between two sequences, once."""
    job, others = made("double")[1], mirrored("double")
    bench = opened("double")
    check(job, bench.run(job.request()))
    for old, new in ((job, others), (others, job)):
        run = bench.run(job.request(weights=new.weights, fresh=False))
        words = run.words.reshape(old.expected.shape)
        is_new = (words == new.expected).all(axis=1)
        assert ((words == old.expected).all(axis=1) ^ is_new).all()
        assert (np.diff(is_new.astype(int)) >= 0).all()
        assert not is_new[0]
        run = bench.run(new.request(weights=[], fresh=False))
        assert np.array_equal(run.words, new.expected.ravel())


@pytest.mark.parametrize("name", ["several parts", "double"])
def test_a_wrong_image_does_not_become_active(name: str) -> None:
    """With two banks the set before stays, with one there is none then; the next image is taken."""
    core, job = made(name)
    other = image(replace(core.plan, network=with_mirrored_weights(core.plan.network)))
    bench = opened(name)
    for place in (0, 1, 2, 3, HEADER, job.weights.size // 2, job.weights.size - 1):
        check(job, bench.run(job.request()))
        wrong = other.copy()
        wrong[place] ^= 1 << 5
        kept = core.plan.options.storage.double or place < HEADER
        if kept:
            run = bench.run(job.request(weights=wrong, fresh=False))
            assert np.array_equal(run.words, job.expected.ravel())
        else:
            with pytest.raises(CycleLimitError) as error:
                bench.run(job.request(weights=wrong, fresh=False, patience=300))
            assert error.value.run["i_weights"].cycles.size == wrong.size
            assert error.value.run.accepted.size == 0
        run = bench.run(job.request(fresh=False))
        assert np.array_equal(run.words, job.expected.ravel())


def test_nothing_goes_on_until_the_last_word_is_there() -> None:
    _, job = made("several parts")
    short = job.weights[:-1]
    with pytest.raises(CycleLimitError) as error:
        opened("several parts").run(job.request(weights=short, patience=500))
    assert error.value.run["i_weights"].cycles.size == job.weights.size - 1
    assert error.value.run.accepted.size == 0


def test_a_wrong_word_is_seen(tmp_path: Path) -> None:
    core, job = made("several parts")
    weights = job.weights.copy()
    weights[-2] ^= 1 << 2
    weights[-1] = zlib.crc32(weights[:-1].astype("<u4").tobytes())
    with pytest.raises(SimulationError, match="words differ"):
        run_coroutines(core, replace(job, weights=weights), "verilator", tmp_path, "steps")


def test_words_of_weights_need_a_port_and_must_fit_it() -> None:
    _, job = made("sums in block RAM")
    with pytest.raises(ValueError, match="no port for 1 words of weights"):
        opened("sums in block RAM").run(job.request(weights=[1]))
    _, job = made("one part, one lane")
    for word in (1 << 32, -1):
        with pytest.raises(ValueError, match=f"of weights must fit 32 bits, not {word} to {word}"):
            opened("one part, one lane").run(job.request(weights=[word]))


def test_image() -> None:
    """Memory words cut into parts of 32 bits, the lowest first, the last filled up with zeros."""
    plan = made("several parts")[0].plan
    whole = image(plan)
    header = [*np.frombuffer(b"LSTM", "<u4").tolist(), 1, core_id(plan), whole.size]
    assert whole[:HEADER].tolist() == header
    assert whole[-1] == zlib.crc32(whole[:-1].astype("<u4").tobytes())
    words = whole[-1 - 2 * plan.sizes.weight_words : -1].astype(int).reshape(-1, 2)
    assert [int(a | b << 32) for a, b in words] == weight_words(plan)
    assert words[:, 1].max() < 1 << (3 * plan.sizes.weight_width - 32)
    names = [section.name for section in sections(plan)]
    assert names == ["passes", "bias0", "bias1", "bias2", "weights"]
    end = whole.size - 1 - 2 * plan.sizes.weight_words
    for slot, biases in enumerate(whole[end - 3 * 7 : end].reshape(3, 7)):  # 4 units, 3 logits
        mask = (1 << plan.sizes.bias_width) - 1
        assert [word & mask for word in bias_words(plan, slot)] == biases.tolist()
    assert image(made("sums in block RAM")[0].plan).size == 0
