"""Settings of the quantizer: bit widths, choice of scales, tanh table."""

from __future__ import annotations

from dataclasses import dataclass

from golden.activations import TanhTable
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import MAX_TENSOR_WIDTH
from golden.scales import METHODS

MAX_GATE_BITS = MAX_TENSOR_WIDTH - 2
"""Most fraction bits of a gate; its format also needs a sign bit and a bit for 1.0."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the quantizer.

    Args:
        weight_width: bits of a weight.
        activation_width: bits of h.
        state_width: bits of c.
        input_width: bits of the network's input; by default the bits of h.
        gate_bits: fraction bits of gate and tanh values; by default the bits of h, 16 at most.
        pre_width: bits of a pre-activation, over the range of the tanh table.
        hidden_width: bits of a sum that is multiplied before its activation.
        out_width: bits of a logit.
        method: ``mse`` or ``max``, for every power-of-two scale.
        log2_entries, log2_range, interpolate: the tanh table, see
            :class:`golden.activations.TanhTable`.

    Raises:
        InputError: a width or a choice is out of range.
    """

    weight_width: int = 8
    activation_width: int = 8
    state_width: int = 12
    input_width: int | None = None
    gate_bits: int | None = None
    pre_width: int = 12
    hidden_width: int = 16
    out_width: int = 16
    method: str = "mse"
    log2_entries: int = 8
    log2_range: int = 2
    interpolate: bool = False

    def __post_init__(self) -> None:
        limits = {
            "weight_width": (2, MAX_TENSOR_WIDTH),
            "activation_width": (2, MAX_TENSOR_WIDTH),
            "state_width": (2, MAX_TENSOR_WIDTH),
            "input_width": (2, MAX_TENSOR_WIDTH),
            "gate_bits": (2, MAX_GATE_BITS),
            "pre_width": (5, MAX_TENSOR_WIDTH),
            "hidden_width": (2, MAX_TENSOR_WIDTH),
            "out_width": (2, 32),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and low <= value <= high):
                raise InputError(f"{name} is {value!r}, expected {low} to {high} bits")
        if self.method not in METHODS:
            raise InputError(f"method is {self.method!r}, expected {' or '.join(METHODS)}")

    @property
    def x_width(self) -> int:
        """Bits of the network's input."""
        return self.activation_width if self.input_width is None else self.input_width

    @property
    def gate(self) -> Format:
        """Format of gate and tanh values."""
        bits = self.gate_bits
        if bits is None:
            bits = min(self.activation_width, MAX_GATE_BITS)
        return Format(width=bits + 2, frac=bits)

    def tanh_table(self) -> TanhTable:
        """Make the tanh table of these settings."""
        try:
            return TanhTable(
                log2_entries=self.log2_entries,
                log2_range=self.log2_range,
                interpolate=self.interpolate,
                out=self.gate,
            )
        except ValueError as error:
            raise InputError(str(error)) from None
