"""Sweeps: how a core runs reverse and bidirectional layers over a buffered sequence.

A *sweep* is one direction of one layer, run over all steps of the sequence. What a sweep reads and
makes lies in the *sequence memory*, which has a row of words for each step: x, then the vector of
each layer. Sweeps that do not read each other form a *phase*: they take turns step by step, so that
the drain of one is hidden behind the others. The last phase gives the results.

Late layers are sweeps of a single step: they read the final values of vectors, which are in the
last row, or in the first one for a reverse direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from golden.directions import Part, parts
from golden.quantized import QuantizedNetwork
from golden.quantized_layers import QuantizedLayer
from hdl.spec.swept_network import SweptNetwork, widest


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Neighbouring words of a row of the sequence memory.

    Attributes:
        start: place of the first word in its row.
        size: number of words.
        backward: whether rows go from the last one to the first. In a phase of one step such a
            segment is in the last row, any other in the first one.
    """

    start: int
    size: int
    backward: bool


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
    """

    sweeps: tuple[Sweep, ...] = ()
    gives: tuple[Segment, ...] = ()
    once: bool


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

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """Place of each vector in a row; those of layers that run once lie behind all rows."""
        row, behind, starts = 0, self.row * self.rows, list[int]()
        for vector, size in enumerate(self.whole.sizes):
            late = vector - 1 in self._late
            starts.append(behind if late else row)
            behind, row = behind + size * late, row + size * (not late)
        return tuple(starts)

    @property
    def row(self) -> int:
        """Words of a row."""
        vectors = enumerate(self.whole.sizes)
        return sum(size for vector, size in vectors if vector - 1 not in self._late)

    @property
    def words(self) -> int:
        """Words of the sequence memory."""
        late = sum(self.whole.sizes[index + 1] for index in self._late)
        return self.row * self.rows + late

    @property
    def width(self) -> int:
        """Bits of a word of the sequence memory."""
        return max(to.width for to in self.whole.formats)

    @cached_property
    def _ends(self) -> tuple[tuple[Segment, ...], ...]:
        """Where the final value of each vector is."""
        whole = self.whole
        ends: list[tuple[Segment, ...]] = [(Segment(start=0, size=whole.inputs, backward=True),)]
        for index, layer in enumerate(whole.layers):
            start = self._starts[index + 1]
            own = [
                Segment(start=start + part.columns.start, size=layer.units, backward=way)
                for part, way in zip(parts(layer), self._ways_of_end(index, ends), strict=True)
            ]
            ends.append(tuple(own))
        return tuple(ends)

    def _ways_of_end(self, index: int, ends: list[tuple[Segment, ...]]) -> list[bool]:
        """For each direction of a layer whether its final value is in the last row."""
        layer = self.whole.layers[index]
        if layer.cell.state:
            return [not part.reverse for part in parts(layer)]
        read = {piece.backward for source in self.whole.sources[index] for piece in ends[source]}
        return [index not in self._late and read == {True}] * len(parts(layer))

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
            sources = self.whole.sources[index]
            ends = {piece.backward for source in sources for piece in self._ends[source]}
            alike = index not in self._late and len(ends) == 1
            if index + 1 in asked and not self.whole.layers[index].cell.state:
                asked.update(sources)
                if not alike:
                    found.append(index)
        return tuple(reversed(found))

    @cached_property
    def _made(self) -> tuple[tuple[Phase, ...], tuple[QuantizedLayer, ...], tuple[str, ...]]:
        """All phases but the last; the layers of their sweeps, and their names."""
        layers: dict[tuple[int, int], QuantizedLayer] = {}
        steps = [index for index in range(len(self.whole.layers)) if index not in self._late]
        phases = [
            Phase(sweeps=tuple(self._sweeps(group, layers, once=once)), once=once)
            for once, chosen in ((False, steps), (True, [*self._finals]))
            for group in self._levels(chosen)
        ]
        names = (f"layer{index}" + " backward" * number for index, number in layers)
        return tuple(phases), tuple(layers.values()), tuple(names)

    def _levels(self, layers: list[int]) -> Iterator[list[int]]:
        """Group layers that do not read each other, in an order in which each can run."""
        level: dict[int, int] = {}
        for index in layers:
            before = [
                level[source - 1] for source in self.whole.sources[index] if source - 1 in level
            ]
            level[index] = max(before, default=-1) + 1
        for number in range(max(level.values(), default=-1) + 1):
            yield [index for index in layers if level[index] == number]

    def _sweeps(
        self, group: list[int], layers: dict[tuple[int, int], QuantizedLayer], *, once: bool
    ) -> Iterator[Sweep]:
        """Sweeps of some layers; ``layers`` gets those that it does not have yet."""
        for index in group:
            layer, sources = self.whole.layers[index], sorted(self.whole.sources[index])
            for number, part in enumerate(parts(layer)):
                way = part.reverse and bool(layer.cell.state) and not once
                layers.setdefault((index, number), self._joined(index, part))
                steps = [
                    (Segment(start=self._starts[n], size=self.whole.sizes[n], backward=way),)
                    for n in sources
                ]
                ends = [self._ends[source] for source in sources]
                start = self._starts[index + 1] + part.columns.start
                yield Sweep(
                    layer=[*layers].index((index, number)),
                    reads=_merged(
                        piece for pieces in (ends if once else steps) for piece in pieces
                    ),
                    makes=Segment(start=start, size=layer.units, backward=way),
                )

    def _joined(self, index: int, part: Part[QuantizedLayer]) -> QuantizedLayer:
        """One direction of a layer that reads all its vectors as one, in the order of a row."""
        layer = part.layer
        order = [
            name for _, name in sorted(zip(self.whole.sources[index], layer.operands, strict=True))
        ]
        weights = dict(layer.weights)
        for gate in layer.cell.gates:
            if "x" in gate.reads:
                pieces = [weights.pop(gate.matrix(name)) for name in order]
                weights[gate.matrix("x")] = np.concatenate(pieces, axis=1)
        x = widest(layer.formats.operand(name) for name in order)
        return replace(
            layer, weights=weights, sources=None, formats=replace(layer.formats, x=x, more=())
        )

    @property
    def network(self) -> SweptNetwork:
        """The layers of the sweeps, those of the first phase first."""
        return SweptNetwork(
            layers=self._made[1], tanh=self.whole.tanh, input_scale=self.whole.input_scale
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
            results = [
                (Segment(start=self._starts[n], size=self.whole.sizes[n], backward=False),)
                for n in self.whole.result_vectors
            ]
        else:
            results = [self._ends[n] for n in self.whole.result_vectors]
        gives = _merged(piece for pieces in results for piece in pieces)
        return *self._made[0], Phase(gives=gives, once=not self.every_step)


def _merged(pieces: Iterable[Segment]) -> tuple[Segment, ...]:
    """Join segments that follow each other in a row."""
    found: list[Segment] = []
    for piece in pieces:
        if found and (found[-1].start + found[-1].size, found[-1].backward) == (
            piece.start,
            piece.backward,
        ):
            piece = replace(piece, start=found[-1].start, size=found.pop().size + piece.size)
        found.append(piece)
    return tuple(found)
