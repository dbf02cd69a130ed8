"""The order of work of one network on a number of lanes: its passes and jobs.

A *pass* runs over all elements (*columns*) of one operand and adds to the sums of some gates of one
layer. Units are dealt over lanes in *rows* of ``lanes`` units. A *job* is a set of sums that leaves
the array together: a layer's gates, or a part of them where a cell drains in two parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from golden.quantized import QuantizedNetwork
from hdl.cells import Schedule, reads_x_once, schedule
from hdl.parts.memory import LUT_RAM_WORDS
from hdl.spec.jobs import Job, is_hasty
from hdl.spec.kinds import UpdateKind
from hdl.spec.options import CoreOptions
from hdl.spec.swept_network import SweptNetwork
from hdl.spec.windows import Read, Windows


@dataclass(frozen=True, kw_only=True)
class Pass(Read):
    """One run over the columns of an operand.

    Attributes:
        layer: index of the layer whose sums it adds to.
        base: address of the first element in that memory.
        columns: number of elements.
        choices: columns of weights per element; more than 1 where x is an index.
        gates: indices of the gates that it adds to, contiguous.
        first: of ``gates``, those whose sums begin in this pass.
        final: of ``gates``, those whose sums are complete with this pass.
        completes: index of the job that is complete with this pass, or ``None``.
        drains: index of the last job that takes sums of ``final`` gates, or ``None``.
    """

    layer: int
    base: int
    columns: int
    gates: range
    first: tuple[int, ...]
    final: tuple[int, ...]
    completes: int | None
    drains: int | None
    choices: int = 1


@dataclass(frozen=True, kw_only=True)
class Work:
    """Passes and jobs of one network.

    Attributes:
        network: the network.
        lanes: multipliers of the array, over which units are dealt.
        packed: rows of dense layers lie in all slots of the accumulators, which saves memory.
        reuses: late layers use rows of others again; beside ``packed`` only where that saves LUT
            RAM.
    """

    network: QuantizedNetwork
    lanes: int
    packed: bool = False
    reuses: bool = False

    @classmethod
    def of(cls, network: QuantizedNetwork, options: CoreOptions) -> Work:
        """Return the work of a network on a core."""
        packs = any(reads_x_once(n.cell) and n is not network.head for n in network.layers)
        work = cls(network=network, lanes=options.lanes)
        packed = packs and work.slots > 1 and not options.storage.loadable
        clears = options.interface.state == "clear" and not options.interface.every_step
        if options.delta and not clears:  # sums live on behind a result
            return replace(work, packed=packed)
        if packed or options.storage.loadable or options.storage.side_by_side:
            return replace(work, packed=packed, reuses=packed)
        reusing = replace(work, reuses=True)
        # LUT RAMs per bit of a lane's sums
        rams, fewer = (-(-one.sum_rows * one.slots // LUT_RAM_WORDS) for one in (work, reusing))
        return reusing if fewer < rams else work

    @property
    def slots(self) -> int:
        """Accumulators of a lane in a row: a power of two."""
        return 1 << (max(len(layer.cell.gates) for layer in self.network.layers) - 1).bit_length()

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedule of each layer."""
        return tuple(schedule(layer.cell) for layer in self.network.layers)

    @cached_property
    def windows(self) -> Windows:
        """Lags and warm-up of the layers."""
        return Windows(network=self.network)

    @cached_property
    def late(self) -> frozenset[int]:
        """Layers that run only in steps with a result, behind all others.

        These are the network's late layers but those before a result of every step: the words of a
        result come in the order of the layers.
        """
        early = [n for n in range(len(self.network.layers)) if n not in self.network.late]
        last = max(n for n in (-1, *early) if n < 0 or n + 1 in self.network.result_vectors)
        return frozenset(n for n in self.network.late if n > last)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Layers in the order in which they run."""
        return tuple(sorted(range(len(self.network.layers)), key=lambda n: (n in self.late, n)))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs of the layers in the order in which they run."""
        jobs: list[Job] = []
        for index in self.order:
            layer = self.network.layers[index]
            row = self._first_row(index, jobs)
            name = "head" if layer is self.network.head else f"layer{index}"
            kept = layer.cell.state or self.network.is_read(index + 1)
            rows, packed = -(-layer.units // self.lanes), self.packed and reads_x_once(layer.cell)
            jobs += [
                Job(
                    name=name + ("" if "h" in drain.makes else f".{drain.makes[-1]}"),
                    layer=index,
                    gates=drain.gates,
                    makes=drain.makes if kept else (),
                    units=layer.units,
                    row=row,
                    rows=rows,
                    taken=-(-rows // self.slots) if packed else rows,
                    packed=packed,
                    unit=self.first_unit(index),
                    emits="h" in drain.makes and index + 1 in self.network.result_vectors,
                )
                for drain in self.schedules[index].drains
            ]
        return tuple(jobs)

    def _first_row(self, index: int, jobs: Sequence[Job]) -> int:
        """Return the first accumulator row of a layer that runs behind ``jobs``.

        A late layer may use others' rows again, but for a hasty layer's. Accumulators are free once
        a layer's passes are over; the shadow's rows are not. The last column of a layer waits for
        the last element of what it reads, so the sums up to those that made it are drained.
        """
        if self.reuses and index in self.late and not self.swept:
            reads = [*zip(self.network.sources[index], self.network.lags[index], strict=True)]
            behind = [n + 1 for n, job in enumerate(jobs) if (job.layer + 1, 0) in reads]
            hasty = is_hasty(self.network, self.order[0])
            jobs = [*jobs[:hasty], *jobs[max(behind, default=0) :]]
        return max((job.end for job in jobs), default=0)

    def waits(self, number: int) -> tuple[int, ...]:
        """Indices of the jobs whose sums of the time before a job's sums overwrite.

        They are its own, and the last job's, which is drained behind all others, if a layer behind
        it uses its rows again.
        """
        shared = any(self.jobs[number].meets(job) for job in self.jobs[number + 1 :])
        return (number, len(self.jobs) - 1) if shared else (number,)

    @property
    def sum_rows(self) -> int:
        """Accumulator rows of all jobs."""
        return max(job.end for job in self.jobs)

    @cached_property
    def unread(self) -> tuple[int, ...]:
        """Indices of the jobs that make no vector."""
        return tuple(index for index, job in enumerate(self.jobs) if not job.makes)

    def job_making(self, vector: str, layer: int) -> int:
        """Index of the job that writes a vector of a layer."""
        made = (n for n, job in enumerate(self.jobs) if job.layer == layer and vector in job.makes)
        return next(made)

    @cached_property
    def job_kinds(self) -> tuple[UpdateKind, ...]:
        """The kind of each job."""
        return tuple(UpdateKind.of(self.network, job.layer, job.makes) for job in self.jobs)

    @cached_property
    def step_passes(self) -> tuple[Pass, ...]:
        """Passes of every step, in order."""
        return self._passes_of(n for n in self.order if n not in self.late)

    @cached_property
    def late_passes(self) -> tuple[Pass, ...]:
        """Passes that follow in a step with a result."""
        return self._passes_of(n for n in self.order if n in self.late)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """All passes in the order of the weight memory."""
        return self.step_passes + self.late_passes

    @property
    def swept(self) -> bool:
        """Tell whether each step runs one layer alone, see :mod:`hdl.spec.sweeps`."""
        return isinstance(self.network, SweptNetwork)

    @property
    def rereads(self) -> bool:
        """Tell whether several passes of a step read x, or it is one pass, its first and last."""
        reads = sum(single.source < 0 for single in self.passes)
        return not self.swept and (reads > 1 or len(self.step_passes) == 1)

    @cached_property
    def ends(self) -> frozenset[int]:
        """Positions of the passes that end a step without late passes."""
        if not self.swept:
            return frozenset({len(self.step_passes) - 1})
        return frozenset({single.layer: at for at, single in enumerate(self.passes)}.values())

    def _passes_of(self, layers: Iterable[int]) -> tuple[Pass, ...]:
        return tuple(single for index in layers for single in self._layer_passes(index))

    def _layer_passes(self, index: int) -> list[Pass]:
        layer, starts = self.network.layers[index], self.swept or index == self.order[0]
        order = self.schedules[index].first if starts else self.schedules[index].later
        slots = {gate.name: slot for slot, gate in enumerate(layer.cell.gates)}
        reads = [
            (read, [slots[name] for name in names])
            for operand, names in order
            for read in self.windows.reads(index, operand)
        ]
        jobs = [number for number, job in enumerate(self.jobs) if job.layer == index]
        passes: list[Pass] = []
        if starts and order[0][0] != "x":
            raise ValueError(f"the first layer must begin with x, not {order[0][0]!r}")
        for position, (read, gates) in enumerate(reads):
            if gates != list(range(gates[0], gates[-1] + 1)):
                raise ValueError(f"gates that read {read.matrix} must be neighbours, not {gates!r}")
            before = {gate for *_, others in reads[:position] for gate in others}
            after = {gate for *_, others in reads[position + 1 :] for gate in others}
            final = tuple(gate for gate in gates if gate not in after)
            drains = [n for n in jobs if any(slots[gate] in final for gate in self.jobs[n].gates)]
            waits = [n for n in drains if any(slots[gate] in after for gate in self.jobs[n].gates)]
            done = [n for n in drains if n not in waits]
            if len(done) > 1:
                raise ValueError(f"the pass over {read.matrix} must end one drain, not {done!r}")
            matrix = layer.weights[layer.cell.gates[gates[0]].matrix(read.matrix)]
            choices = matrix.shape[1] if self.network.selects(index) and read.source < 0 else 1
            passes.append(
                Pass(
                    layer=index,
                    **vars(read),
                    base=self.first_unit(read.source),
                    columns=matrix.shape[1] // choices,
                    choices=choices,
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

    def job_of(self, single: Pass) -> Job:
        """Return the first job of a pass' layer."""
        return next(job for job in self.jobs if job.layer == single.layer)

    def rows_of(self, single: Pass) -> int:
        """Rows that a pass' columns run over."""
        return self.job_of(single).rows

    def row_of(self, single: Pass) -> int:
        """First row that a pass' columns run over."""
        return self.job_of(single).row

    def macs(self, single: Pass) -> int:
        """Cycles that the array needs for a pass: one per column, row and gate."""
        return single.columns * self.rows_of(single) * len(single.gates)

    def words(self, single: Pass) -> int:
        """Words of a pass' weights: one per cycle, for each choice of columns."""
        return self.macs(single) * single.choices

    def words_before(self, index: int) -> int:
        """Address of a pass' first word of weights."""
        return sum(self.words(single) for single in self.passes[:index])

    @property
    def state_units(self) -> int:
        """Words of h, and of c, that a stream has: the units of all layers that make vectors."""
        return max(job.unit + job.units for job in self.jobs if job.makes)

    @property
    def state_layers(self) -> int:
        """Number of layers up to the last one that makes a vector."""
        return 1 + max(job.layer for job in self.jobs if job.makes)
