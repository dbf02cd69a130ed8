"""The plan of a core: passes over the weights, memory contents, addresses and widths.

Everything static about a core is decided here, once, from the quantized network and the number of
lanes. The hardware, the cycle count and the report are all made from it.

A *job* is one set of sums that is accumulated and then drained: a recurrent layer's gates, or the
dense head. A *pass* runs over all elements (*columns*) of one operand and adds to the sums of
some gates of one job. Units are dealt over lanes in *rows* of ``lanes`` units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.formats import Format
from golden.quantized import QuantizedNetwork, signed_width
from hdl.cells import CELLS


@dataclass(frozen=True, kw_only=True)
class Job:
    """One set of sums that the state update drains.

    Attributes:
        name: ``layer0``, ... or ``head``.
        units: sums of each gate.
        gates: number of gates.
        row: first accumulator row; row ``r`` holds units ``(r - row) * lanes`` and on.
        rows: number of rows.
        unit: first index of its units in the memories of h, c and biases.
        head: whether it is the dense head.
    """

    name: str
    units: int
    gates: int
    row: int
    rows: int
    unit: int
    head: bool


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run over the columns of an operand.

    Attributes:
        job: index of the job whose sums it adds to.
        operand: memory that holds the operand: ``x``, ``h`` or ``c``.
        source: index of the job that produces the operand; -1 for the input stream.
        recurrent: the operand is step t-1's, zero in a sequence's first step.
        base: address of the first element in that memory.
        columns: number of elements.
        gates: indices of the gates that it adds to, contiguous.
        first: of ``gates``, those whose sums begin in this pass.
        final: of ``gates``, those whose sums are complete with this pass.
    """

    job: int
    operand: str
    source: int
    recurrent: bool
    base: int
    columns: int
    gates: range
    first: tuple[int, ...]
    final: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything static about one core.

    Args:
        network: the network that the core runs.
        lanes: multipliers in the array, 1 to the largest number of units.

    Raises:
        InputError: ``lanes`` is out of range.
    """

    network: QuantizedNetwork
    lanes: int

    def __post_init__(self) -> None:
        largest = max(layer.units for layer in self.network.layers)
        if not 1 <= self.lanes <= largest:
            raise InputError(
                f"lanes is {self.lanes}, expected 1 to {largest} (the units of the largest layer)"
            )

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The recurrent layers in order, then the head if there is one."""
        sizes = [
            (f"layer{index}", layer.units, len(layer.cell.gates))
            for index, layer in enumerate(self.network.layers)
        ]
        if self.network.head:
            sizes.append(("head", self.network.head.outputs, 1))
        jobs: list[Job] = []
        row = unit = 0
        for name, units, gates in sizes:
            rows = -(-units // self.lanes)
            head = name == "head"
            jobs.append(
                Job(name=name, units=units, gates=gates, row=row, rows=rows, unit=unit, head=head)
            )
            row, unit = row + rows, unit + units
        return tuple(jobs)

    @cached_property
    def step_passes(self) -> tuple[Pass, ...]:
        """Passes of one step, in order; none of them is the head's."""
        passes: list[Pass] = []
        for index, layer in enumerate(self.network.layers):
            order = CELLS[layer.cell.kind].order(first_layer=index == 0)
            reads = [
                (operand, [g for g, gate in enumerate(layer.cell.gates) if operand in gate.reads])
                for operand in order
            ]
            passes += self._job_passes(index, [(name, gates) for name, gates in reads if gates])
        return tuple(passes)

    @cached_property
    def head_pass(self) -> Pass | None:
        """The head's pass, after a sequence's last step."""
        if not self.network.head:
            return None
        index = len(self.network.layers)
        job = self.jobs[index - 1]
        return Pass(
            job=index,
            operand="h",
            source=index - 1,
            recurrent=False,
            base=job.unit,
            columns=job.units,
            gates=range(1),
            first=(0,),
            final=(0,),
        )

    @property
    def passes(self) -> tuple[Pass, ...]:
        """All passes in the order of the weight memory."""
        return self.step_passes + ((self.head_pass,) if self.head_pass else ())

    def _job_passes(self, index: int, reads: Sequence[tuple[str, list[int]]]) -> list[Pass]:
        layer = self.network.layers[index]
        passes = []
        for position, (operand, gates) in enumerate(reads):
            if gates != list(range(gates[0], gates[-1] + 1)):
                raise ValueError(f"gates that read {operand} must be contiguous, not {gates!r}")
            before = {gate for _, others in reads[:position] for gate in others}
            after = {gate for _, others in reads[position + 1 :] for gate in others}
            from_below = operand == "x" and index > 0
            source = index - 1 if from_below else -1 if operand == "x" else index
            passes.append(
                Pass(
                    job=index,
                    operand="h" if from_below else operand,
                    source=source,
                    recurrent=operand != "x",
                    base=self.jobs[source].unit if source >= 0 else 0,
                    columns=layer.inputs if operand == "x" else layer.units,
                    gates=range(gates[0], gates[-1] + 1),
                    first=tuple(gate for gate in gates if gate not in before),
                    final=tuple(gate for gate in gates if gate not in after),
                )
            )
        return passes

    @property
    def rows(self) -> int:
        """Rows of all jobs together."""
        return self.jobs[-1].row + self.jobs[-1].rows

    @property
    def gates(self) -> int:
        """Largest number of gates of any job."""
        return max(job.gates for job in self.jobs)

    @property
    def state_units(self) -> int:
        """Words of the memories of h and c: the units of all recurrent layers."""
        return sum(layer.units for layer in self.network.layers)

    @property
    def operand_width(self) -> int:
        """Bits of the broadcast operand: the widest of x, h and c that the array reads."""
        layers = self.network.layers
        formats = [
            layer.formats.operand(name)
            for layer in layers
            for gate in layer.cell.gates
            for name in gate.reads
        ]
        formats += [self.network.head.h] if self.network.head else []
        return max(to.width for to in formats)

    @property
    def weight_width(self) -> int:
        """Bits of a weight in the weight memory: the widest of all layers."""
        widths = [layer.formats.weight_width for layer in self.network.layers]
        widths += [self.network.head.weight_width] if self.network.head else []
        return max(widths)

    @property
    def accumulator_width(self) -> int:
        """Bits of an accumulator; follows from the weights, no input overflows it."""
        return self.network.accumulator_width

    @property
    def sum_width(self) -> int:
        """Bits of an accumulator with its bias added."""
        return signed_width(*self.network.sum_bounds(bias=True))

    @property
    def pre_formats(self) -> tuple[Format, ...]:
        """For each job the format that its sums are narrowed to."""
        formats = [layer.formats.pre for layer in self.network.layers]
        return (*formats, *([self.network.head.out] if self.network.head else []))

    @property
    def product_fracs(self) -> tuple[int, ...]:
        """For each job the fraction bits of its sums."""
        fracs = [layer.formats.product_frac for layer in self.network.layers]
        return (*fracs, *([self.network.head.product_frac] if self.network.head else []))

    def macs(self, single: Pass) -> int:
        """Cycles that the array needs for a pass: one a column, row and gate."""
        return single.columns * self.jobs[single.job].rows * len(single.gates)

    @property
    def words(self) -> int:
        """Words of the weight memory."""
        return sum(self.macs(single) for single in self.passes)

    def weight_words(self) -> list[int]:
        """Contents of the weight memory, one word of ``lanes`` weights a cycle, lane 0 lowest."""
        words: list[int] = []
        for single in self.passes:
            words += _pack(self._pass_weights(single), self.weight_width)
        return words

    def _pass_weights(self, single: Pass) -> NDArray[np.int64]:
        """Weights of a pass, shape (macs, lanes), in the order in which they are used."""
        job = self.jobs[single.job]
        if job.head:
            assert self.network.head
            matrices = [self.network.head.weights["W"]]
        else:
            layer = self.network.layers[single.job]
            operand = single.operand if single.recurrent else "x"
            gates = [layer.cell.gates[gate] for gate in single.gates]
            matrices = [layer.weights[gate.matrix(operand)] for gate in gates]
        padded = np.zeros((len(matrices), job.rows * self.lanes, single.columns), dtype=np.int64)
        padded[:, : job.units] = np.stack(matrices)
        dealt = padded.reshape(len(matrices), job.rows, self.lanes, single.columns)
        return dealt.transpose(3, 1, 0, 2).reshape(-1, self.lanes)

    def bias_words(self, gate: int) -> list[int]:
        """Biases of one gate of all jobs, one a unit; 0 where a job has no such gate."""
        words: list[int] = []
        for layer in self.network.layers:
            gates = layer.cell.gates
            zero = np.zeros(layer.units, dtype=np.int64)
            words += (layer.weights[gates[gate].bias] if gate < len(gates) else zero).tolist()
        if self.network.head:
            bias = self.network.head.weights["b"]
            words += (bias if gate == 0 else np.zeros_like(bias)).tolist()
        return words

    def bias_width(self, gate: int) -> int:
        """Bits of a word of :meth:`bias_words`."""
        words = self.bias_words(gate)
        return signed_width(min(words), max(words))


def _pack(weights: NDArray[np.int64], width: int) -> list[int]:
    """Rows of signed weights to words, the first weight in the lowest bits."""
    bits = (weights[:, :, np.newaxis] >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).reshape(len(weights), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
