"""The plan of a core: passes over the weights, memory contents, addresses and widths.

Everything static about a core is decided here, once, from the quantized network and the number of
lanes. The hardware, the cycle count and the report are all made from it.

A *pass* runs over all elements (*columns*) of one operand and adds to the sums of some gates of one
layer. Units are dealt over lanes in *rows* of ``lanes`` units. A *job* is a set of sums that leaves
the array together: a layer's gates (or a part of them, where a cell drains in two parts), or the
dense head's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from golden.cells import Cell, Gate
from golden.directions import check_forward
from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedNetwork, signed_width
from hdl.array.lanes import ArrayShape
from hdl.cells import Drain, Schedule, schedule
from hdl.spec.capacity import Capacity, Sizes
from hdl.spec.kinds import Kind
from hdl.spec.storage import BUILT_IN, Storage
from hdl.timing.latency import Delays, Program, UpdateCost, of_programs


@dataclass(frozen=True, kw_only=True)
class Job:
    """Sums that the state update drains together.

    Attributes:
        name: ``layer0``, ... or ``head``; ``layer0.rh`` where a layer drains in two parts.
        layer: index of the layer; the head's is one more than the last layer's.
        gates: names of the gates whose sums are drained.
        makes: vectors that the drain writes: ``h``, ``c``, ``rh``.
        units: sums of each gate.
        row: first accumulator row; row ``r`` holds units ``(r - row) * lanes`` and on.
        rows: number of rows.
        unit: first index of its units in the memories of vectors and constants.
        head: whether it is the dense head.
    """

    name: str
    layer: int
    gates: tuple[str, ...]
    makes: tuple[str, ...]
    units: int
    row: int
    rows: int
    unit: int
    head: bool


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run over the columns of an operand.

    Attributes:
        layer: index of the layer whose sums it adds to; the head's is one more than the last.
        matrix: operand that its weight matrices are named after.
        operand: memory that holds the operand: ``x``, ``h``, ``c`` or ``rh``.
        source: index of the layer that produces the operand; -1 for the input stream.
        recurrent: the operand is step t-1's, zero in a sequence's first step.
        base: address of the first element in that memory.
        columns: number of elements.
        gates: indices of the gates that it adds to, contiguous.
        first: of ``gates``, those whose sums begin in this pass.
        final: of ``gates``, those whose sums are complete with this pass.
        completes: index of the job that is complete with this pass, or ``None``.
        drains: index of the last job that takes sums of ``final`` gates, or ``None``.
    """

    layer: int
    matrix: str
    operand: str
    source: int
    recurrent: bool
    base: int
    columns: int
    gates: range
    first: tuple[int, ...]
    final: tuple[int, ...]
    completes: int | None
    drains: int | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything static about one core.

    Args:
        network: the network that the core runs.
        lanes: multipliers in the array, 1 to the largest number of units.
        tail_multipliers: multipliers that the state update may have beside the array. With fewer of
            them a unit enters every few cycles. With 0 it has one that is made of adders, for parts
            whose multipliers the array takes.
        interface: streams, state and outputs.
        storage: memories of weights and sums.
        others: where weights are loaded, networks that the core is made for as well.
        core: where weights are loaded, the capacity of the core that the network is loaded into;
            ``None`` for one that is made for this network and ``others``.

    Raises:
        InputError: ``lanes`` or ``tail_multipliers`` is out of range, the network has no classes
            to give out, a layer is not a forward one, or the network does not fit the core.
    """

    network: QuantizedNetwork
    lanes: int
    tail_multipliers: int = 2
    interface: Interface = DEFAULT
    storage: Storage = BUILT_IN
    others: tuple[QuantizedNetwork, ...] = ()
    core: Capacity | None = None

    def __post_init__(self) -> None:
        check_forward(self.network.layers)
        for name in ("lanes", "tail_multipliers"):
            if not isinstance(getattr(self, name), int):
                raise InputError(f"{name} is {getattr(self, name)!r}, expected an integer")
        if self.others and not self.storage.loadable:
            raise InputError("several networks can share a core only with weights ram or double")
        networks = (self.network, *self.others)
        largest = max(layer.units for network in networks for layer in network.layers)
        if self.core:
            self.interface.check(self.network)
            self.core.check(self)
            return
        if not 1 <= self.lanes <= largest:
            raise InputError(
                f"lanes is {self.lanes}, expected 1 to {largest} (the units of the largest layer)"
            )
        if self.tail_multipliers < 0:
            raise InputError(f"tail_multipliers is {self.tail_multipliers}, expected 0 or more")
        self.interface.check(self.network)

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedule of each recurrent layer."""
        return tuple(schedule(layer.cell) for layer in self.network.layers)

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs of the recurrent layers in order, then the head if there is one."""
        jobs: list[Job] = []
        row = unit = 0

        def add(layer: int, units: int, name: str, drain: Drain | None) -> None:
            jobs.append(
                Job(
                    name=name,
                    layer=layer,
                    gates=drain.gates if drain else ("y",),
                    makes=drain.makes if drain else (),
                    units=units,
                    row=row,
                    rows=-(-units // self.lanes),
                    unit=unit,
                    head=drain is None,
                )
            )

        for index, layer in enumerate(self.network.layers):
            for drain in self.schedules[index].drains:
                part = "" if "h" in drain.makes else f".{drain.makes[-1]}"
                add(index, layer.units, f"layer{index}{part}", drain)
            row, unit = row + jobs[-1].rows, unit + layer.units
        if self.network.head:
            add(len(self.network.layers), self.network.head.outputs, "head", None)
        return tuple(jobs)

    def job_making(self, vector: str, layer: int) -> int:
        """Index of the job that writes a vector of a layer."""
        return next(
            index
            for index, job in enumerate(self.jobs)
            if job.layer == layer and vector in job.makes
        )

    @cached_property
    def job_kinds(self) -> tuple[Kind, ...]:
        """The kind of each job."""
        return tuple(Kind.of(self.network, job.layer, job.makes) for job in self.jobs)

    @cached_property
    def capacity(self) -> Capacity:
        """Of the core."""
        if self.core:
            return self.core
        networks = (self.network, *self.others)
        return Capacity.of(
            [
                replace(self, network=network, others=networks[:index] + networks[index + 1 :])
                for index, network in enumerate(networks)
            ]
        )

    def of(self, network: QuantizedNetwork) -> Plan:
        """The plan of another network on the same core, whose weights are loaded.

        Raises:
            InputError: it does not fit.
        """
        return replace(self, network=network, others=(), core=self.capacity)

    @property
    def sizes(self) -> Sizes:
        """Of the core."""
        return self.capacity.sizes

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What the state update is made for: kinds, or each job where they are in the Verilog."""
        return self.capacity.kinds if self.storage.loadable else self.job_kinds

    @property
    def kind_numbers(self) -> tuple[int, ...]:
        """For each job its index in ``kinds``."""
        if not self.storage.loadable:
            return tuple(range(len(self.jobs)))
        return tuple(self.kinds.index(kind) for kind in self.job_kinds)

    @cached_property
    def programs(self) -> tuple[tuple[Program, list[int]], ...]:
        """The different updates, each with the indices of its kinds."""
        found: dict[tuple[Cell, tuple[str, ...]], list[int]] = {}
        for index, kind in enumerate(self.kinds):
            if kind.cell:
                found.setdefault((kind.cell, kind.makes), []).append(index)
        programs = []
        for (cell, makes), kinds in found.items():
            sigmoids = {self.kinds[index].sigmoid for index in kinds}
            drains = schedule(cell).drains
            program = Program(
                drain=next(drain for drain in drains if drain.makes == makes),
                gates={gate.name: gate for gate in cell.gates},
                hard="hard" in sigmoids,
                logistic="logistic" in sigmoids,
            )
            programs.append((program, kinds))
        return tuple(programs)

    @property
    def _delays(self) -> Delays:
        return Delays.of(
            deep=self.storage.deep,
            soft=self.tail_multipliers == 0,
            interpolate=self.network.tanh.interpolate,
        )

    @cached_property
    def update_cost(self) -> UpdateCost:
        """Timing and cost of the state update."""
        return of_programs(
            [program for program, _ in self.programs],
            multipliers=max(1, self.tail_multipliers),
            delays=self._delays,
            head=self.capacity.head,
            lanes=self.lanes,
        )

    @cached_property
    def reads(self) -> tuple[tuple[int, ...], ...]:
        """For each kind the accumulator slots whose sums are read, in that order."""
        reads: dict[int, tuple[int, ...]] = {}
        for (program, kinds), order in zip(self.programs, self.update_cost.orders, strict=True):
            slots = tuple(list(program.gates).index(gate) for gate in order)
            reads |= dict.fromkeys(kinds, slots)
        for number, kind in enumerate(self.kinds):
            if kind.head:
                reads[number] = (0,) * (self.update_cost.logit - self.update_cost.delays.first_sum)
        return tuple(reads[kind] for kind in range(len(self.kinds)))

    @cached_property
    def array(self) -> ArrayShape:
        """Sizes of the MAC array."""
        return ArrayShape(
            lanes=self.lanes,
            operand_width=self.sizes.operand_width,
            weight_width=self.sizes.weight_width,
            accumulator_width=self.sizes.accumulator_width,
            rows=self.sizes.rows,
            gates=self.sizes.gates,
            banks=self.update_cost.banks,
            side_by_side=self.storage.side_by_side,
        )

    @cached_property
    def step_passes(self) -> tuple[Pass, ...]:
        """Passes of one step, in order; none of them is the head's."""
        return tuple(
            single for index in range(len(self.schedules)) for single in self._layer_passes(index)
        )

    @cached_property
    def head_pass(self) -> Pass | None:
        """The head's pass, after a sequence's last step."""
        if not self.network.head:
            return None
        layer = len(self.network.layers)
        job = self.jobs[self.job_making("h", layer - 1)]
        return Pass(
            layer=layer,
            matrix="h",
            operand="h",
            source=layer - 1,
            recurrent=False,
            base=job.unit,
            columns=job.units,
            gates=range(1),
            first=(0,),
            final=(0,),
            completes=len(self.jobs) - 1,
            drains=len(self.jobs) - 1,
        )

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """All passes in the order of the weight memory."""
        return self.step_passes + ((self.head_pass,) if self.head_pass else ())

    def _layer_passes(self, index: int) -> list[Pass]:
        layer = self.network.layers[index]
        order = self.schedules[index].first if index == 0 else self.schedules[index].later
        slots = {gate.name: slot for slot, gate in enumerate(layer.cell.gates)}
        reads = [(operand, [slots[name] for name in names]) for operand, names in order]
        jobs = [number for number, job in enumerate(self.jobs) if job.layer == index]
        passes = []
        if index == 0 and order[0][0] != "x":
            raise ValueError(f"the first layer must begin with x, not {order[0][0]!r}")
        for position, (operand, gates) in enumerate(reads):
            if gates != list(range(gates[0], gates[-1] + 1)):
                raise ValueError(f"gates that read {operand} must be neighbours, not {gates!r}")
            before = {gate for _, others in reads[:position] for gate in others}
            after = {gate for _, others in reads[position + 1 :] for gate in others}
            final = tuple(gate for gate in gates if gate not in after)
            drains = [n for n in jobs if any(slots[gate] in final for gate in self.jobs[n].gates)]
            waits = [n for n in drains if any(slots[gate] in after for gate in self.jobs[n].gates)]
            done = [n for n in drains if n not in waits]
            if len(done) > 1:
                raise ValueError(f"the pass over {operand} must end one drain, not {done!r}")
            from_below = operand == "x" and index > 0
            source = index - 1 if from_below else -1 if operand == "x" else index
            passes.append(
                Pass(
                    layer=index,
                    matrix=operand,
                    operand="h" if from_below else operand,
                    source=source,
                    recurrent=operand in ("h", "c"),
                    base=self.first_unit(source),
                    columns=layer.inputs if operand == "x" else layer.units,
                    gates=range(gates[0], gates[-1] + 1),
                    first=tuple(gate for gate in gates if gate not in before),
                    final=final,
                    completes=done[0] if done else None,
                    drains=drains[-1] if drains else None,
                )
            )
        return passes

    def first_unit(self, layer: int) -> int:
        """Index of a layer's first unit in the memories of vectors; 0 for the input stream."""
        return sum(other.units for other in self.network.layers[: max(layer, 0)])

    def rows_of(self, single: Pass) -> int:
        """Rows that a pass' columns run over."""
        return next(job.rows for job in self.jobs if job.layer == single.layer)

    def row_of(self, single: Pass) -> int:
        """First row that a pass' columns run over."""
        return next(job.row for job in self.jobs if job.layer == single.layer)

    @property
    def vectors(self) -> tuple[tuple[str, int], ...]:
        """Vectors that the state update makes, as (name, layer)."""
        if self.storage.loadable:
            names = [name for name in ("h", "c", "rh") if self.vector_width(name)]
            return tuple((name, layer) for layer in range(self.sizes.layers) for name in names)
        return tuple((name, job.layer) for job in self.jobs for name in job.makes)

    def vector_width(self, name: str) -> int:
        """Bits of a vector's elements, the widest of all layers; 0 if no layer has it."""
        return getattr(self.sizes, f"{name}_width")

    def own_vector_width(self, name: str) -> int:
        """The same of this network."""
        layers = self.network.layers
        widths = [
            layers[job.layer].formats.operand(name).width for job in self.jobs if name in job.makes
        ]
        return max(widths, default=0)

    @property
    def state_units(self) -> int:
        """Words of h and of c that a stream has: the units of all recurrent layers."""
        return sum(layer.units for layer in self.network.layers)

    @property
    def result_words(self) -> int:
        """Output words of one result."""
        return self.interface.words(self.network)

    @property
    def own_operand_width(self) -> int:
        """Bits of the widest of x, h and c that the array reads."""
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
    def own_weight_width(self) -> int:
        """Bits of the widest weight."""
        widths = [layer.formats.weight_width for layer in self.network.layers]
        widths += [self.network.head.weight_width] if self.network.head else []
        return max(widths)

    @property
    def bias_width(self) -> int:
        """Bits of the widest bias of any gate."""
        words = [word for slot in range(self.own_gates) for word in self.bias_words(slot)]
        return signed_width(min(words), max(words))

    @property
    def own_gates(self) -> int:
        """Gates of the largest cell."""
        return max(len(layer.cell.gates) for layer in self.network.layers)

    @property
    def rows(self) -> int:
        """Rows of accumulators."""
        return self.sizes.rows

    @property
    def gates(self) -> int:
        """Largest number of gates of any job."""
        return self.sizes.gates

    @property
    def operand_width(self) -> int:
        """Bits of the broadcast operand: the widest of x, h and c that the array reads."""
        return self.sizes.operand_width

    @property
    def sum_width(self) -> int:
        """Bits of an accumulator with its bias added."""
        return self.sizes.sum_width

    @property
    def accumulator_width(self) -> int:
        """Bits of an accumulator; follows from the weights, no input overflows it."""
        return self.sizes.accumulator_width

    @property
    def weight_width(self) -> int:
        """Bits of a weight in the weight memory."""
        return self.sizes.weight_width

    def macs(self, single: Pass) -> int:
        """Cycles that the array needs for a pass: one a column, row and gate."""
        return single.columns * self.rows_of(single) * len(single.gates)

    @property
    def words(self) -> int:
        """Words of the weight memory."""
        return self.sizes.weight_words

    def weight_words(self) -> list[int]:
        """Contents of the weight memory, one word of ``lanes`` weights a cycle, lane 0 lowest."""
        words: list[int] = []
        for single in self.passes:
            words += _pack(self._pass_weights(single), self.weight_width)
        return words + [0] * (self.words - len(words))

    def _pass_weights(self, single: Pass) -> NDArray[np.int64]:
        """Weights of a pass, shape (macs, lanes), in the order in which they are used."""
        rows = self.rows_of(single)
        if single.layer == len(self.network.layers):
            assert self.network.head
            matrices = [self.network.head.weights["W"]]
        else:
            layer = self.network.layers[single.layer]
            gates = [layer.cell.gates[gate] for gate in single.gates]
            matrices = [layer.weights[gate.matrix(single.matrix)] for gate in gates]
        padded = np.zeros((len(matrices), rows * self.lanes, single.columns), dtype=np.int64)
        padded[:, : matrices[0].shape[0]] = np.stack(matrices)
        dealt = padded.reshape(len(matrices), rows, self.lanes, single.columns)
        return dealt.transpose(3, 1, 0, 2).reshape(-1, self.lanes)

    def bias_words(self, slot: int) -> list[int]:
        """Biases of the gate in a slot, one a unit of every layer and the head; 0 without gate."""
        head = [self.network.head.weights["b"]] if self.network.head else []
        if slot > 0:
            head = [np.zeros_like(bias) for bias in head]
        return self._unit_words(slot, lambda gate: gate.bias) + [
            int(word) for bias in head for word in bias
        ]

    @property
    def diagonal_slots(self) -> list[int]:
        """Accumulator slots whose gate has a diagonal in some kind."""
        return [
            slot
            for slot in range(self.sizes.gates)
            if any(kind.diagonal(slot) for kind in self.kinds)
        ]

    def diagonal_words(self, slot: int) -> list[int]:
        """Diagonal weights of the gate in a slot, one a unit of every layer; 0 without one."""
        return self._unit_words(slot, lambda gate: gate.peephole if gate.diagonal else None)

    def _unit_words(self, slot: int, name: Callable[[Gate], str | None]) -> list[int]:
        words: list[int] = []
        for layer in self.network.layers:
            gates = layer.cell.gates
            key = name(gates[slot]) if slot < len(gates) else None
            words += layer.weights[key].tolist() if key else [0] * layer.units
        return words


def _pack(weights: NDArray[np.int64], width: int) -> list[int]:
    """Rows of signed weights to words, the first weight in the lowest bits."""
    bits = (weights[:, :, np.newaxis] >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).reshape(len(weights), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
