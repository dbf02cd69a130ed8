"""The layers that a core for sweeps runs, each in steps of its own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from golden.formats import Format
from golden.indices import index_format
from golden.quantized import QuantizedNetwork


class SweptNetwork(QuantizedNetwork):
    """The layers of all sweeps side by side: each reads x alone, and each makes results.

    It is no graph. A step of it belongs to one layer, whose x may be shorter than that of others.
    """

    def __post_init__(self) -> None:
        """Check nothing: the layers were checked in the network that they come from."""

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """Each layer reads x."""
        return ((0,),) * len(self.layers)

    @property
    def result_vectors(self) -> tuple[int, ...]:
        """Each layer makes a result."""
        return tuple(range(1, len(self.layers) + 1))

    @cached_property
    def late(self) -> frozenset[int]:
        """No layer waits for the end of a sequence: each has steps of its own."""
        return frozenset()

    @property
    def inputs(self) -> int:
        """Length of the longest x."""
        return max(1 if self.selects(n) else layer.inputs for n, layer in enumerate(self.layers))

    @property
    def outputs(self) -> int:
        """Words of the longest result."""
        return max(layer.units for layer in self.layers)

    @property
    def x(self) -> Format:
        """The widest format of x."""
        index = [index_format(self.sizes[0])] if self.indexed else []
        return widest([*index, *(layer.formats.x for layer in self.layers[self.indexed :])])

    @property
    def out(self) -> Format:
        """The widest format of a result."""
        return widest(layer.formats.h for layer in self.layers)


def widest(formats: Iterable[Format]) -> Format:
    """Return the format of the most bits."""
    return max(formats, key=lambda to: to.width)
