"""The order of work of one network on a number of lanes: its passes and jobs.

A *pass* runs over all elements (*columns*) of one operand and adds to the sums of some gates of one
layer. Units are dealt over lanes in *rows* of ``lanes`` units. A *job* is a set of sums that leaves
the array together: a layer's gates (or a part of them, where a cell drains in two parts), or the
dense head's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from golden.quantized import QuantizedNetwork
from hdl.cells import Drain, Schedule, schedule
from hdl.spec.kinds import UpdateKind


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
class Work:
    """Passes and jobs of one network.

    Attributes:
        network: the network.
        lanes: multipliers of the array, over which units are dealt.
    """

    network: QuantizedNetwork
    lanes: int

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedule of each recurrent layer."""
        return tuple(schedule(layer.cell) for layer in self.network.recurrent)

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

        for index, layer in enumerate(self.network.recurrent):
            for drain in self.schedules[index].drains:
                part = "" if "h" in drain.makes else f".{drain.makes[-1]}"
                add(index, layer.units, f"layer{index}{part}", drain)
            row, unit = row + jobs[-1].rows, unit + layer.units
        if self.network.head:
            add(len(self.network.recurrent), self.network.head.units, "head", None)
        return tuple(jobs)

    def job_making(self, vector: str, layer: int) -> int:
        """Index of the job that writes a vector of a layer."""
        return next(
            index
            for index, job in enumerate(self.jobs)
            if job.layer == layer and vector in job.makes
        )

    @cached_property
    def job_kinds(self) -> tuple[UpdateKind, ...]:
        """The kind of each job."""
        return tuple(UpdateKind.of(self.network, job.layer, job.makes) for job in self.jobs)

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
        layer = len(self.network.recurrent)
        job = self.jobs[self.job_making("h", layer - 1)]
        return Pass(
            layer=layer,
            matrix="x",
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
        layer = self.network.recurrent[index]
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
        return sum(other.units for other in self.network.recurrent[: max(layer, 0)])

    def rows_of(self, single: Pass) -> int:
        """Rows that a pass' columns run over."""
        return next(job.rows for job in self.jobs if job.layer == single.layer)

    def row_of(self, single: Pass) -> int:
        """First row that a pass' columns run over."""
        return next(job.row for job in self.jobs if job.layer == single.layer)

    def macs(self, single: Pass) -> int:
        """Cycles that the array needs for a pass: one per column, row and gate."""
        return single.columns * self.rows_of(single) * len(single.gates)

    @property
    def state_units(self) -> int:
        """Words of h, and of c, that a stream has: the units of all recurrent layers."""
        return sum(layer.units for layer in self.network.recurrent)
