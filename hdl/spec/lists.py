"""Lists of changes: in a delta core, what recurrent layers multiply in place of whole vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds, check_delta
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Pass, Work

BANKS = 2
"""Lists of x: one step's is read while the next one's is written."""


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The lists of one core.

    A pass of a recurrent layer runs over the *entries* of its operand's list, each the difference
    and the place of an element that changed. Dense layers' passes are *counted*: they run over all
    elements, for their sums begin anew in every step.

    An entry has its element's index times an odd factor, from which a shift makes the offset of
    the column's weights in a pass: columns of different passes have different lengths.

    Attributes:
        work: the order of work.
    """

    work: Work

    def counted(self, single: Pass) -> bool:
        """Tell whether a pass runs over all elements of its operand."""
        return not self.work.network.layers[single.layer].cell.state

    @property
    def passes(self) -> list[Pass]:
        """Passes over lists."""
        return [single for single in self.work.passes if not self.counted(single)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Vectors that have lists: of ``x``, ``h``, ``c`` and ``rh``."""
        return tuple(dict.fromkeys(single.operand for single in self.passes))

    @cached_property
    def made(self) -> tuple[tuple[str, int], ...]:
        """Lists that the state update fills, as (name, layer)."""
        found = {(one.operand, one.source) for one in self.passes if one.source >= 0}
        return tuple(sorted(found))

    def layers(self, name: str) -> tuple[int, ...]:
        """Layer of each list of a name, in the order of its memory; for x its banks."""
        if name == "x":
            return tuple(range(BANKS))
        return tuple(layer for vector, layer in self.made if vector == name)

    def length(self, name: str) -> int:
        """Elements of the longest vector of a name."""
        return max(single.columns for single in self.passes if single.operand == name)

    def column(self, single: Pass) -> int:
        """Operations of a column, which is as many words of weights."""
        return self.work.rows_of(single) * len(single.gates)

    def factor(self, single: Pass) -> tuple[int, int]:
        """Odd factor and shift whose product is the length of a column."""
        length = self.column(single)
        shift = (length & -length).bit_length() - 1
        return length >> shift, shift

    def factors(self, name: str) -> tuple[int, ...]:
        """The odd factors of the passes over a name's lists."""
        found = {self.factor(single)[0] for single in self.passes if single.operand == name}
        return tuple(sorted(found))

    @property
    def counts_x(self) -> bool:
        """Tell whether a dense layer reads x."""
        return any(self.counted(one) and one.source < 0 for one in self.work.passes)

    def threshold(self, name: str, layer: int) -> int:
        """Largest difference that makes no entry."""
        thresholds = self.work.network.thresholds or Thresholds.of(self.work.network)
        return thresholds.x if name == "x" else thresholds.layers[layer][name]


def check_lists(network: QuantizedNetwork, options: CoreOptions) -> None:
    """Refuse what does not go with a delta core, or a network that needs one without.

    Raises:
        InputError: names the option.
    """
    if not options.delta:
        thresholds = network.thresholds
        if thresholds and thresholds.largest:
            raise InputError(
                f"the network has thresholds up to {thresholds.largest}, expected a delta core"
            )
        return
    check_delta(network)
    streams, state = options.interface.streams, options.interface.state
    weights = options.storage.weights
    found = ""
    if streams > 1:
        found = f"streams is {streams}, expected 1: a delta core keeps the sums of one stream"
    elif state == "load":
        found = "state is load, expected clear or keep: a delta core keeps sums, which belong to it"
    elif weights != "rom":
        found = f"weights is {weights}, expected rom: entries have the places of built-in weights"
    elif options.max_steps:
        found = f"max_steps is {options.max_steps}, expected 0: a delta core takes steps one by one"
    if found:
        raise InputError(found)
