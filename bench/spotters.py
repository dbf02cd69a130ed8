"""Two keyword spotters with a convolution in front, trained on spoken digits: accuracy and area.

    python -m bench.spotters --data speech_digits.npz [NAME...] [--route] [--json PATH]

``digits`` tells ten words apart, ``wake`` one word from the nine others. Both are PyTorch modules
that are trained, imported and quantized to W8 A8 C12; a run uses the test samples once, at its end.
All test samples run through the RTL in the compiled bench, too. With ``--route``, each core is
placed and routed on its part. ``--data`` is a file with x_train (n, 40, 13), y_train, x_test and
y_test, as :mod:`litelstm.data.speech` makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor, nn

from bench.networks import run_core
from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from hdl import cycles, verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm import outputs
from litelstm.console import progress
from litelstm.data.dataset import Dataset
from litelstm.fpga.targets import TARGETS
from litelstm.importers.torch_modules import import_torch_module
from litelstm.metrics import Metrics
from litelstm.options import json_option
from litelstm.tasks import TASKS
from litelstm.torch.training import Recipe, Trainer, one_thread, predict

WAKE_WORD = 7


class Spotter(nn.Module):
    """A convolution over time with ReLU, a GRU, and a dense layer on its last h."""

    def __init__(self, filters: int, kernel: int, units: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(13, filters, kernel, stride=2)
        self.norm = nn.BatchNorm1d(filters)
        self.rnn = nn.GRU(filters, units, batch_first=True)
        self.head = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (batch, classes) for samples (batch, steps, 13)."""
        y = torch.relu(self.norm(self.conv(x.transpose(1, 2)))).transpose(1, 2)
        return self.head(self.rnn(y)[0][:, -1])

    def run(self, x: Tensor) -> tuple[Tensor, list[Any]]:
        """Compute logits for the trainer, which looks at no state of such a module."""
        return self(x), []


@dataclass(frozen=True, kw_only=True)
class Spotting:
    """A spotter and its core.

    Attributes:
        filters, kernel, units: sizes.
        word: the word to spot; ``None`` to tell all apart.
        target: the part.
        lanes, tail_multipliers: of the core.
        epochs: of the training.
    """

    filters: int
    kernel: int
    units: int
    word: int | None
    target: str
    lanes: int
    tail_multipliers: int = 2
    epochs: int = 40

    @property
    def options(self) -> CoreOptions:
        """Options of the core."""
        return CoreOptions(
            lanes=self.lanes,
            tail_multipliers=self.tail_multipliers,
            interface=Interface(classes=True),
            storage=Storage(sums=TARGETS[self.target].family.sums),
        )

    def labels(self, y: Any) -> Any:
        """Return the classes of words."""
        return y if self.word is None else (y == self.word).astype(np.int64)


SPOTTERS = {
    "digits": Spotting(filters=32, kernel=5, units=48, word=None, target="ecp5-25f", lanes=16),
    "wake": Spotting(
        filters=16,
        kernel=3,
        units=24,
        word=WAKE_WORD,
        target="ice40-up5k",
        lanes=6,
        tail_multipliers=1,
    ),
}


def train(work: Spotting, data: Dataset, seed: int) -> tuple[Spotter, float]:
    """Train a spotter; returns it and the accuracy on the samples that were held out."""
    one_thread()
    torch.manual_seed(seed)
    classes = len(data.classes) if work.word is None else 2
    model = Spotter(work.filters, work.kernel, work.units, classes)
    recipe = Recipe(
        epochs=work.epochs,
        patience=work.epochs,
        batch=64,
        lr=4e-3,
        weight_decay=0.1,
        label_smoothing=0.1,
        balance=0.0 if work.word is None else 0.5,
        augment="spectra",
        seed=seed,
    )
    trainer = Trainer(model, data.x_train, work.labels(data.y_train), recipe)
    with progress("epochs", work.epochs) as done:
        for epoch in trainer.run():
            done(epoch.number)
    return model, trainer.best


def measure(work: Spotting, data: Dataset, seed: int, *, route: bool) -> dict[str, Any]:
    """Train a spotter, make its core, and run the test samples through both."""
    model, held_out = train(work, data, seed)
    imported = import_torch_module(model.eval())
    network = imported.network
    quantized, _ = quantize(network, network.feed(data.calibration))
    x, y = network.feed(data.x_test), work.labels(data.y_test)
    words = quantized.quantize_input(x)
    tested = torch.from_numpy(data.x_test.astype(np.float32))
    found = {
        "float": predict(model, tested).numpy().argmax(axis=1),
        "integers": IntegerModel(quantized).forward(words).argmax(axis=1),
    }
    plan = Plan(network=quantized, options=work.options)
    result = run_core(verilog.generated(plan), words)
    return {
        "parameters": network.parameters,
        "held_out": held_out,
        "test": {name: _scores(classes, y) for name, classes in found.items()},
        "words_compared": result.compared,
        "words_different": result.mismatched,
        "wrong": result.first_mismatch or result.wrong_cycle,
        "lanes": work.lanes,
        "cycles": cycles.steady_state(plan).cycles_per_step,
        "cycles_per_sequence": cycles.cycles_per_sequence(plan, words.shape[1]),
        **(_routed(work, quantized, words.shape[1]) if route else {}),
    }


def _scores(classes: Any, labels: Any) -> dict[str, float]:
    scores = Metrics.of(classes, labels)
    return {"accuracy": scores.accuracy, "f1": scores.f1}


def _routed(work: Spotting, quantized: QuantizedNetwork, steps: int) -> dict[str, Any]:
    """Place and route a core on its part."""
    from litelstm.fpga.flow import Flow
    from litelstm.fpga.measure import measure as measured

    core = measured(
        quantized,
        Flow(target=TARGETS[work.target]),
        options=work.options,
        seeds=1,
        steps=steps,
        bare_array=False,
        bitstream=False,
        progress=progress,
    )
    assert core.clock
    return {"target": work.target, "mhz": core.clock.median, "used": core.netlist.used}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*SPOTTERS]), metavar="[NAME]...")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The spoken digits.")
@click.option("--route", is_flag=True, help="Place and route each core on its part.")
@click.option("--seed", default=1, show_default=True, help="Seed of the training.")
@click.option("--epochs", type=int, help="Epochs of the training, for a quick look.")
@json_option
def main(
    names: tuple[str, ...],
    data: Path,
    route: bool,
    seed: int,
    epochs: int | None,
    json_path: Path | None,
) -> None:
    """Train the spotters, and measure their cores."""
    speech = TASKS["speech"].load(data)
    report: dict[str, Any] = {}
    for name in names or SPOTTERS:
        work = SPOTTERS[name] if epochs is None else replace(SPOTTERS[name], epochs=epochs)
        report[name] = measure(work, speech, seed, route=route)
    outputs.give(report, json_path, _lines(report))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for name, result in report.items():
        yield f"{name}: {result['parameters']:,} parameters"
        yield f"  held out: {result['held_out']:.2%}"
        for kind, scores in result["test"].items():
            yield f"  test, {kind}: {scores['accuracy']:.2%}, macro-F1 {scores['f1']:.3f}"
        yield (
            f"  {result['lanes']} lanes: {result['cycles']:,} cycles per step, "
            f"{result['cycles_per_sequence']:,} per word"
        )
        yield f"  RTL: {result['words_compared']} words, {result['words_different']} different"
        if result["wrong"]:
            yield f"  {result['wrong']}"
        if "mhz" in result:
            used = ", ".join(f"{n:,} {kind}" for kind, n in result["used"].items())
            yield f"  {result['target']}: {result['mhz']:.1f} MHz; {used}"


if __name__ == "__main__":
    main()
