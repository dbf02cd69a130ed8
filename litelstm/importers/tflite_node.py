"""One operator of a TFLite file, with checked access to its inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError

Made = list[tuple[str, list[str], list[str], dict[str, Any]]]
"""ONNX operators: kind, inputs, outputs, attributes."""

FUSED = {0: None, 1: "Relu", 2: "Clip", 3: "Relu6", 4: "Tanh"}
"""Activations that an operator may include, by TFLite's ``ActivationFunctionType``."""


@dataclass(kw_only=True)
class Operator:
    """An operator of a TFLite file.

    Attributes:
        kind: its name.
        inputs, outputs: names of its tensors; empty for an input that is left out.
        values: the inputs that are constants.
        shapes: the inputs' shapes.
        shape: the first output's shape.
        options: its options.
        constants: constants for ONNX, filled by translations.
        notes: lines for the user, filled by translations.
    """

    kind: str
    inputs: list[str]
    outputs: list[str]
    values: list[NDArray[Any] | None]
    shapes: list[list[int]]
    shape: list[int]
    options: Any
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def has(self, index: int) -> bool:
        """Whether an input is given."""
        return index < len(self.inputs) and bool(self.inputs[index])

    def constant(self, index: int) -> NDArray[Any]:
        """Return an input that must be constant."""
        value = self.values[index] if self.has(index) else None
        if value is None:
            raise self.refused(f"input {index} is not a constant")
        return value

    def real(self, index: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return a constant of real numbers; zeros for one that is left out."""
        value = self.constant(index) if self.has(index) else np.zeros(shape, np.float32)
        return value.astype(np.float32)

    def integers(self, index: int) -> list[int]:
        """Return a constant of integers."""
        return [int(n) for n in np.ravel(self.constant(index))]

    def new(self, name: str, value: Any) -> str:
        """Add a constant; returns its name."""
        full = f"{self.outputs[0]}/{name}"
        self.constants[full] = np.asarray(value)
        return full

    def refused(self, why: str) -> InputError:
        """Make the error that refuses this operator."""
        return InputError(f"{self.kind} {self.outputs[0]!r} {why}")

    def expect(self, **wanted: Any) -> None:
        """Refuse an option with another value; an operator may be without options."""
        for name, value in wanted.items() if self.options else ():
            if (found := getattr(self.options, name)()) != value:
                raise self.refused(f"has {name} {found}, expected {value}")

    def finished(self, made: Made) -> Made:
        """Append the activation that the operator includes."""
        number = self.options.FusedActivationFunction() if self.options else 0
        if number not in FUSED:
            raise self.refused(f"includes activation {number}, which no layer here has")
        kind = FUSED[number]
        if kind is None:
            return made
        name, inputs, _, attributes = made[-1]
        before = f"{self.outputs[0]}/before"
        made[-1] = (name, inputs, [before], attributes)
        if kind in ("Clip", "Relu6"):
            low, high = (-1.0, 1.0) if kind == "Clip" else (0.0, 6.0)
            limits = [self.new(n, np.float32(v)) for n, v in (("low", low), ("high", high))]
            return [*made, ("Clip", [before, *limits], [self.outputs[0]], {})]
        return [*made, (kind, [before], [self.outputs[0]], {})]
