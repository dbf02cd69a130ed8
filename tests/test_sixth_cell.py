"""docs/cells.md adds an MGU. Its code, as it stands on the page, runs and gives the golden bits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import golden.cells
import hdl.cells
from bench import pages
from golden.cells import Cell
from golden.model import IntegerModel
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl import cycles
from tests.hdl.simulate import CoreBench
from tests.networks import Recipe, float_network, input_words, quantized_network, samples

pytestmark = pytest.mark.slow

PAGE = "docs/cells.md"


def on_the_page(room: Any) -> dict[str, Any]:
    """Names of ``golden.cells`` or ``hdl.cells`` after the page's block for it ran in there."""
    kind = room.__name__.split(".")[0]
    code = pages.block(pages.read(PAGE), f"python {kind}", "")
    names = dict(vars(room))
    exec(compile(code, PAGE, "exec"), names)
    return names


@pytest.fixture
def mgu(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """The page's cell, listed in both rooms."""
    kind = on_the_page(golden.cells)["MGU"]
    monkeypatch.setitem(golden.cells.CELLS, "mgu", kind)
    monkeypatch.setitem(hdl.cells.CELLS, "mgu", on_the_page(hdl.cells)["mgu"])
    return kind()


def check(
    network: QuantizedNetwork, lanes: int, lengths: Sequence[int], *, tail_multipliers: int = 2
) -> None:
    """The core's words are the golden model's, in the cycles that were computed."""
    words = [input_words(network, batch=1, steps=n, seed=i)[0] for i, n in enumerate(lengths)]
    bench = CoreBench(network, lanes, tail_multipliers=tail_multipliers)
    bench.add(words)
    (run,) = bench.run()
    model = IntegerModel(network)
    assert run.words == [int(v) for word in words for v in model.forward(word[None])[0]]
    count = cycles.count(bench.core.plan, lengths)
    assert (run.inputs, run.outputs) == (count.inputs.tolist(), count.outputs.tolist())


def test_the_float_cell_has_the_page_s_equations(mgu: Cell) -> None:
    network = float_network(Recipe(inputs=2, units=(3,), outputs=None, cells=(mgu,)), 1)
    x = samples(network, batch=1, steps=4, seed=1)
    w, h = network.layers[0].weights, np.zeros(3)
    for step in x[0]:
        f = np.clip((w["W_fx"] @ step + w["U_fh"] @ h + w["b_f"]) / 4 + 0.5, 0, 1)
        n = np.tanh(w["W_nx"] @ step + w["U_nh"] @ (f * h) + w["b_n"])
        h = (1 - f) * h + f * n
    np.testing.assert_allclose(network.forward(x)[0], h, atol=1e-12)


def test_quantized_it_stays_close_and_survives_its_file(mgu: Cell, tmp_path: Path) -> None:
    network = float_network(Recipe(inputs=4, units=(8,), outputs=None, cells=(mgu,)), 1)
    x = samples(network, batch=16, steps=10, seed=1)
    wide = Settings(weight_width=16, activation_width=14, state_width=16, pre_width=18)
    quantized, _ = quantize(network, x, wide)
    quantized.save(tmp_path / "mgu.npz")
    loaded = QuantizedNetwork.load(tmp_path / "mgu.npz")
    words = IntegerModel(loaded).forward(loaded.quantize_input(x))
    assert np.abs(loaded.out.to_float(words) - network.forward(x)).max() < 0.05


SHAPES = [
    (1, (1,), None, 1),
    (1, (8,), None, 8),
    (3, (5,), 2, 2),
    (2, (4, 7), None, 4),
    (2, (6, 3, 1), 3, 3),
]
UPDATES = [("hard", 1), ("logistic", 2)], [("hard", 2), ("logistic", 1)]
"""Sigmoid and tail multipliers: with the shapes in turns, so that every pair is there."""


@pytest.mark.parametrize(
    ("inputs", "units", "outputs", "lanes", "sigmoid", "tail_multipliers"),
    [
        (*shape, *update)
        for shape, updates in zip(SHAPES, itertools.cycle(UPDATES), strict=False)
        for update in updates
    ],
)
def test_the_core_gives_the_golden_bits(
    mgu: Cell,
    inputs: int,
    units: tuple[int, ...],
    outputs: int | None,
    lanes: int,
    sigmoid: str,
    tail_multipliers: int,
) -> None:
    """Short sequences follow each other, so that a sum lost too early would show."""
    recipe = Recipe(
        inputs=inputs, units=units, outputs=outputs, sigmoid=sigmoid, cells=(mgu,) * len(units)
    )
    network = quantized_network(recipe, 1)
    check(network, lanes, [3, 1, 1, 2, 4, 1], tail_multipliers=tail_multipliers)


def test_stacked_on_other_cells(mgu: Cell) -> None:
    cells = (golden.cells.LiteLSTM(), mgu, golden.cells.GRU())
    check(quantized_network(Recipe(units=(4, 5, 3), cells=cells), 1), 2, [2, 1, 3])
