"""Jobs: sums that leave the array together, and the accumulator rows that they take."""

from __future__ import annotations

from dataclasses import dataclass

from golden.quantized import QuantizedNetwork
from hdl.cells import reads_x_once


@dataclass(frozen=True, kw_only=True)
class Job:
    """Sums that the state update drains together.

    Attributes:
        name: ``layer0``, ... or ``head``; ``layer0.rh`` where a layer drains in two parts.
        layer: index of the layer.
        gates: names of the gates whose sums are drained.
        makes: vectors that it writes: ``h``, ``c``, ``rh``; none of an h that no layer reads.
        units: sums of each gate.
        row: first accumulator row; row ``r`` holds units ``(r - row) * lanes`` and on.
        rows: number of rows.
        taken: accumulator rows that they lie in.
        packed: they lie in all slots of as many accumulator rows as that takes.
        unit: first index of its units in the memories of vectors and constants.
        emits: whether its h is a result, or a part of one.
    """

    name: str
    layer: int
    gates: tuple[str, ...]
    makes: tuple[str, ...]
    units: int
    row: int
    rows: int
    taken: int
    packed: bool
    unit: int
    emits: bool

    @property
    def end(self) -> int:
        """Index of the row behind its accumulator rows."""
        return self.row + self.taken

    def meets(self, other: Job) -> bool:
        """Tell whether another layer's job takes some of its accumulator rows."""
        return self.layer != other.layer and other.row < self.end and self.row < other.end


def is_hasty(network: QuantizedNetwork, layer: int) -> bool:
    """Tell whether a step's first layer may complete its sums in one or two cycles.

    That is before the step can know that a late layer, which ran just now, still needs its rows.
    """
    columns = 1 if network.selects(layer) else network.layers[layer].inputs
    return reads_x_once(network.layers[layer].cell) and columns <= 2
