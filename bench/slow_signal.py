"""A slowly varying signal, and a GRU that predicts it: what delta networks are for.

    python -m bench.slow_signal -o FOLDER

Each of 8 sensors shows a sine of a period from 50 to 200 steps, with noise below the last place of
8 bits. The network, 2 layers of 16 units, is trained to predict the next vector: first on real
numbers (slow_gru.npz), from there in integers (slow_gru_w8a6.npz) and in others with thresholds
(slow_gru_delta.npz). So is one that resets behind the product (slow_gru_after.npz, ...).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from golden.model import IntegerModel
from golden.network import Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from litelstm import options
from litelstm.architectures import Architecture
from litelstm.console import progress
from litelstm.delta import thresholds

SENSORS, LAST_PLACE = 8, 1 / 128
SHORTEST, LONGEST = 50, 200
NOISE = 0.25
"""Standard deviation of the noise in last places."""

STEPS, BATCH, ROUNDS = 100, 64, 400
SETTLED = 10
"""Steps that a network sees before its predictions count."""

INTEGERS = {
    "gru": (("w8a6", 6, None, 1e-3, 200), ("delta", 7, "x=2,h=2,rh=2", 3e-3, 200)),
    "gru-after": (("w8a6", 6, None, 1e-3, 200), ("delta", 7, "x=2,h=3", 5e-3, 400)),
}
"""Networks in integers of each cell: name, bits of h, thresholds, learning rate and rounds."""

Floats = NDArray[np.float64]


def signal(count: int, steps: int, seed: int) -> tuple[Floats, Floats]:
    """Make sequences (count, steps, 8) and the vector that follows each, (count, 8)."""
    rng = np.random.default_rng([seed, SENSORS])
    shape = (count, 1, SENSORS)
    period = rng.uniform(SHORTEST, LONGEST, shape)
    size, start = rng.uniform(0.2, 0.9, shape), rng.uniform(0, 2 * np.pi, shape)
    t = np.arange(steps + 1)[:, np.newaxis]
    clean = size * np.sin(start + 2 * np.pi * t / period)
    noisy = clean + rng.normal(scale=NOISE * LAST_PLACE, size=clean.shape)
    return noisy[:, :-1], clean[:, -1]


def explained(predicted: Floats, right: Floats) -> float:
    """Share of the signal's power that predictions explain, in percent."""
    return float(100 * (1 - np.mean((predicted - right) ** 2) / np.mean(right**2)))


def floats(cell: str, seed: int = 1) -> Network:
    """Train the network on sequences that are different in every round."""
    import torch

    from litelstm.torch.classifier import Classifier
    from litelstm.torch.training import seed as seed_torch

    seed_torch(seed)
    shape = Architecture(
        cell=cell, sigmoid="hard", inputs=SENSORS, units=16, layers=2, head=SENSORS
    )
    model = Classifier.of(shape)

    def predict(samples: Any) -> Any:
        return model.head(torch.stack(model.run(samples)[1][-1]["h"], dim=1))

    _train(model, predict, rounds=ROUNDS, lr=5e-3)
    return model.export()


def integers(
    network: Network, bits: int, delta: str | None, lr: float, rounds: int
) -> QuantizedNetwork:
    """Train on in integers, with thresholds if there are some."""
    import torch

    from litelstm.torch.qat import QuantizationAware

    settings = Settings(activation_width=bits, input_width=8)
    quantized, _ = quantize(network, signal(200, STEPS, 2)[0], settings)
    if delta is not None:
        quantized = replace(quantized, thresholds=thresholds(delta, quantized))
    model = QuantizationAware(network, quantized)

    def predict(samples: Any) -> Any:
        h = torch.stack(model.run(samples)[1][-2]["h"])
        words = torch.stack(model.layers[-1].run(h)["h"], dim=1)  # pyright: ignore[reportCallIssue]
        return (words * 2.0**-quantized.out.frac).float()

    _train(model, predict, rounds=rounds, lr=lr)
    return model.export()


def _train(model: Any, predict: Any, *, rounds: int, lr: float) -> None:
    """Minimize the error of the predictions from the ``SETTLED``-th step on."""
    import torch

    from litelstm.torch.training import one_thread

    one_thread()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rounds)
    with progress("train", rounds) as done:
        for round_ in range(rounds):
            samples = torch.from_numpy(signal(BATCH, STEPS, 1000 + round_)[0].astype(np.float32))
            error = predict(samples[:, :-1]) - samples[:, 1:]
            optimizer.zero_grad()
            error[:, SETTLED:].square().mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            done(round_ + 1)


@click.command()
@options.output_option("Folder of the networks.")
def main(output: Path) -> None:
    """Train the networks and print how well they predict other sequences."""
    output.mkdir(parents=True, exist_ok=True)
    x, right = signal(500, STEPS, 3)
    for cell, integer in INTEGERS.items():
        name = f"slow_{cell.replace('-', '_')}"
        network = floats(cell)
        network.save(output / f"{name}.npz")
        score = explained(network.forward(x), right)
        print(f"{name}: real numbers explain {score:.2f} % of the next vector")
        for kind, bits, delta, lr, rounds in integer:
            made = integers(network, bits, delta, lr, rounds)
            made.save(output / f"{name}_{kind}.npz")
            words = IntegerModel(made).forward(made.quantize_input(x))
            print(f"{name}_{kind}: {explained(made.out.to_float(words), right):.2f} %")


if __name__ == "__main__":
    main()
