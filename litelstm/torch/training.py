"""Training: Adam with cosine decay and clipped gradients, early stopping, and checkpoints."""

from __future__ import annotations

import copy
import math
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden import files
from golden.errors import InputError
from litelstm.data.dataset import Array, hold_out
from litelstm.torch.augment import AUGMENTATIONS

EVALUATION_BATCH = 1000
MAX_BALANCE = 4
"""Powers above it leave float32's range for rarities that occur."""
MAX_SEED = 2**63 - 1
"""Largest seed that PyTorch takes."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training parameters; with network and data they decide the trained weights.

    Args:
        epochs: most epochs; the learning rate falls over this number.
        patience: epochs without a better validation score after which training ends.
        batch: sequences per training step.
        lr: learning rate of Adam at the start; it falls as a cosine to ``lr * lr_floor``.
        weight_decay: decoupled weight decay, multiplied by the learning rate.
        clip_norm: largest norm of the gradient, infinity for no limit; LiteLSTM does not train well
            without it.
        label_smoothing: share of the target that is spread over all classes.
        balance: exponent of a class's rarity in the weight of its samples, 0 for equal weights.
        augment: augmentation of samples, a key of ``AUGMENTATIONS``.
        weight_limit: limit to which weights are clamped after each step, 0 for no limit.
        c_limit, c_penalty: a larger \\|c\\| costs ``c_penalty`` times its squared excess, so that c
            needs few integer bits.
        validation: share of the training samples that is held out to choose the epoch.
        seed: seed of weights, order, dropout and split.
    """

    epochs: int = 30
    patience: int = 10
    batch: int = 128
    lr: float = 2e-3
    lr_floor: float = 0.01
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    label_smoothing: float = 0.0
    balance: float = 0.0
    augment: str = "none"
    weight_limit: float = 0.0
    c_limit: float = 7.0
    c_penalty: float = 1e-2
    validation: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch", "lr", "clip_norm"):
            value = getattr(self, name)
            unlimited = name == "clip_norm" and value == math.inf
            if not 0 < value < math.inf and not unlimited:
                finite = ", and finite" if value == math.inf else ""
                raise InputError(f"{name} is {value}, expected more than 0{finite}")
        if not 0 <= self.balance <= MAX_BALANCE:
            raise InputError(f"balance is {self.balance}, expected 0 to {MAX_BALANCE}")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed is {self.seed}, expected 0 to {MAX_SEED}")
        if not 0 < self.validation < 1:
            raise InputError(f"validation is {self.validation}, expected more than 0, less than 1")
        if self.augment not in AUGMENTATIONS:
            expected = f"one of {', '.join(AUGMENTATIONS)}"
            raise InputError(f"augment is {self.augment!r}, expected {expected}")


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Progress of training after an epoch.

    Attributes:
        number: number of the epoch, from 1.
        loss: mean loss over the epoch's batches.
        score: validation accuracy.
        best: the best score so far.
    """

    number: int
    loss: float
    score: float
    best: float


class Trainer:
    """A training run that can be saved and resumed between epochs.

    Args:
        model: module with ``run(samples)`` that returns logits and traces; trained in place.
        x, y: training samples, see :class:`litelstm.data.dataset.Dataset`; a part of them is held
            out for validation.
        recipe: training parameters.
        identity: further facts that identify the run; checkpoints of other runs are refused.

    Raises:
        InputError: there are fewer samples than one batch needs.
    """

    def __init__(
        self,
        model: nn.Module,
        x: Array,
        y: Array,
        recipe: Recipe,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        train, validation = hold_out(y, recipe.validation, recipe.seed)
        if len(train) < recipe.batch:
            raise InputError(f"batch is {recipe.batch}, expected at most {len(train)} (samples)")
        self.model, self.recipe = model, recipe
        samples = zlib.crc32(y.tobytes(), zlib.crc32(x.tobytes()))
        self._identity = {**asdict(recipe), **(identity or {}), "samples": samples}
        self._x, self._y = _tensors(x[train], y[train])
        self._held_x, self._held_y = _tensors(x[validation], y[validation])
        rarity = len(y) / np.maximum(1, np.bincount(y))
        weights = torch.tensor((rarity / rarity.mean()) ** recipe.balance, dtype=torch.float32)
        self._loss = nn.CrossEntropyLoss(weights, label_smoothing=recipe.label_smoothing)
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=recipe.lr, weight_decay=recipe.weight_decay
        )
        self._batches = len(train) // recipe.batch
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimizer, recipe.epochs * self._batches, eta_min=recipe.lr * recipe.lr_floor
        )
        self.epoch = 0
        self.seconds = 0.0
        self._best = (-1.0, 0.0)
        self._best_epoch = 0
        self._best_state = copy.deepcopy(model.state_dict())
        torch.manual_seed(recipe.seed)
        self._random = torch.get_rng_state()

    @property
    def identity(self) -> dict[str, Any]:
        """Facts that decide the trained weights: recipe, network, checksum of the samples."""
        return dict(self._identity)

    @property
    def done(self) -> bool:
        """Whether all epochs are done, or the last ``patience`` epochs brought no better score."""
        waited = self.epoch - self._best_epoch
        return self.epoch >= self.recipe.epochs or waited >= self.recipe.patience

    @property
    def best(self) -> float:
        """The best validation accuracy."""
        return self._best[0]

    def run(self, checkpoint: Path | None = None) -> Iterator[Epoch]:
        """Train until done; at the end the model has the best epoch's weights.

        Args:
            checkpoint: file to write after every epoch, complete or not at all.

        Yields:
            The progress after every epoch.
        """
        while not self.done:
            result = self._run_epoch()
            if checkpoint:
                files.replace(checkpoint, lambda file: torch.save(self.state_dict(), file))
            yield result
        self.model.load_state_dict(self._best_state)

    def _run_epoch(self) -> Epoch:
        start = time.process_time()
        torch.set_rng_state(self._random)
        self.model.train()
        augment = AUGMENTATIONS[self.recipe.augment]
        order = torch.randperm(len(self._x))[: self._batches * self.recipe.batch]
        total = 0.0
        for chosen in order.view(self._batches, self.recipe.batch):
            loss = self._step(augment(self._x[chosen]), self._y[chosen])
            total += loss.item()
        self._random = torch.get_rng_state()
        self.seconds += time.process_time() - start
        self.epoch += 1
        score = self._validate()
        if score >= self._best:
            self._best, self._best_epoch = score, self.epoch
            self._best_state = copy.deepcopy(self.model.state_dict())
        mean = total / self._batches
        return Epoch(number=self.epoch, loss=mean, score=score[0], best=self.best)

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        logits, traces = self.model.run(x)  # pyright: ignore[reportCallIssue]
        loss = self._loss(logits, y)
        if self.recipe.c_penalty:
            for trace in traces:
                if "c" in trace:
                    excess = torch.relu(torch.stack(trace["c"]).abs() - self.recipe.c_limit)
                    loss = loss + self.recipe.c_penalty * excess.square().sum(2).mean()
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, self.recipe.clip_norm)
        self._optimizer.step()
        self._schedule.step()
        if limit := self.recipe.weight_limit:
            with torch.no_grad():
                for value in self._parameters:
                    value.clamp_(-limit, limit)
        return loss.detach()

    def _validate(self) -> tuple[float, float]:
        """Compute accuracy, and the negative loss to decide between equal accuracies."""
        logits = predict(self.model, self._held_x)
        hits = (logits.argmax(1) == self._held_y).float().mean()
        return float(hits), -float(nn.functional.cross_entropy(logits, self._held_y))

    def state_dict(self) -> dict[str, Any]:
        """All state of the run that decides its continuation: plain values and tensors."""
        return {
            "identity": self._identity,
            "model": self.model.state_dict(),
            "best_model": self._best_state,
            "best": self._best,
            "best_epoch": self._best_epoch,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": self._random,
            "epoch": self.epoch,
            "seconds": self.seconds,
        }

    def load(self, checkpoint: Path) -> None:
        """Resume training from a checkpoint.

        Raises:
            InputError: the file is no checkpoint, or belongs to another network or recipe.
        """
        try:
            state = torch.load(checkpoint, weights_only=True)
            for name, value in self._identity.items():
                if state["identity"][name] != value:
                    raise InputError(
                        f"{checkpoint}: {name} is {state['identity'][name]}, expected {value}; "
                        "--restart begins anew"
                    )
            self.model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            self._best_state, self._best = state["best_model"], tuple(state["best"])
            self._best_epoch, self._random = state["best_epoch"], state["random"]
            self.epoch, self.seconds = state["epoch"], state["seconds"]
        except InputError:
            raise
        except Exception as error:  # a damaged or foreign file may raise anything
            reason = str(error).strip().split("\n")[0]
            raise InputError(
                f"{checkpoint}: is no checkpoint of this network ({reason}); --restart begins anew"
            ) from None


def _tensors(x: Array, y: Array) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.int64))


def one_thread() -> None:
    """Compute on one thread: the number of threads changes a sum's order, and so its last bits."""
    torch.set_num_threads(1)


def seed(number: int) -> None:
    """Seed PyTorch's random numbers, for the initial weights of modules."""
    torch.manual_seed(number)


@torch.no_grad()
def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Compute the logits of many samples, in evaluation mode."""
    model.eval()
    return torch.cat([model(part) for part in x.split(EVALUATION_BATCH)])
