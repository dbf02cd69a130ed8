"""Metrics of a classifier: accuracy, and mean precision, recall and F1 over the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.network import Network
from golden.packages import load
from golden.quantized import QuantizedNetwork
from litelstm.batches import results


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Shares from 0 to 1; all but ``accuracy`` are means over the classes that occur (macro)."""

    accuracy: float
    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, predicted: NDArray[Any], labels: NDArray[Any]) -> Metrics:
        """Compute the metrics of predicted class numbers, given the right ones.

        Raises:
            MissingToolError: scikit-learn is not installed.
        """
        metrics = load("sklearn.metrics", extra="train")
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            labels, predicted, average="macro", zero_division=0
        )
        return cls(
            accuracy=float(np.mean(predicted == labels)),
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
        )

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.2%}, precision {self.precision:.3f}, "
            f"recall {self.recall:.3f}, F1 {self.f1:.3f}"
        )


def of_floats(network: Network, x: NDArray[Any], labels: NDArray[Any]) -> Metrics:
    """Compute the metrics of the float reference on samples."""
    return Metrics.of(results(network, x).argmax(axis=1), labels)


def of_integers(network: QuantizedNetwork, x: NDArray[Any], labels: NDArray[Any]) -> Metrics:
    """Compute the metrics of the integer model on samples."""
    return Metrics.of(results(network, x).argmax(axis=1), labels)
