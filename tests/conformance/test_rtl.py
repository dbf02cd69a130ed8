"""Cores of 16 bits against onnxruntime and the integer model: from any state, h of every step.

Each core gets sequences of 1 to 50 steps back to back, every one with an initial state of its own,
gives h after every step, and at a sequence's end its state. A node in reverse is a forward core
that is fed its sequences backwards.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from golden.sessions import Service, pack_state, serve
from hdl.verilog import generate
from sim.compiled.adapter import Design
from sim.compiled.bench import CompiledBench, bench_library
from sim.run import Run, Source
from sim.streams import Record, of_steps
from tests.conformance.integers import FACTOR, RECIPES, Quantized
from tests.conformance.onnx_oracle import NodeRecipe, random_node, run_onnxruntime

pytestmark = pytest.mark.simulator

INTERFACE = Interface(state="load", every_step=True)
WIDTH = 16

CORES = {
    "RNN": RECIPES["RNN"],
    "GRU before, hard": RECIPES["GRU before, hard"],
    "GRU after": RECIPES["GRU after"],
    "LSTM, hard, in reverse": replace(RECIPES["LSTM, hard"], direction="reverse"),
    "LSTM peepholes": RECIPES["LSTM peepholes"],
}


def simulated(
    network: QuantizedNetwork, steps: Integers, controls: list[Control], loads: Integers
) -> Record:
    """Run a core in the compiled bench, one step after another."""
    core = generate(network, lanes=3, interface=INTERFACE)
    beats = Source(steps.reshape(-1), of_steps(controls, network.inputs))
    run = Run(
        sources={"i": beats, "i_state": Source(loads.reshape(-1))},
        sinks={"o": len(steps) * network.outputs, "o_state": loads.size},
    )
    library = bench_library([Design.of(core)], optimize=False)
    with CompiledBench.of(core, library=library) as bench:
        return bench.run(run)


def same(run: Record, model: Service) -> bool:
    """Whether the core gave the integer model's words, results and states."""
    return np.array_equal(run.words, model.words.reshape(-1)) and np.array_equal(
        run["o_state"].words, model.saved.reshape(-1)
    )


def by_sequence(
    words: NDArray[np.int32], lengths: list[int], units: int
) -> list[NDArray[np.int32]]:
    """A core's words as h of every step, (steps, units), for each sequence."""
    return np.split(words.reshape(-1, units), np.cumsum(lengths)[:-1])


@pytest.mark.parametrize("recipe", CORES.values(), ids=CORES)
def test_cores(recipe: NodeRecipe) -> None:
    node = random_node(recipe, seed=4)
    quantized = Quantized(node)
    assert quantized.in_range
    network, way = quantized.network, -1 if recipe.direction == "reverse" else 1
    network = replace(network, layers=(replace(network.layers[0], direction="forward"),))
    sequences = [words[::way] for words in quantized.sequences]
    lengths = [len(words) for words in sequences]
    controls = [
        Control(load=step == 0, last=step == length - 1, save=step == length - 1)
        for length in lengths
        for step in range(length)
    ]
    steps, loads = np.concatenate(sequences), pack_state(network, (quantized.start,))

    run = simulated(network, steps, controls, loads)

    assert same(run, serve(IntegerModel(network), INTERFACE, list(steps), controls, loads))
    want, got = run_onnxruntime(node), quantized.run()
    for b, h in enumerate(by_sequence(run.words, lengths, recipe.units)):
        real = network.out.to_float(h[::way])
        assert np.array_equal(real, got.h[b, : lengths[b]])
        assert np.abs(real - want.h[b, : lengths[b]]).max() < quantized.reported_error * FACTOR
