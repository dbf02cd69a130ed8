"""Random graphs of layers: PyTorch and Keras against the network that is imported from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from litelstm.importers.keras import load
from litelstm.importers.proof import Imported
from litelstm.importers.torch_modules import import_torch_module
from tests.conformance.conftest import Within, largest
from tests.litelstm.importers.keras_files import keras, layers

pytestmark = pytest.mark.frameworks

INPUTS, SIZE, STEPS, BATCH = 3, 4, 5, 2
TOLERANCE = 1e-5
RECURRENT = ("rnn", "gru", "lstm")
DENSE = ("linear", "relu", "relu6", "leaky", "tanh", "sigmoid")
QUICK = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


@dataclass(frozen=True)
class Part:
    """A layer of ``SIZE`` units.

    Args:
        kind: a cell, or a dense layer's activation.
        reads: the earlier vectors that it reads, one behind the other; 0 is the input.
        adds: an earlier vector that is added to its result, or 0 for none.
        both: whether a recurrent layer goes both ways; both h are added.
    """

    kind: str
    reads: tuple[int, ...]
    adds: int
    both: bool


@dataclass(frozen=True)
class Recipe:
    """A graph: its layers, and the vectors that are results of every step or of the last."""

    parts: tuple[Part, ...]
    results: tuple[int, ...]
    every_step: bool
    seed: int


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    parts: list[Part] = []
    for index in range(draw(st.integers(2, 6))):
        earlier = st.integers(0, index)
        kind = draw(st.sampled_from(RECURRENT if index == 1 else (*RECURRENT, *DENSE)))
        reads = dict.fromkeys([index, *draw(st.lists(earlier, max_size=2))])
        parts.append(Part(kind, tuple(reads), draw(earlier), draw(st.booleans())))
    every = draw(st.booleans())
    if not every:  # in the last step one of both ways has only begun
        parts = [Part(p.kind, p.reads, p.adds, both=False) for p in parts]
    last = len(parts)
    others = draw(st.lists(st.integers(2, last), max_size=2))
    return Recipe(tuple(parts), tuple(sorted({*others, last})), every, draw(st.integers(0, 99)))


class Module(nn.Module):
    """A recipe in PyTorch."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        cells: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
        self.parts = nn.ModuleList()
        for part in recipe.parts:
            size = sum(SIZE if n else INPUTS for n in part.reads)
            if part.kind in cells:
                make = cells[part.kind]
                self.parts.append(make(size, SIZE, batch_first=True, bidirectional=part.both))
            else:
                self.parts.append(nn.Linear(size, SIZE))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        vectors = [x]
        for part, module in zip(self.recipe.parts, self.parts, strict=True):
            y = module(torch.cat([vectors[n] for n in part.reads], 2))
            if part.kind in RECURRENT:
                y = y[0][..., :SIZE] + y[0][..., SIZE:] if part.both else y[0]
            else:
                y = FUNCTIONS[part.kind](y)
            vectors.append(y + vectors[part.adds] if part.adds else y)
        found = [vectors[n] for n in self.recipe.results]
        return tuple(found if self.recipe.every_step else [y[:, -1] for y in found])


FUNCTIONS: dict[str, Any] = {
    "linear": lambda a: a,
    "relu": torch.relu,
    "relu6": nn.functional.relu6,
    "leaky": lambda a: nn.functional.leaky_relu(a, 1 / 8),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def keras_model(recipe: Recipe) -> Any:
    """A recipe in Keras."""
    cells = {"rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}
    vectors = [keras.Input((STEPS, INPUTS))]
    for part in recipe.parts:
        read = [vectors[n] for n in part.reads]
        y = layers.Concatenate()(read) if len(read) > 1 else read[0]
        if part.kind in cells:
            cell = cells[part.kind](SIZE, return_sequences=True)
            y = (layers.Bidirectional(cell, merge_mode="sum") if part.both else cell)(y)
        else:
            y = layers.Dense(SIZE)(y)
            own = {"relu6": layers.ReLU(max_value=6), "leaky": layers.LeakyReLU(0.125)}
            y = own[part.kind](y) if part.kind in own else layers.Activation(part.kind)(y)
        vectors.append(layers.Add()([y, vectors[part.adds]]) if part.adds else y)
    model = keras.Model(vectors[0], [vectors[n] for n in recipe.results])
    rng = np.random.default_rng(recipe.seed)
    model.set_weights([0.4 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def difference(imported: Imported, x: Any, wanted: list[Any]) -> float:
    """Largest error of all results, each once and in their order."""
    network = imported.network
    run = network.run(x)
    value = run.steps if imported.every_step else run.output
    sizes = [network.sizes[n] for n in network.results or ()]
    parts = np.split(value, np.cumsum(sizes)[:-1], axis=-1)
    return largest((parts[n], y) for n, y in zip(imported.order, wanted, strict=True))


def samples(recipe: Recipe) -> Any:
    rng = np.random.default_rng(recipe.seed)
    return rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)


@QUICK
@given(recipe=recipes())
def test_pytorch(recipe: Recipe, within: Within) -> None:
    module, x = Module(recipe).eval(), samples(recipe)
    with torch.no_grad():
        wanted = [y.numpy() for y in module(torch.from_numpy(x))]
    imported = import_torch_module(module)
    assert imported.every_step == recipe.every_step
    within("graphs of PyTorch", difference(imported, x, wanted), TOLERANCE)


@settings(QUICK, max_examples=10)
@given(recipe=recipes())
def test_keras(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory, within: Within) -> None:
    model, x = keras_model(recipe), samples(recipe)
    found = model(x)
    outputs = found if isinstance(found, list) else [found]
    wanted = [keras.ops.convert_to_numpy(y) for y in outputs]
    path = tmp_path_factory.mktemp("graph") / "net.keras"
    model.save(path)
    within("graphs of Keras", difference(load(path), x, wanted), TOLERANCE)
