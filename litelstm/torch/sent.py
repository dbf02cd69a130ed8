"""Values that a delta network sends, in training: golden.thresholds on tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class TensorSender:
    """:class:`golden.thresholds.Sender` on integers in floats, with a straight-through gradient.

    The gradient of a value sent goes to the true value of this step, sent or not.

    Args:
        thresholds: by name; vectors without one are not sent.
    """

    def __init__(self, thresholds: Mapping[str, Any]) -> None:
        self._thresholds = thresholds
        self._sent: dict[str, Tensor] = {}

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Take a step's true value of a vector, (batch, elements); return the value sent."""
        if name not in self._thresholds:
            return value
        true = value.detach()
        before = self._sent.get(name)
        before = torch.zeros_like(true) if before is None else before
        sent = torch.where((true - before).abs() > self._thresholds[name], true, before)
        self._sent[name] = sent
        return value + (sent - true)  # exact: all are integers in range
