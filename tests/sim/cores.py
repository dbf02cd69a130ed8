"""The cores that `test_core.py` runs: named networks, each with sequences that reach its corner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from golden.cells import GRU, LSTM, RNN, Cell, LiteLSTM
from golden.formats import Format
from golden.quantized import Integers, QuantizedNetwork
from hdl.verilog import Generated, generate
from sim.core_job.job import CoreJob
from sim.draw.lively import lively
from sim.draw.networks import Recipe, input_words, quantized_network
from tests.networks import bound_network
from tests.sim.answers import answers, changed, random_sequences

LENGTHS = (2, 1, 4, 1, 1, 2)
"""Steps of a job's sequences: one step after several, several after one, one after one."""


@dataclass(frozen=True, kw_only=True)
class CoreCase:
    """A network, the core's lanes, and sequences of raw input words, each (steps, inputs)."""

    network: QuantizedNetwork
    lanes: int
    sequences: Sequence[Integers]

    @cached_property
    def core(self) -> Generated:
        """The generated core."""
        return generate(self.network, lanes=self.lanes)

    @cached_property
    def expected(self) -> Integers:
        """The golden model's words, (sequences, outputs)."""
        return answers(self.network, self.sequences)

    @property
    def job(self) -> CoreJob:
        """Return the job that `sim.cocotb_bench.core_tests` runs."""
        return CoreJob.make(self.core.plan, self.sequences, self.expected)


def _of_recipe(
    recipe: Recipe, *, lanes: int, seed: int = 1, lengths: Sequence[int] = LENGTHS
) -> CoreCase:
    network = quantized_network(recipe, seed)
    network = lively(network, input_words(network, batch=8, steps=4, seed=seed))
    sequences = random_sequences(network, lengths, seed=seed)
    return CoreCase(network=network, lanes=lanes, sequences=sequences)


def _of_cells(*cells: Cell) -> CoreCase:
    units = (5, 3, 4)[: len(cells)]
    return _of_recipe(Recipe(units=units, cells=cells), lanes=3)


def _bound(sign: int) -> CoreCase:
    """Every sum of f ends at its upper bound; the operands' sign is ``sign``."""
    network, x = bound_network(sign=sign)
    words = random_sequences(network, LENGTHS, seed=1)
    return CoreCase(network=network, lanes=4, sequences=[x[0], *words, x[0]])


def _input_extremes() -> CoreCase:
    """f's sums are products of x alone, extreme times extreme: both bounds are reached at once."""
    network, _ = bound_network(inputs=8, units=5)
    layer = network.layers[0]
    weights = {name: np.zeros_like(array) for name, array in layer.weights.items()}
    low, high = layer.formats.weight("f", "x").min, layer.formats.weight("f", "x").max
    weights["W_fx"] = np.array([low, high, low, high, low])[:, np.newaxis].repeat(8, axis=1)
    weights["W_gx"] = np.where(np.arange(40).reshape(5, 8) % 3 == 0, low, high)
    layers = (changed(layer, weights=weights),)
    network = changed(network, layers=layers)
    ends = [network.x.min, network.x.max]
    sequences = [np.full((3, 8), end, dtype=np.int64) for end in (*ends, *ends)]
    sequences[2][1] = ends[1]  # from one bound to the other in one step
    return CoreCase(network=network, lanes=3, sequences=sequences)


def _saturating() -> CoreCase:
    """c of even units stays at its largest value, of odd ones at its smallest; so do the logits.

    The head's first two rows reach the upper and the lower bound of their sums.
    """
    recipe = Recipe(units=(6,), outputs=3, state_width=8, log2_state=2, drive=True)
    network = quantized_network(recipe, 1)
    assert network.head
    formats = network.head.formats
    low, high = formats.weight("y", "x").min, formats.weight("y", "x").max
    odd = np.arange(6) % 2 == 1
    matrix = network.head.weights["W_yx"].copy()
    matrix[0] = np.where(odd, low, high)
    matrix[1] = np.where(odd, high, low)
    head = changed(
        network.head,
        formats=changed(formats, h=Format(width=8, frac=formats.product_fracs["y"] - 4)),
        weights={**network.head.weights, "W_yx": matrix},
    )
    network = changed(network, layers=(*network.body, head))
    words = random_sequences(network, (12, 1, 9, 2), seed=1)
    return CoreCase(network=network, lanes=4, sequences=words)


_WIDE = Recipe(
    weight_width=16,
    activation_width=16,
    state_width=18,
    pre_width=18,
    out_width=32,
    log2_entries=10,
    interpolate=True,
)
_NARROW = Recipe(
    weight_width=4, activation_width=4, state_width=4, pre_width=5, out_width=4, log2_entries=4
)

_CASES: dict[str, Callable[[], CoreCase]] = {
    "units_no_multiple_of_lanes": lambda: _of_recipe(Recipe(units=(5,), outputs=3), lanes=2),
    "one_unit": lambda: _of_recipe(Recipe(inputs=2, units=(1,), outputs=1), lanes=1, seed=0),
    "one_input": lambda: _of_recipe(Recipe(inputs=1, units=(4,)), lanes=3, seed=0),
    "one_of_everything": lambda: _of_recipe(
        Recipe(inputs=1, units=(1,), outputs=None), lanes=1, seed=0, lengths=(1, 1, 1, 2, 7, 1, 1)
    ),
    "one_lane": lambda: _of_recipe(Recipe(units=(3, 2)), lanes=1),
    "lanes_are_units": lambda: _of_recipe(Recipe(units=(6,), outputs=6), lanes=6),
    "no_head": lambda: _of_recipe(Recipe(units=(7,), outputs=None), lanes=4),
    "two_layers": lambda: _of_recipe(Recipe(units=(3, 7), outputs=None), lanes=4),
    "three_layers_three_formats": lambda: _of_recipe(
        Recipe(units=(5, 2, 4), outputs=3, mixed=True, weight_width=10), lanes=3, seed=8
    ),
    "first_layer_smaller_than_lanes": lambda: _of_recipe(Recipe(units=(2, 6)), lanes=6),
    "head_larger_than_layers": lambda: _of_recipe(Recipe(units=(2,), outputs=9), lanes=2),
    "more_inputs_than_work": lambda: _of_recipe(Recipe(inputs=17, units=(2,)), lanes=2),
    "length_one": lambda: _of_recipe(Recipe(units=(3, 4), outputs=5), lanes=4, lengths=(1,) * 8),
    "length_one_no_head": lambda: _of_recipe(
        Recipe(inputs=1, units=(7,), outputs=None, peephole="none"), lanes=7, lengths=(1,) * 8
    ),
    "narrow": lambda: _of_recipe(_NARROW, lanes=3, seed=1),
    "wide": lambda: _of_recipe(_WIDE, lanes=3),
    "narrow_weights": lambda: _of_recipe(changed(_WIDE, weight_width=4), lanes=3),
    "wide_weights": lambda: _of_recipe(changed(_NARROW, weight_width=16), lanes=3, seed=12),
    "extreme_weights": lambda: _of_recipe(
        Recipe(units=(4, 4), extremes=True, weight_width=5), lanes=4
    ),
    "bound_of_negative_operands": lambda: _bound(-1),
    "bound_of_positive_operands": lambda: _bound(1),
    "bounds_of_inputs": _input_extremes,
    "c_saturates": _saturating,
    "logistic": lambda: _of_recipe(Recipe(sigmoid="logistic"), lanes=3),
    "logistic_interpolated": lambda: _of_recipe(
        Recipe(sigmoid="logistic", interpolate=True, log2_entries=4, log2_range=3), lanes=3
    ),
    "mixed_gates_and_peepholes": lambda: _of_recipe(
        Recipe(
            units=(4, 3, 5),
            sigmoid=("hard", "logistic", "hard"),
            peephole=("none", "full", "none"),
            mixed=True,
        ),
        lanes=3,
        seed=0,
    ),
    "no_peephole": lambda: _of_recipe(Recipe(units=(4, 5), peephole="none"), lanes=2),
    "interpolated": lambda: _of_recipe(Recipe(interpolate=True, log2_entries=5), lanes=3),
    "rnn": lambda: _of_cells(RNN()),
    "lstm": lambda: _of_cells(LSTM()),
    "lstm_with_peepholes": lambda: _of_cells(LSTM(peephole="previous")),
    "lstm_with_current_peephole": lambda: _of_cells(LSTM(peephole="current")),
    "gru": lambda: _of_cells(GRU()),
    "gru_reset_after": lambda: _of_cells(GRU(reset="after")),
    "litelstm_diagonal": lambda: _of_cells(LiteLSTM(peephole="diagonal")),
    "three_kinds_of_cells": lambda: _of_cells(LSTM(peephole="current"), GRU(), RNN()),
    "coarse_table": lambda: _of_recipe(Recipe(log2_entries=3), lanes=3),
}

NAMES = tuple(_CASES)

IN_VERILATOR = (
    "units_no_multiple_of_lanes",
    "one_of_everything",
    "one_lane",
    "no_head",
    "first_layer_smaller_than_lanes",
    "three_layers_three_formats",
    "head_larger_than_layers",
    "length_one",
    "length_one_no_head",
    "narrow",
    "wide",
    "bound_of_negative_operands",
    "bounds_of_inputs",
    "c_saturates",
    "mixed_gates_and_peepholes",
    "three_kinds_of_cells",
)
"""Cores that stall and reset in many ways, and may do so in few seconds."""

IN_BOTH = ("one_of_everything", "wide", "three_kinds_of_cells", "three_layers_three_formats")
"""Cores that both simulators run; the first stalls and resets under Icarus too, which is slow."""

SATURATED = (
    "bound_of_negative_operands",
    "bound_of_positive_operands",
    "bounds_of_inputs",
    "c_saturates",
)
"""Cores whose extreme weights make sequences give equal words."""


@cache
def case(name: str) -> CoreCase:
    """The core of a name."""
    return _CASES[name]()
