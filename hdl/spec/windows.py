"""How far back a network's layers read, and which step of a sequence is the first that counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl.spec.options import CoreOptions


@dataclass(frozen=True, kw_only=True)
class Read:
    """Operand of a layer's matrices.

    Attributes:
        matrix: operand that the matrices are named after.
        operand: memory that holds the operand: ``x``, ``h``, ``c``, ``rh``, or ``past`` for h of
            earlier steps.
        source: index of the layer that produces the operand; -1 for the input stream.
        lag: x or ``past`` is that of so many steps ago.
        recurrent: the operand is step t-1's.
        zero_before: steps at the start of a sequence in which the operand is zero.
    """

    matrix: str
    operand: str
    source: int
    lag: int
    recurrent: bool
    zero_before: int


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Lags and warm-up of one network.

    Attributes:
        network: the network.
    """

    network: QuantizedNetwork

    def reads(self, layer: int, operand: str = "x") -> list[Read]:
        """List a layer's operands of ``x``, ``h``, ``c`` or ``rh``, in the order of its passes.

        What is at a lag is there early. The latest of several vectors comes last, for it is still
        being drained. In the first layer, x without a lag comes first.
        """
        network = self.network
        if operand != "x":
            recurrent = operand != "rh"
            before = self.state_zero_before(layer) if recurrent else 0
            return [
                Read(
                    matrix=operand,
                    operand=operand,
                    source=layer,
                    lag=0,
                    recurrent=recurrent,
                    zero_before=before,
                )
            ]
        reads = zip(
            network.sources[layer], network.lags[layer], network.layers[layer].operands, strict=True
        )
        return [
            Read(
                matrix=name,
                operand=("past" if lag else "h") if vector else "x",
                source=vector - 1,
                lag=lag,
                recurrent=False,
                zero_before=lag + network.starts[vector] if lag else 0,
            )
            for vector, lag, name in sorted(
                reads, key=lambda one: (0 if one[1] else one[0], one[1])
            )
        ]

    @cached_property
    def furthest(self) -> tuple[int, ...]:
        """For each vector the largest lag at which a layer reads it."""
        lags = [0] * (1 + len(self.network.layers))
        for layer in range(len(self.network.layers)):
            for read in self.reads(layer):
                lags[read.source + 1] = max(lags[read.source + 1], read.lag)
        return tuple(lags)

    @property
    def used(self) -> bool:
        """Tell whether a layer reads a vector at a lag, or needs steps before its own counts."""
        return any(self.furthest) or any(self.network.starts)

    @property
    def x_slots(self) -> int:
        """Steps of x that are kept, a power of two: those that are read, and the next one."""
        return 1 << (self.furthest[0] + 1).bit_length()

    @property
    def past_slots(self) -> int:
        """Steps of h that are kept for who reads it at a lag, a power of two; 1 without."""
        return 1 << max(self.furthest[1:]).bit_length()

    @property
    def past_layers(self) -> tuple[int, ...]:
        """Layers whose h is read at a lag."""
        return tuple(layer for layer, lag in enumerate(self.furthest[1:]) if lag)

    def state_zero_before(self, layer: int) -> int:
        """Steps at the start of a sequence in which a layer's state of the step before is zero."""
        return 1 + self.network.starts[layer + 1]

    @property
    def silent(self) -> int:
        """Steps at the start of a sequence that have no result, unless its last one is there."""
        return max(self.network.starts[vector] for vector in self.network.result_vectors)

    @property
    def count(self) -> int:
        """Steps of a sequence that are told apart: those from the last one on are alike."""
        layers = range(len(self.network.layers))
        befores = [read.zero_before for layer in layers for read in self.reads(layer)]
        return max(*befores, *map(self.state_zero_before, layers), self.silent)

    def check(self, options: CoreOptions) -> None:
        """Refuse options that do not go with lags or warm-up.

        Raises:
            InputError: names the option.
        """
        if options.max_steps or not self.used:
            return
        streams, storage = options.interface.streams, options.storage
        found = ""
        if streams > 1:
            found = f"streams is {streams}, expected 1: a core keeps earlier steps of one stream"
        elif storage.loadable:
            found = f"weights is {storage.weights}, expected rom: loaded passes read no other step"
        if found:
            raise InputError(f"{found}, and the network {self._used_for()}")

    def _used_for(self) -> str:
        """In words what needs the steps before."""
        for vector, lag in enumerate(self.furthest):
            if lag:
                return f"reads {f'h of layer{vector - 1}' if vector else 'x'} {lag} steps back"
        layer = next(n for n, start in enumerate(self.network.starts[1:]) if start)
        return f"does not count the first steps of layer{layer}"
