"""docs/arithmetic.md says enough for a model of one's own that gives every bit.

scalar_model.py was written from docs/arithmetic.md alone; here it meets the golden model. Variants
of it with a wrong table end or a wrong rounding show that the words compared here tell them apart.
"""

import dataclasses
import itertools
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from golden.cells import GRU, LiteLSTM
from golden.thresholds import Thresholds
from litelstm import IntegerModel, QuantizedNetwork
from tests.golden.scalar_model import Fixed, Layer, ScalarModel, input_word
from tests.networks import EVERY_CELL, in_turns, input_words, quantized_network, random_recipe

pytestmark = pytest.mark.slow


def check(path: Path, network: QuantizedNetwork, seed: int, steps: int = 4) -> None:
    """The results after every step, of the file and of the golden model."""
    model, golden = ScalarModel(path), IntegerModel(network)
    words = input_words(network, batch=2, steps=steps, seed=seed)
    for end in range(1, steps + 1):
        expected = [model.result(sequence) for sequence in words[:, :end].tolist()]
        assert golden.forward(words[:, :end]).tolist() == expected


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "n.q.npz"


@pytest.mark.parametrize(
    ("cell", "sigmoid", "interpolate"),
    in_turns(EVERY_CELL, ("hard", "logistic"), (False, True)),
    ids=str,
)
def test_every_cell(cell, sigmoid, interpolate, path):
    for seed, outputs in enumerate((None, 3)):
        recipe = random_recipe((71, seed), units=4, layers=1, cells=(cell,))
        options = {"sigmoid": sigmoid, "interpolate": interpolate, "outputs": outputs}
        network = quantized_network(dataclasses.replace(recipe, **options), (72, seed))
        network.save(path)
        check(path, network, seed)


@pytest.mark.parametrize("seed", range(30))
def test_stacks(seed, path):
    network = quantized_network(random_recipe((73, seed), units=5, cells=EVERY_CELL), (74, seed))
    network.save(path)
    check(path, network, seed)


@pytest.mark.parametrize("seed", range(8))
def test_thresholds(seed, path):
    cells = (EVERY_CELL[seed % 7], EVERY_CELL[-1 - seed], GRU(), LiteLSTM())
    recipe = random_recipe((78, seed), units=5, cells=cells)
    network = quantized_network(recipe, (79, seed))
    formats = [layer.formats for layer in network.body]
    least = min(n.max for one in formats for n in (one.x, one.h, one.c or one.h))
    limits = {"x": 3, "h": 1 + seed, "c": 5 * seed, "rh": 2}
    thresholds = Thresholds.of(network, **{name: min(n, least) for name, n in limits.items()})
    dataclasses.replace(network, thresholds=thresholds).save(path)
    check(path, QuantizedNetwork.load(path), seed)


def with_directions(path: Path, directions: tuple[str, ...]) -> QuantizedNetwork:
    """A second direction, and what reads it, get the weights of the first with rows reversed."""
    fields = dict(np.load(path, allow_pickle=False))
    for n, direction in enumerate(directions):
        fields[f"layer{n}.direction"] = np.array(direction)
        if direction == "bidirectional":
            for name in [name for name in fields if re.match(rf"layer{n}\.[WUwb]_", name)]:
                fields[name.replace(".", ".backward.")] = fields[name][::-1]
            reader = rf"layer{n + 1}\.W_.x"
            for name in filter(re.compile(reader).fullmatch, fields):
                fields[name] = np.hstack([fields[name], fields[name][::-1]])
    np.savez(path, allow_pickle=False, **fields)
    return QuantizedNetwork.load(path)


DIRECTIONS = list(itertools.product(("forward", "reverse", "bidirectional"), repeat=2))


@pytest.mark.parametrize("directions", DIRECTIONS, ids="-".join)
@pytest.mark.parametrize("outputs", [None, 2])
def test_directions(directions, outputs, path):
    recipe = random_recipe((75, outputs or 0), cells=EVERY_CELL)
    layers = {"units": (3, 4), "cells": (EVERY_CELL[3], EVERY_CELL[6]), "outputs": outputs}
    options = {"sigmoid": "hard", "peephole": "full"}
    quantized_network(dataclasses.replace(recipe, **layers, **options), 76).save(path)
    check(path, with_directions(path, directions), 77)


class WrongEnds(ScalarModel):
    ends = (0, -1)


class Floor(ScalarModel):
    def shift(self, value: int, d: int) -> int:
        return value >> d if d > 0 else value << -d


class HalvesAway(ScalarModel):
    """Halves go away from zero, in place of up."""

    def shift(self, value: int, d: int) -> int:
        return super().shift(abs(value), d) * (-1 if value < 0 else 1)


class SignFirst(ScalarModel):
    """In tanh, halves go up in x, in place of |x|."""

    halves_down = False

    def shift(self, value: int, d: int) -> int:
        return super().shift(value - 1 if self.halves_down and d > 0 else value, d)

    def tanh(self, x: Fixed) -> Fixed:
        self.halves_down = x.raw < 0
        y = super().tanh(x)
        self.halves_down = False
        return y


def tanh_network(path: Path, **changes) -> QuantizedNetwork:
    """One unit whose h is tanh(x / 8), with eight table entries to 1, up to R = 4."""
    fields = {"kind": "litelstm quantized network", "version": 2, "layers": 1}
    fields |= {"input_scale": 1.0, "x": (8, 3), "tanh.log2_entries": 5, "tanh.log2_range": 2}
    fields |= {"tanh.interpolate": False, "tanh.out": (18, 16), "layer0.cell": "rnn"}
    fields |= {"layer0.sigmoid": "hard", "layer0.weight_width": 8, "layer0.product_frac": 3}
    fields |= {"layer0.h": (18, 16), "layer0.pre": (8, 3), "layer0.gate": (8, 6)}
    fields |= {"layer0.W_hx": [[1]], "layer0.U_hh": [[0]], "layer0.b_h": [0]}
    fields |= {name.replace("__", "."): value for name, value in changes.items()}
    np.savez(path, allow_pickle=False, **{name: np.array(v) for name, v in fields.items()})
    return QuantizedNetwork.load(path)


def entry(x: int, frac: int) -> int:
    return math.floor(math.tanh(min(abs(x), 32) / 8) * 2**frac + 0.5)


SMALL = {"tanh__out": (8, 4), "layer0__h": (8, 4)}
HEAD = {"layers": 2, "layer1__weight_width": 8, "layer1__product_frac": 4, "layer1__h": (8, 3)}
HEAD |= {"layer1__cell": "dense", "layer1__activation": "linear", "layer1__slope": "1/2"}
HEAD |= {"layer1__sigmoid": "hard", "layer1__W_yx": [[1]], "layer1__b_y": [0]}
VISIBLE = [
    # The words at which a variant is wrong: those from R on; halves; all that floor leaves out.
    (WrongEnds, {}, lambda x: abs(x) >= 32),
    (WrongEnds, {"tanh__interpolate": True}, lambda x: abs(x) >= 32),
    (Floor, {"layer0__pre": (8, 1)}, lambda x: abs(x) < 32 and x % 4 >= 2),
    (HalvesAway, {"layer0__pre": (8, 1)}, lambda x: -32 < x < 0 and x % 4 == 2),
    (Floor, {"tanh__log2_entries": 4}, lambda x: abs(x) < 31 and x % 2 == 1),
    (SignFirst, {"tanh__log2_entries": 4}, lambda x: -31 < x < 0 and x % 2 == 1),
    (Floor, SMALL | {"tanh__interpolate": True}, lambda x: entry(x, 6) % 4 >= 2),
    (SignFirst, SMALL | {"tanh__interpolate": True}, lambda x: x < 0 and entry(x, 6) % 4 == 2),
    (HalvesAway, SMALL | HEAD, lambda x: x < 0 and entry(min(abs(x), 31), 4) % 2 == 1),
]


@pytest.mark.parametrize(("variant", "changes", "visible"), VISIBLE)
def test_wrong_ends_and_halves_are_visible(variant, changes, visible, path):
    network, words = tanh_network(path, **changes), range(-128, 128)
    golden = IntegerModel(network).forward(np.reshape(words, (-1, 1, 1))).tolist()
    model = ScalarModel(path)
    assert golden == [model.result([[x]]) for x in words]
    wrong = variant(path)
    differs = [x for x, y in zip(words, golden, strict=True) if wrong.result([[x]]) != y]
    assert differs == [x for x in words if visible(x)] != []


@pytest.mark.parametrize("out", [(8, 8), (8, 7), (18, 18), (6, 2)])
@pytest.mark.parametrize("log2", [(2, 5), (9, 3), (14, 5)], ids=str)
@pytest.mark.parametrize("interpolate", [False, True])
def test_tables(out, log2, interpolate, path):
    """Steps above and below those of x, and formats that have no room for 1.0."""
    table = {"tanh__out": out, "tanh__log2_entries": log2[0], "tanh__log2_range": log2[1]}
    words = range(-128, 128, 3)
    for frac in (0, 2, 7, 13):
        pre = {"layer0__pre": (8, frac), "layer0__product_frac": frac}
        network = tanh_network(path, tanh__interpolate=interpolate, **table, **pre)
        golden = IntegerModel(network).forward(np.reshape(words, (-1, 1, 1))).tolist()
        model = ScalarModel(path)
        assert golden == [model.result([[x]]) for x in words]


def quantized(network: QuantizedNetwork, samples: list[float]) -> list[int]:
    return network.quantize_input(np.reshape(samples, (-1, 1, 1))).ravel().tolist()


@pytest.mark.parametrize("x", [(8, 3), (8, 0), (6, -2), (9, 12)])
@pytest.mark.parametrize("scale", [1.0, 0.75, 1 / 255, 1 / 3])
def test_input_words(x, scale, path):
    network = tanh_network(path, x=x, input_scale=scale)
    wanted = [k / 4 for k in range(-1100, 1100)] + [0.5 - 2**-54, 1e9, -1e9]
    samples = [word * 2.0 ** -x[1] / scale for word in wanted] + list(map(float, range(-300, 300)))
    words = [input_word(sample, scale, x) for sample in samples]
    assert quantized(network, samples) == words
    assert {-(2 ** (x[0] - 1)), 2 ** (x[0] - 1) - 1} < set(words)
    if scale == 1:  # the last sum is rounded to 1
        ties = [2.5, -2.5, 0.5, -0.5, 0.5 - 2**-54]
        assert quantized(network, [t * 2.0 ** -x[1] for t in ties]) == [3, -2, 1, 0, 1]
    with pytest.raises(ValueError, match="NaN"):
        quantized(network, [math.nan])


def test_the_json_repeats_the_file(path):
    cells = (EVERY_CELL[0], EVERY_CELL[5], EVERY_CELL[6])
    recipe = dataclasses.replace(random_recipe(78), units=(3, 4, 2), cells=cells, outputs=2)
    recipe = dataclasses.replace(recipe, sigmoid="logistic", peephole="full")
    quantized_network(recipe, 79).save(path)
    scale = {"input_scale": np.array(1 / 3)}
    np.savez(path, allow_pickle=False, **dict(np.load(path, allow_pickle=False)) | scale)
    main = [sys.executable, "-c", "from litelstm.cli import main; main()"]
    subprocess.run([*main, "generate", path, "--lanes", "1", "-o", path.parent], check=True)
    core = json.loads((path.parent / "litelstm_core.json").read_text())

    def values(format: dict[str, int]) -> list[int]:
        return [format["width"], format["frac"]]

    model, (*layers, head) = ScalarModel(path), core["layers"]
    x = values(core["input"]["format"])
    assert x == model.fields["x"]
    samples = [k / 8 for k in range(-100, 100)]
    words = [input_word(sample, core["input"]["scale"], (x[0], x[1])) for sample in samples]
    assert quantized(QuantizedNetwork.load(path), samples) == words
    for n, told in enumerate(layers):
        layer, formats = Layer(model, n), {k: values(f) for k, f in told["formats"].items()}
        assert formats.pop("x") == x
        x = formats["h"]
        for name in ("h", "c", "pre", "hidden", "gate"):
            assert formats.get(name) == layer.own.get(name)
        assert told["product_fracs"] == layer.fracs
        for name in ("cell", "peephole", "reset", "sigmoid", "weight_width"):
            assert told.get(name) == layer.own.get(name)
    last = Layer(model, len(layers))
    assert head["product_frac"] == last.fracs["y"]
    assert head["weight_width"] == last.own["weight_width"]
    assert values(head["formats"]["h"]) == x
    assert values(head["formats"]["out"]) == last.own["h"]
    assert core["output"]["format"] == head["formats"]["out"]
    tanh = core["tanh"]
    assert (tanh["entries"], tanh["range"]) == (model.entries, model.reach)
    assert tanh["interpolate"] == model.fields["tanh.interpolate"]
    assert values(tanh["format"]) == list(model.out)
