"""Trainer of a task's network."""

from __future__ import annotations

from typing import Any

from litelstm.architectures import Architecture
from litelstm.data.dataset import Dataset
from litelstm.tasks import Task
from litelstm.torch.classifier import Classifier
from litelstm.torch.training import Recipe, Trainer, seed


def float_trainer(
    task: Task, data: Dataset, recipe: Recipe, *, dropout: float = 0.0, **shape: Any
) -> Trainer:
    """Make a trainer of new weights.

    Args:
        task: decides sizes where ``shape`` does not.
        data: training samples.
        recipe: settings of the training.
        dropout: dropout between layers.
        shape: fields of :class:`Architecture`.
    """
    sizes = {"cell": "litelstm", "units": task.units, "layers": task.layers, **shape}
    network = Architecture(inputs=data.inputs, head=len(data.classes), **sizes)
    seed(recipe.seed)
    model = Classifier.of(network, dropout=dropout, input_scale=data.input_scale)
    identity = {"network": f"{network}, {network.sigmoid}", "dropout": dropout}
    return Trainer(model, data.x_train, data.y_train, recipe, identity)
