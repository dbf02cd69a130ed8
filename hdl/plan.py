"""The plan of a core: everything static about it, decided once.

The plan joins a network's order of work (`hdl.spec.passes`), what was chosen (`hdl.spec.options`)
and what the core must hold (`hdl.spec.capacity`) with the timing of its state update. The hardware,
the cycle count and the report are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from golden.cells import Cell
from golden.directions import check_forward
from golden.errors import InputError
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from hdl.array.lanes import ArrayShape
from hdl.cells import schedule
from hdl.parts.joint import Joint
from hdl.spec.capacity import Capacity, Sizes
from hdl.spec.kinds import UpdateKind
from hdl.spec.lists import Lists, check_lists
from hdl.spec.loadable import check_loadable
from hdl.spec.multipliers import check_weights, least_weight
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Work
from hdl.spec.sweeps import Sweeps
from hdl.spec.visits import revisit
from hdl.spec.windows import Windows
from hdl.timing.latency import Delays
from hdl.timing.update_cost import Program, UpdateCost, of_programs


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything static about one core.

    Args:
        network: the network that the core runs.
        options: what was chosen for the core.
        others: where weights are loaded, networks that the core is made for as well.
        core: where weights are loaded, the capacity of the core that the network is loaded into;
            ``None`` for one that is made for this network and ``others``.

    Raises:
        InputError: an option is out of range, the network has no classes to give out, a layer is
            not a forward one, or the network does not fit the core.
    """

    network: QuantizedNetwork
    options: CoreOptions
    others: tuple[QuantizedNetwork, ...] = ()
    core: Capacity | None = None

    def __post_init__(self) -> None:
        Windows(network=self.network).check(self.options)
        if self.options.max_steps:
            self.options.check_sweeps(self.network)
        else:
            check_forward(self.network.layers)
        self._check_graph()
        check_lists(self.network, self.options)
        if self.others and not self.options.storage.loadable:
            raise InputError("several networks can share a core only with weights ram or double")
        if self.core:
            self.options.interface.check(self.network)
            self.core.check(self.work)
            if self.core.joint:
                check_weights(least_weight(self.network), self.core.joint)
            return
        networks = (self.network, *self.others)
        self.options.check(max(layer.units for network in networks for layer in network.body))
        self.options.interface.check(self.network)
        if not self.options.max_steps:
            self._check_single_pass()

    def _check_graph(self) -> None:
        """Refuse a network without recurrent layer, and what a loaded network cannot be."""
        if not any(layer.cell.state for layer in self.network.layers):
            raise InputError("no layer is recurrent: a core needs a recurrent layer")
        if self.options.storage.loadable:
            for network in (self.network, *self.others):
                check_loadable(network)

    def _check_single_pass(self) -> None:
        """Refuse what needs a second pass in a step."""
        interface = self.options.interface
        waits = self.work.late_passes and not interface.every_step
        if len(self.work.step_passes) == 1 and (waits or interface.state == "load"):
            raise InputError(
                "layer0 reads x once, and no other layer runs in every step: such a core takes no "
                "--state load, and layers behind it only with --every-step"
            )

    @cached_property
    def sweeps(self) -> Sweeps:
        """The network's sweeps, where the core buffers sequences."""
        options = self.options
        return Sweeps(self.network, options.interface.every_step, rows=options.max_steps)

    @cached_property
    def swept(self) -> Plan:
        """The plan of the core that runs the sweeps, where the core buffers sequences."""
        options = replace(self.options, interface=Interface(every_step=True), max_steps=0)
        return Plan(network=self.sweeps.network, options=options)

    @cached_property
    def work(self) -> Work:
        """Passes and jobs of the network, in their order."""
        if self.options.max_steps:
            return self.swept.work
        return Work.of(self.network, self.options)

    @cached_property
    def lists(self) -> Lists:
        """Lists of changes, where the core is a delta core."""
        return Lists(work=self.work)

    @property
    def listed(self) -> tuple[str, ...]:
        """Names of the vectors that have lists of changes: none unless the core is a delta core."""
        return self.lists.names if self.options.delta else ()

    @cached_property
    def _measured(self) -> Capacity:
        """The capacity; without ``joint`` for a core that is made for its networks."""
        if self.options.max_steps:
            return self._around(self.swept.capacity)
        return self.core or Capacity.of((self.network, *self.others), self.options)

    def _around(self, swept: Capacity) -> Capacity:
        """Put the network's own sizes around those of the core for the sweeps."""
        network, interface = self.network, self.options.interface
        sizes = replace(
            swept.sizes,
            inputs=network.inputs,
            outputs=interface.words(network),
            x_width=network.x.width,
            out_width=interface.out(network).width,
        )
        return replace(swept, interface=interface, sizes=sizes)

    @cached_property
    def capacity(self) -> Capacity:
        """Sizes and kinds that the core is made for, and how its lanes share multipliers."""
        return replace(self._measured, joint=self.joint)

    @cached_property
    def joint(self) -> Joint | None:
        """How lanes share multipliers; ``None`` if each has one.

        Raises:
            InputError: see :meth:`hdl.spec.multipliers.Multipliers.choose`.
        """
        if self.options.max_steps:
            return self.swept.joint
        if self.core:
            return self.core.joint
        update, tables = self.update_cost, 0
        if self.network.tanh.interpolate:
            tables = update.tables + sum(update.exponentials.values())
        return self.options.multipliers.choose(
            lanes=self.options.lanes,
            beside=update.hardware_multipliers + tables,
            operand_width=self.sizes.operand_width,
            weight_width=self.sizes.weight_width,
            least=min(least_weight(network) for network in (self.network, *self.others)),
        )

    @property
    def array_multipliers(self) -> int:
        """Hardware multipliers of the array."""
        return self.joint.multipliers(self.options.lanes) if self.joint else self.options.lanes

    def of(self, network: QuantizedNetwork) -> Plan:
        """Plan another network on the same core, whose weights are loaded.

        Raises:
            InputError: it does not fit.
        """
        return replace(self, network=network, others=(), core=self.capacity)

    @property
    def sizes(self) -> Sizes:
        """Sizes of the core."""
        return self._measured.sizes

    @property
    def kinds(self) -> tuple[UpdateKind, ...]:
        """Kinds that the state update is built for: one per job unless weights are loaded."""
        return self._measured.kinds if self.options.storage.loadable else self.work.job_kinds

    @property
    def kind_numbers(self) -> tuple[int, ...]:
        """For each job its index in ``kinds``."""
        if not self.options.storage.loadable:
            return tuple(range(len(self.work.jobs)))
        return tuple(self.kinds.index(kind) for kind in self.work.job_kinds)

    @cached_property
    def programs(self) -> tuple[tuple[Program, list[int]], ...]:
        """The different updates, each with the indices of its kinds; those without vector last."""
        found: dict[tuple[Cell, tuple[str, ...]], list[int]] = {}
        for index, kind in enumerate(self.kinds):
            found.setdefault((kind.cell, kind.makes), []).append(index)
        programs = []
        for (cell, makes), kinds in sorted(found.items(), key=lambda item: not item[0][1]):
            sigmoids = {self.kinds[index].sigmoid for index in kinds}
            drains = schedule(cell).drains
            drain = next(drain for drain in drains if not makes or drain.makes == makes)
            program = Program(
                drain=replace(drain, makes=makes),
                gates={gate.name: gate for gate in cell.gates},
                hard="hard" in sigmoids,
                logistic="logistic" in sigmoids,
            )
            programs.append((program, kinds))
        return tuple(programs)

    @property
    def _delays(self) -> Delays:
        return Delays.of(
            deep=self.options.storage.deep,
            soft=self.options.tail_multipliers == 0,
            interpolate=self.network.tanh.interpolate,
        )

    def check_steps(self, steps: int) -> None:
        """Refuse sequences that the core cannot buffer.

        Raises:
            InputError: they have too many steps.
        """
        most = self.options.max_steps
        if most and steps > most:
            raise InputError(
                f"sequences are of {steps} steps, expected {most} at most (--max-steps)"
            )

    @cached_property
    def update_cost(self) -> UpdateCost:
        """Timing and cost of the state update."""
        return of_programs(
            [program for program, _ in self.programs],
            multipliers=max(1, self.options.tail_multipliers),
            delays=self._delays,
            lanes=self.options.lanes,
        )

    @cached_property
    def reads(self) -> tuple[tuple[int, ...], ...]:
        """For each kind the accumulator slots whose sums are read, in that order."""
        reads: dict[int, tuple[int, ...]] = {}
        for (program, kinds), order in zip(self.programs, self.update_cost.orders, strict=True):
            slots = tuple(list(program.gates).index(gate) if gate else 0 for gate in order)
            reads |= dict.fromkeys(kinds, slots)
        return tuple(reads[kind] for kind in range(len(self.kinds)))

    @property
    def unread(self) -> int:
        """Number of jobs that make no vector, at least 1 and so many where jobs are loaded."""
        return 1 if self.options.storage.loadable else max(1, len(self.work.unread))

    @property
    def result_stage(self) -> int:
        """Cycles from a unit entering the state update until its word of a result is known."""
        made = {"h" if job.makes else "out" for job in self.work.jobs if job.emits}
        return max(self.update_cost.written[name] for name in made)

    @cached_property
    def array(self) -> ArrayShape:
        """Sizes of the MAC array."""
        return ArrayShape(
            lanes=self.options.lanes,
            operand_width=self.sizes.operand_width,
            weight_width=self.sizes.weight_width,
            accumulator_width=self.sizes.accumulator_width,
            rows=self.sizes.rows,
            gates=self.sizes.gates,
            banks=self.update_cost.banks,
            side_by_side=self.options.storage.side_by_side,
            joint=self.joint,
            revisit=1
            if self.options.storage.loadable
            else revisit(self.work, delta=self.options.delta),
        )

    @property
    def vectors(self) -> tuple[tuple[str, int], ...]:
        """Vectors that the state update makes, as (name, layer)."""
        if self.options.storage.loadable:
            names = [name for name in ("h", "c", "rh") if self.sizes.vector_width(name)]
            return tuple((name, layer) for layer in range(self.sizes.layers) for name in names)
        return tuple((name, job.layer) for job in self.work.jobs for name in job.makes)

    @property
    def result_words(self) -> int:
        """Output words of one result of the network."""
        return self.options.interface.words(self.network)
