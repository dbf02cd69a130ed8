"""Properties of golden model and core over everything that can be chosen.

Hypothesis draws and, if one fails, shrinks. `litelstm regress` runs any number of larger cases in
the benches.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from golden.sessions import pack_state, serve
from hdl import cycles
from sim.draw.networks import input_words
from sim.draw.steps import random_work
from tests import reference
from tests.hdl.simulate import CoreBench
from tests.hdl.test_interface import check_twice
from tests.strategies import SEEDS, CoreChoice, cores, networks, with_thresholds

pytestmark = pytest.mark.slow

EXAMPLES, CORES = 150, 12


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(network=networks(), steps=st.integers(1, 6), seed=SEEDS)
def test_the_integer_model_is_the_scalar_one(
    network: QuantizedNetwork, steps: int, seed: int
) -> None:
    """Every word and every state of every step, against plain integers from the equations."""
    check_scalar(network, input_words(network, batch=2, steps=steps, seed=seed))


@settings(max_examples=EXAMPLES // 2, deadline=None, derandomize=True)
@given(network=networks().flatmap(with_thresholds), steps=st.integers(1, 8), seed=SEEDS)
def test_the_integer_model_with_thresholds_is_the_scalar_one(
    network: QuantizedNetwork, steps: int, seed: int
) -> None:
    words = input_words(network, batch=2, steps=steps, seed=seed)
    check_scalar(network, slow(words))


def slow(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let every third element keep its first value, and others their neighbours' more often."""
    made = words.copy()
    made[:, 1::2] = made[:, 0:-1:2]
    made[:, :, ::3] = made[:, :1, ::3]
    return made


def check_scalar(network: QuantizedNetwork, words: NDArray[np.int64]) -> None:
    got = IntegerModel(network).run(words)
    for b, sequence in enumerate(words.tolist()):
        want = reference.run(network, sequence)
        assert got.output[b].tolist() == want.y[-1]
        for index, trace in enumerate(got.layers):
            assert trace["h"][b].tolist() == [step[index] for step in want.h]
            if "c" in trace:
                assert trace["c"][b].tolist() == [step[index] for step in want.c]


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(
    network=networks(),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    order=st.permutations(range(16)),
    seed=SEEDS,
)
def test_interleaving_and_cutting_change_nothing(
    network: QuantizedNetwork, lengths: list[int], order: list[int], seed: int
) -> None:
    """Sequences whose steps are shuffled over streams, cut anywhere, and moved by load and save."""
    x = input_words(network, batch=len(lengths), steps=max(lengths), seed=seed)
    turns = [stream for stream, length in enumerate(lengths) for _ in range(length)]
    turns = [turns[place] for place in order if place < len(turns)]
    model, at = IntegerModel(network), [0] * len(lengths)
    beats, controls = [], []
    for stream in turns:
        beats.append(x[stream, at[stream]])
        at[stream] += 1
        # Every step ends a sequence, and the next one goes on from what it left.
        controls.append(Control(stream=stream, last=True, keep=at[stream] > 1, save=True))
    interface = Interface(streams=len(lengths), state="load")
    served = serve(model, interface, beats, controls)
    for stream, length in enumerate(lengths):
        whole = model.run(x[stream : stream + 1, :length])
        mine = served.streams == stream
        assert served.words[mine][-1].tolist() == whole.output[0].tolist()
        last_state = served.saved[mine][-1]
        assert last_state.tolist() == pack_state(network, whole.state)[0].tolist()
        loaded = serve(
            model, interface, x[0, :1], [Control(load=True, last=True, save=True)], [last_state]
        )
        again = model.run(x[:1, :1], state=whole.state)
        assert loaded.words[0].tolist() == again.output[0].tolist()


@settings(max_examples=CORES, deadline=None, derandomize=True)
@given(core=cores(), steps=st.integers(1, 10), seed=SEEDS)
def test_the_core_is_the_integer_model(core: CoreChoice, steps: int, seed: int) -> None:
    """Every word and state; without stalls in the computed cycles, with stalls in any."""
    work = random_work(core.network, core.interface, steps=steps, seed=(seed,))
    bench = CoreBench(
        core.network,
        core.lanes,
        tail_multipliers=core.tail_multipliers,
        interface=core.interface,
    )
    check_twice(bench, work, seed)
    assert cycles.steady_state(bench.core.plan).utilization <= 1
