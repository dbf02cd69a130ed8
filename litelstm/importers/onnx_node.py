"""One operator of an ONNX graph, with checked access to inputs and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from litelstm.importers.tensors import Data

Value = NDArray[Any] | Data
"""Value of a name in the graph: a constant, or a tensor that depends on the input."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """An operator with the values of its inputs.

    Args:
        op: its type.
        name: its name, or that of its first output if it has none.
        attributes: attributes by name, as Python and NumPy values.
        inputs: values in order; ``None`` for a missing optional one.
        outputs: names in order; empty for an unused one.
        names: names of the inputs.
        opset: version of the operators' set.
    """

    op: str
    name: str
    attributes: Mapping[str, Any]
    inputs: tuple[Value | None, ...]
    outputs: tuple[str, ...]
    names: tuple[str, ...] = ()
    opset: int = 17

    def has(self, index: int) -> bool:
        """Whether the input at ``index`` is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def data(self, index: int = 0) -> Data:
        """Return an input that must depend on the network's input."""
        value = self.inputs[index] if self.has(index) else None
        if not isinstance(value, Data):
            raise InputError(f"input {index} is constant, expected a tensor of the network")
        return value

    def constant(self, index: int) -> NDArray[Any]:
        """Return an input that must be constant."""
        value = self.inputs[index] if self.has(index) else None
        if not isinstance(value, np.ndarray):
            raise InputError(f"input {index} depends on the network's input, expected a constant")
        return value

    def integers(self, index: int, attribute: str) -> list[int] | None:
        """Return integers from an input, or from the attribute of older versions, or ``None``."""
        if self.has(index):
            return [int(n) for n in np.atleast_1d(self.constant(index))]
        if attribute in self.attributes:
            return [int(n) for n in np.atleast_1d(self.attributes[attribute])]
        return None

    def real(self, attribute: str, default: float) -> float:
        """Return an attribute that must be a real number."""
        return float(self.attributes.get(attribute, default))

    def number(self, attribute: str, default: int) -> int:
        """Return an attribute that must be an integer."""
        return int(self.attributes.get(attribute, default))

    def check_attributes(self, *known: str) -> None:
        """Refuse any attribute that is not ``known``."""
        for name in self.attributes:
            if name not in known:
                raise InputError(f"has attribute {name}, which is not known")
