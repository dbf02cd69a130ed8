"""Random convolutions and pools around recurrent layers: PyTorch by ONNX, and Keras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from litelstm.importers.files import import_network
from litelstm.importers.proof import Imported
from tests.conformance.conftest import Within, largest
from tests.litelstm.importers.keras_files import keras, layers

pytestmark = pytest.mark.frameworks

INPUTS, UNITS, STEPS, BATCH = 2, 3, 40, 2
TOLERANCE = 1e-5
QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
ENDS = ("last", "every", "mean", "max", "flat", "first")


@dataclass(frozen=True)
class Stage:
    """A convolution, or a pool (``max``, ``mean``) over ``size`` steps."""

    kind: str
    size: int
    stride: int = 1
    dilation: int = 1
    channels: int = 4
    groups: int = 1
    activation: str = "linear"


@dataclass(frozen=True)
class Recipe:
    """Stages in front of a recurrent layer, with their zeros, and what is read of it."""

    stages: tuple[Stage, ...]
    pads: str
    cell: str
    both: bool
    end: str
    seed: int


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    stages: list[Stage] = []
    size = INPUTS
    for _ in range(draw(st.integers(1, 3), label="stages")):
        kind = draw(st.sampled_from(("conv", "conv", "max", "mean")), label="kind")
        if kind == "conv":
            channels = draw(st.sampled_from((2, 4)), label="channels")
            stages.append(
                Stage(
                    kind,
                    draw(st.integers(1, 4), label="kernel"),
                    stride=draw(st.integers(1, 2), label="stride"),
                    dilation=draw(st.integers(1, 2), label="dilation"),
                    channels=channels,
                    groups=draw(st.sampled_from((1, 2)), label="groups"),
                    activation=draw(st.sampled_from(("linear", "relu", "tanh")), label="function"),
                )
            )
            size = channels
        else:
            stages.append(Stage(kind, draw(st.integers(2, 3), label="pool"), channels=size))
    rate = int(np.prod([s.stride if s.kind == "conv" else s.size for s in stages]))
    if rate > 8:
        stages = [
            Stage(s.kind, 1 if s.kind != "conv" else s.size, channels=s.channels) for s in stages
        ]
    end = draw(st.sampled_from(ENDS), label="end")
    return Recipe(
        stages=tuple(stages),
        pads=draw(st.sampled_from(("valid", "causal", "same")), label="pads"),
        cell=draw(st.sampled_from(("gru", "lstm")), label="cell"),
        both=end not in ("last", "flat", "first") and draw(st.booleans(), label="both"),
        end=end,
        seed=draw(st.integers(0, 99)),
    )


def zeros(recipe: Recipe, index: int) -> tuple[int, int]:
    """Zeros in front of a stage's input and behind it; behind for the network's input alone."""
    stage = recipe.stages[index]
    reach = (stage.size - 1) * stage.dilation
    if stage.kind != "conv" or recipe.pads == "valid":
        return 0, 0
    if recipe.pads == "causal":  # a stride or pool before leaves steps that are not zero
        alone = all(s.kind == "conv" and s.stride == 1 for s in recipe.stages)
        return (reach if alone else 0), 0
    return (reach // 2, reach - reach // 2) if index == 0 and stage.stride == 1 else (0, 0)


BIAS_AND_ZEROS = Recipe(
    (Stage("conv", 1), Stage("conv", 2)), "causal", "gru", both=False, end="last", seed=0
)
"""Zeros in front of values with an offset."""

WIDE_AND_ZEROS = Recipe(
    (Stage("conv", 2, dilation=2), Stage("conv", 1)), "same", "gru", both=False, end="last", seed=0
)
"""The last step reads earlier samples than the one before it."""


class Module(nn.Module):
    """A recipe in PyTorch."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.convs = nn.ModuleList()
        size = INPUTS
        for stage in recipe.stages:
            kernel: dict[str, Any] = {
                "stride": stage.stride,
                "dilation": stage.dilation,
                "groups": stage.groups,
            }
            conv = nn.Conv1d(size, stage.channels, stage.size, **kernel)
            self.convs.append(conv if stage.kind == "conv" else nn.Identity())
            size = stage.channels
        cell = {"gru": nn.GRU, "lstm": nn.LSTM}[recipe.cell]
        self.rnn = cell(size, UNITS, batch_first=True, bidirectional=recipe.both)
        self.rnn.flatten_parameters()
        self.head = nn.LazyLinear(2)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for index, (stage, conv) in enumerate(zip(self.recipe.stages, self.convs, strict=True)):
            x = nn.functional.pad(x, zeros(self.recipe, index))
            if stage.kind == "conv":
                x = FUNCTIONS[stage.activation](conv(x))
            elif stage.kind == "max":
                x = nn.functional.max_pool1d(x, stage.size)
            else:
                x = nn.functional.avg_pool1d(x, stage.size)
        y = self.rnn(x.transpose(1, 2))[0]
        return self.head(
            {
                "last": lambda: y[:, -1],
                "every": lambda: y,
                "mean": lambda: y.mean(1),
                "max": lambda: y.amax(1),
                "flat": lambda: y.flatten(1),
                "first": lambda: y[:, 0],
            }[self.recipe.end]()
        )


FUNCTIONS: dict[str, Any] = {"linear": lambda a: a, "relu": torch.relu, "tanh": torch.tanh}


def difference(imported: Imported, x: Any, wanted: Any) -> float:
    network = imported.network
    run = network.run(network.feed(x))
    return largest([(run.steps if imported.every_step else run.output, wanted)])


def samples(recipe: Recipe) -> Any:
    rng = np.random.default_rng(recipe.seed)
    return rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)


@pytest.mark.filterwarnings("ignore")
@QUICK
@given(recipe=recipes())
@example(recipe=BIAS_AND_ZEROS)
@example(recipe=WIDE_AND_ZEROS)
def test_pytorch(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory, within: Within) -> None:
    module, x = Module(recipe).eval(), samples(recipe)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    path = tmp_path_factory.mktemp("windows") / "net.onnx"
    torch.onnx.export(module, (torch.from_numpy(x),), path, dynamo=False, opset_version=17)
    imported = import_network(path)
    assert imported.every_step == (recipe.end == "every")
    within("convolutions of PyTorch", difference(imported, x, wanted), TOLERANCE)


def keras_model(recipe: Recipe) -> Any:
    """A recipe in Keras."""
    y = keras.Input((STEPS, INPUTS))
    first = y
    for index, stage in enumerate(recipe.stages):
        if stage.kind == "conv":
            if any(zeros(recipe, index)):
                padding: Any = zeros(recipe, index)
                y = layers.ZeroPadding1D(padding)(y)
            y = layers.Conv1D(
                stage.channels,
                stage.size,
                strides=stage.stride,
                dilation_rate=1 if stage.stride > 1 else stage.dilation,
                groups=stage.groups,
                activation=stage.activation,
            )(y)
        elif stage.kind == "max":
            y = layers.MaxPooling1D(stage.size)(y)
        else:
            y = layers.AveragePooling1D(stage.size)(y)
    cell = {"gru": layers.GRU, "lstm": layers.LSTM}[recipe.cell]
    made = cell(UNITS, return_sequences=recipe.end != "last")
    y = (layers.Bidirectional(made) if recipe.both else made)(y)
    between = {
        "mean": layers.GlobalAveragePooling1D,
        "max": layers.GlobalMaxPooling1D,
        "flat": layers.Flatten,
        "first": lambda: layers.Cropping1D((0, 2)),
    }
    if recipe.end in between:
        y = between[recipe.end]()(y)
    if recipe.end == "first":
        y = layers.GRU(2)(y)
    model = keras.Model(first, layers.Dense(2)(y))
    rng = np.random.default_rng(recipe.seed)
    model.set_weights([0.4 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@settings(QUICK, max_examples=15)
@given(recipe=recipes())
@example(recipe=BIAS_AND_ZEROS)
@example(recipe=WIDE_AND_ZEROS)
def test_keras(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory, within: Within) -> None:
    model, x = keras_model(recipe), samples(recipe)
    wanted: Any = keras.ops.convert_to_numpy(model(x))
    path: Path = tmp_path_factory.mktemp("windows") / "net.keras"
    model.save(path)
    within("convolutions of Keras", difference(import_network(path), x, wanted), TOLERANCE)
