"""Sweeps: how a core runs reverse and bidirectional layers over a buffered sequence.

A *sweep* is one direction of one layer, run over all steps of the sequence. What a sweep reads and
makes lies in the *sequence memory*, which has a row of words for each step: x, then the vector of
each layer. Sweeps that do not read each other form a *phase*: they take turns step by step, so that
the drain of one is hidden behind the others. The last phase gives the results.

Late layers are sweeps of a single step: they read the final values of vectors, which are in the
last row, or in the first one for a reverse direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from golden.directions import Part, parts
from golden.quantized import QuantizedNetwork
from golden.quantized_layers import QuantizedLayer
from golden.windows import FINAL
from hdl.spec.swept_network import SweptNetwork, widest


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Neighbouring words of a row of the sequence memory.

    Attributes:
        start: place of the first word in its row.
        size: number of words.
        backward: whether rows go from the last one to the first. In a phase of one step such a
            segment is in the last row, any other in the first one.
        lag: rows by which it lies before the row at hand.
        since: where there is a lag, number of rows at whose turn it is zero: none lies so far back.
        held: it is a final value, the same in all turns: in the last row, or in the first.
    """

    start: int
    size: int
    backward: bool
    lag: int = 0
    since: int = 0
    held: bool = False


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One direction of a layer.

    Attributes:
        layer: index of its layer in :attr:`Sweeps.network`.
        reads: where its x is, piece by piece.
        makes: where its h goes.
    """

    layer: int
    reads: tuple[Segment, ...]
    makes: Segment


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Sweeps that take turns; in the last phase none, but the segments of the result.

    Attributes:
        once: whether it has one step, whatever the length of the sequence.
        begin: row of its first step: those before do not count. A sequence without that row has
            one step all the same.
    """

    sweeps: tuple[Sweep, ...] = ()
    gives: tuple[Segment, ...] = ()
    once: bool
    begin: int = 0

    def turns(self, steps: int) -> int:
        """Number of its turns in a sequence of some steps."""
        return 1 if self.once else max(1, steps - self.begin)


@dataclass(frozen=True)
class Sweeps:
    """The sweeps of a network.

    Args:
        whole: the network.
        every_step: whether each step has a result.
        rows: number of steps that the sequence memory holds.
    """

    whole: QuantizedNetwork
    every_step: bool
    rows: int

    @property
    def _late(self) -> frozenset[int]:
        """Layers that run once."""
        return frozenset() if self.every_step else self.whole.late

    @property
    def _sizes(self) -> tuple[int, ...]:
        """Words of each vector in the memory; an index is one word."""
        return self.whole.inputs, *self.whole.sizes[1:]

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """Place of each vector in a row; those of layers that run once lie behind all rows."""
        row, behind, starts = 0, self.row * self.rows, list[int]()
        for vector, size in enumerate(self._sizes):
            late = vector - 1 in self._late
            starts.append(behind if late else row)
            behind, row = behind + size * late, row + size * (not late)
        return tuple(starts)

    @property
    def row(self) -> int:
        """Words of a row."""
        vectors = enumerate(self._sizes)
        return sum(size for vector, size in vectors if vector - 1 not in self._late)

    @property
    def words(self) -> int:
        """Words of the sequence memory."""
        late = sum(self.whole.sizes[index + 1] for index in self._late)
        return self.row * self.rows + late

    @property
    def width(self) -> int:
        """Bits of a word of the sequence memory."""
        return max(to.width for to in (self.whole.x, *self.whole.formats[1:]))

    @cached_property
    def _ends(self) -> tuple[tuple[Segment, ...], ...]:
        """Where the final value of each vector is."""
        whole = self.whole
        ends: list[tuple[Segment, ...]] = [(Segment(start=0, size=whole.inputs, backward=True),)]
        for index, layer in enumerate(whole.layers):
            start, first = self._starts[index + 1], whole.starts[index + 1] * self.row
            last = index not in self._late and self._at_last(index, ends)
            own = [
                Segment(start=start + part.columns.start, size=layer.units, backward=last)
                if not layer.cell.state
                else Segment(
                    start=start + part.columns.start + first * part.reverse,
                    size=layer.units,
                    backward=not part.reverse,
                )
                for part in parts(layer)
            ]
            ends.append(tuple(own))
        return tuple(ends)

    def _at_last(self, index: int, ends: Sequence[tuple[Segment, ...]]) -> bool:
        """Tell whether all that a layer reads for its final value is of the last step."""
        read = zip(self.whole.sources[index], self.whole.lags[index], strict=True)
        return all(lag or piece.backward for source, lag in read for piece in ends[source])

    @cached_property
    def _finals(self) -> tuple[int, ...]:
        """Layers without state whose final value takes a step of its own.

        These are late layers, and others that read final values of different steps, if theirs is
        asked for.
        """
        if self.every_step:
            return ()
        found, asked = list[int](), {*self.whole.result_vectors}
        for index in reversed(range(len(self.whole.layers))):
            if index + 1 in asked and not self.whole.layers[index].cell.state:
                asked.update(self.whole.sources[index])
                if index in self._late or not self._at_last(index, self._ends):
                    found.append(index)
        return tuple(reversed(found))

    @cached_property
    def _made(self) -> tuple[tuple[Phase, ...], tuple[QuantizedLayer, ...], tuple[str, ...]]:
        """All phases but the last; the layers of their sweeps, and their names."""
        layers: dict[tuple[int, int], QuantizedLayer] = {}
        steps = [index for index in range(len(self.whole.layers)) if index not in self._late]
        phases = [
            Phase(sweeps=tuple(self._sweeps(group, layers, once=once)), once=once, begin=begin)
            for once, chosen in ((False, steps), (True, [*self._finals]))
            for begin, group in self._levels(chosen, once=once)
        ]
        names = (f"layer{index}" + " backward" * number for index, number in layers)
        return tuple(phases), tuple(layers.values()), tuple(names)

    def _levels(self, layers: list[int], *, once: bool) -> Iterator[tuple[int, list[int]]]:
        """Group layers that do not read each other, in an order in which each can run.

        Those of a group begin in the same row.
        """
        level: dict[int, int] = {}
        for index in layers:
            before = [level[n - 1] for n in self.whole.sources[index] if n - 1 in level]
            level[index] = max(before, default=-1) + 1
        first = {index: 0 if once else self.whole.starts[index + 1] for index in layers}
        for number, begin in sorted({(level[index], first[index]) for index in layers}):
            yield begin, [n for n in layers if (level[n], first[n]) == (number, begin)]

    def _sweeps(
        self, group: list[int], layers: dict[tuple[int, int], QuantizedLayer], *, once: bool
    ) -> Iterator[Sweep]:
        """Sweeps of some layers; ``layers`` gets those that it does not have yet."""
        for index in group:
            layer = self.whole.layers[index]
            for number, part in enumerate(parts(layer)):
                way = part.reverse and bool(layer.cell.state) and not once
                layers.setdefault((index, number), self._joined(index, part))
                pieces = [
                    tuple(replace(piece, held=not once) for piece in self._ends[source])
                    if lag == FINAL or (once and not lag)
                    else (self._piece(source, lag, way or once),)
                    for source, lag, _ in self._reads(index)
                ]
                start = self._starts[index + 1] + part.columns.start
                yield Sweep(
                    layer=[*layers].index((index, number)),
                    reads=_merged(piece for several in pieces for piece in several),
                    makes=Segment(start=start, size=layer.units, backward=way),
                )

    def _reads(self, index: int) -> list[tuple[int, int, str]]:
        """Source, lag and operand of all that a layer reads, in the order of a row."""
        layer, whole = self.whole.layers[index], self.whole
        return sorted(zip(whole.sources[index], whole.lags[index], layer.operands, strict=True))

    def _piece(self, source: int, lag: int, backward: bool) -> Segment:
        """A vector of the step at hand, or of an earlier one."""
        return Segment(
            start=self._starts[source],
            size=self._sizes[source],
            backward=backward,
            lag=lag,
            since=lag + self.whole.starts[source] if lag else 0,
        )

    def _joined(self, index: int, part: Part[QuantizedLayer]) -> QuantizedLayer:
        """One direction of a layer that reads all its vectors as one, in the order of a row."""
        layer, order = part.layer, [name for *_, name in self._reads(index)]
        weights = dict(layer.weights)
        for gate in layer.cell.gates:
            if "x" in gate.reads:
                pieces = [weights.pop(gate.matrix(name)) for name in order]
                weights[gate.matrix("x")] = np.concatenate(pieces, axis=1)
        x = widest(layer.formats.operand(name) for name in order)
        formats = replace(layer.formats, x=x, more=())
        return replace(layer, weights=weights, sources=None, lags=None, warmup=0, formats=formats)

    @property
    def network(self) -> SweptNetwork:
        """The layers of the sweeps, those of the first phase first."""
        return SweptNetwork(
            layers=self._made[1],
            tanh=self.whole.tanh,
            input_scale=self.whole.input_scale,
            indexed=self.whole.indexed,
        )

    @property
    def freed(self) -> int:
        """Index of the first phase from which on none reads x."""
        reads = (
            [piece.start for sweep in phase.sweeps for piece in sweep.reads]
            for phase in self.phases
        )
        return 1 + max(n for n, starts in enumerate(reads) if min(starts, default=self.row) == 0)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the layers of :attr:`network`, as parts of the whole network."""
        return self._made[2]

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """All phases in their order."""
        if self.every_step:
            results = [(self._piece(n, 0, False),) for n in self.whole.result_vectors]
        else:
            results = [self._ends[n] for n in self.whole.result_vectors]
        gives = _merged(piece for pieces in results for piece in pieces)
        begin = self.whole.first if self.every_step else 0
        return *self._made[0], Phase(gives=gives, once=not self.every_step, begin=begin)


def _merged(pieces: Iterable[Segment]) -> tuple[Segment, ...]:
    """Join segments that follow each other in a row."""
    found: list[Segment] = []
    for piece in pieces:
        if (
            found
            and replace(found[-1], start=found[-1].start + found[-1].size, size=piece.size) == piece
        ):
            piece = replace(piece, start=found[-1].start, size=found.pop().size + piece.size)
        found.append(piece)
    return tuple(found)
