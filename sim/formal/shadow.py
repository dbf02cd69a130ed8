"""The shadow memory: each sum is written before it is read, and read before it is overwritten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Signal, Value

from hdl.parts.numeric import span
from hdl.timing.latency import READ
from sim.formal.observed import Observed, Unit


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One of the array's operations.

    Attributes:
        valid, final: the operation takes place, and completes its sums.
        gate, row: accumulators that it adds to.
    """

    valid: Value
    final: Value
    gate: Value
    row: Value

    def completes(self, gate: int, row: int) -> Value:
        """Whether the sums of a place are complete with it."""
        return self.valid & self.final & (self.gate == gate) & (self.row == row)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A used place of the shadow memory.

    Attributes:
        job, within: the job, and the index of one of its rows.
        gate: the accumulator slot.
        stage: of the state update, in which units read the sum.
        row: of the shadow.
    """

    job: int
    within: int
    gate: int
    stage: int
    row: int

    @property
    def name(self) -> str:
        """Part of an identifier."""
        return f"{self.gate}_{self.job}_{self.within}"


def claim_shadow(observed: Observed) -> None:
    """Claim that sums on their way plus full places equal the rows that wait to be read.

    A place is full from the write of its sum until its row's last unit reads it. It holds at most
    one sum, and is full whenever a unit reads it.
    """
    operations = _operations(observed)
    filled, places = operations[-1], _places(observed)
    fill = observed.inside("array.shadow.i_fill")
    observed.claims.always("fill_is_the_operations", fill == (filled.valid & filled.final))
    overwritten, empty, unbalanced, several = Const(0), Const(0), Const(0), Const(0)
    for place in places:
        fills = filled.completes(place.gate, place.row)
        reads, ends = _reads(observed, place)
        full = Signal(2, name=f"full_{place.name}")
        observed.m.d.sync += full.eq(full + fills - ends)
        overwritten |= fills & (full != 0)
        empty |= reads & (full != 1)
        coming = _sum(op.completes(place.gate, place.row) for op in operations)
        issued, completed = _progress(observed, place)
        waiting = observed.claims.let(f"waiting_{place.name}", _waiting(observed, place))
        unbalanced |= (coming + full) != (waiting + (issued & ~completed))
        several |= (coming + full) > 1
    observed.claims.never("shadow_is_overwritten", overwritten)
    observed.claims.never("shadow_is_read_too_early", empty)
    observed.claims.never("shadow_is_unbalanced", unbalanced)
    observed.claims.never("shadow_place_is_shared", several)
    observed.claims.never("column_overwrites_shadow", _reissued(observed, places))
    observed.claims.never("row_overtakes_its_sums", _overtakes(observed, operations, places))
    observed.claims.always("rows_are_whole_in_the_update", _closed(observed))


def _reissued(observed: Observed, places: list[Place]) -> Value:
    """Whether the array completes a row's sums while the previous step's row still waits."""
    result: Value = Const(0)
    for place in places:
        plan, here = observed.plan, observed.position
        begins = _begins(observed, place)
        started = (observed.pass_row != 0) | (observed.gate != 0)
        started &= observed.column == plan.work.passes[begins].columns - 1
        _, completed = _progress(observed, place)
        inside = ((here > begins) | ((here == begins) & started)) & ~completed
        result |= inside & (_waiting(observed, place) != 0)
    return result


def _overtakes(observed: Observed, operations: list[Operation], places: list[Place]) -> Value:
    """Whether a row has overtaken its own sums on their way to the shadow memory."""
    result: Value = Const(0)
    for place in places:
        rows = [
            valid & (row.job == place.job) & (row.row == place.row)
            for valid, row in [*reversed(observed.rows_on_the_way[:-1]), *observed.queue]
        ]
        units = [
            unit["valid"] & (unit["job"] == place.job) & (unit["row"] == place.row)
            for unit in observed.units[: place.stage + 1]
        ]
        entering = (observed.units[0]["job"] == place.job) & (observed.lanes_left != 0)
        entering &= observed.units[0]["row"] == place.row
        later = _any(units) | entering
        # A row waits a cycle before it may enter, and its first sum is read a cycle after that.
        announced = observed.plan.array.row_delay + 1
        beyond = [
            *(_any(rows[stage:]) | later for stage in range(announced + 1)),
            (rows[announced] & observed.enters) | later,
            later,
            _any(units[1:]),
        ]
        for operation, overtakes in zip(operations, beyond, strict=True):
            result |= operation.completes(place.gate, place.row) & overtakes
    return result


def _closed(observed: Observed) -> Value:
    """Whether the last unit of its row follows each unit."""
    result: Value = Const(1)
    entering = observed.units[0]
    for stage, unit in enumerate(observed.units):
        last = [
            other["valid"] & other["ends_row"] & _same_row(other, unit)
            for other in observed.units[:stage]
        ]
        last.append((observed.lanes_left != 0) & _same_row(entering, unit))
        result &= ~unit["valid"] | unit["ends_row"] | _any(last)
    return result


def _same_row(one: Unit, other: Unit) -> Value:
    return (one["job"] == other["job"]) & (one["row"] == other["row"])


def claim_reader(observed: Observed) -> None:
    """Claim that each bank's read request names the sum that its unit needs."""
    plan, cost = observed.plan, observed.plan.update_cost
    reads = max(map(len, plan.reads))
    right, held = Const(1), Const(1)
    for bank in range(plan.array.banks):
        asked = observed.core.update.read[bank]
        count = observed.inside(f"update.reader.count{bank}", len(Signal(span(reads + 1))))
        newer: Value = Const(0)
        for number in range(reads):
            unit = observed.units[READ + number]
            ours = unit["valid"] & (unit["bank"] == bank)
            gates = [of_job[number] if number < len(of_job) else None for of_job in plan.reads]
            asks = [
                (unit["job"] == job) & (Const(1) if gate is None else asked.gate == gate)
                for job, gate in enumerate(gates)
            ]
            same = _any(asks) & (asked.row == unit["row"]) & (asked.groups == 1 << unit["group"])
            right &= ~ours | same
            job = observed.inside(f"update.reader.job{bank}", len(unit["job"]))
            held &= ~ours | newer | (same & (job == unit["job"]) & (count == number + 1))
            newer |= ours
    observed.claims.always("sums_are_the_units", right)
    observed.claims.always("reader_holds_its_unit", held)
    turn = cost.interval * plan.array.banks
    spaced = Const(1)
    for stage, unit in enumerate(observed.units):
        for younger in observed.units[max(0, stage - turn + 1) : stage]:
            spaced &= ~(unit["valid"] & younger["valid"] & (unit["bank"] == younger["bank"]))
    observed.claims.always("units_of_a_bank_are_apart", spaced)
    observed.claims.always("units_keep_the_beat", _beat(observed))


def _beat(observed: Observed) -> Value:
    """Whether units of a row enter bank by bank, one interval apart."""
    interval, banks = observed.plan.update_cost.interval, observed.plan.array.banks
    result: Value = Const(1)
    active, now = observed.active, observed.unit("bank")
    for stage, unit in enumerate(observed.units):
        for bank in range(banks):
            ours = unit["valid"] & (unit["bank"] == bank)
            if bank * interval + stage < banks * interval:
                behind = active & (now == bank + stage // interval)
                result &= ~ours | (behind & (observed.phase == stage % interval))
            if bank and stage + interval < len(observed.units):
                before = observed.units[stage + interval]
                result &= ~ours | (before["valid"] & (before["bank"] == bank - 1))
    return result


def _operations(observed: Observed) -> list[Operation]:
    """Return the operations from the sequencer to the write into the shadow memory."""
    sequencer, array = observed.core.sequencer, observed.core.array
    operations = [
        Operation(
            valid=sequencer.valid,
            final=sequencer.final,
            gate=sequencer.place.gate,
            row=sequencer.place.row,
        ),
        Operation(
            valid=array.i_valid,
            final=array.i_final,
            gate=array.i_place.gate,
            row=array.i_place.row,
        ),
    ]
    for stage in range(observed.plan.array.total):
        before = operations[-1]
        fields: dict[str, Value] = {}
        for name in ("valid", "final", "gate", "row"):
            value: Value = getattr(before, name)
            later = Signal(len(value), name=f"array_{name}{stage}", reset_less=name != "valid")
            observed.m.d.sync += later.eq(value)
            fields[name] = later
        operations.append(Operation(**fields))
    return operations


def _places(observed: Observed) -> list[Place]:
    """Return the places of all jobs' sums."""
    plan = observed.plan
    return [
        Place(
            job=number,
            within=within,
            gate=gate,
            # What is asked for again later counts when it is used.
            stage=READ + (index if plan.network.layers[job.layer].cell.state else len(reads) - 1),
            row=job.row + within,
        )
        for number, (job, reads) in enumerate(zip(plan.work.jobs, plan.reads, strict=True))
        for index, gate in enumerate(dict.fromkeys(reads))
        for within in range(job.rows)
    ]


def _reads(observed: Observed, place: Place) -> tuple[Value, Value]:
    """Whether any unit, and whether its row's last unit, reads a place in this cycle."""
    unit = observed.units[place.stage]
    reads = unit["valid"] & (unit["job"] == place.job) & (unit["row"] == place.row)
    return reads, reads & unit["ends_row"]


def _waiting(observed: Observed, place: Place) -> Value:
    """Count the rows of a place whose last unit has not read it."""
    rows = observed.rows_on_the_way + observed.queue
    waiting = [valid & (row.job == place.job) & (row.row == place.row) for valid, row in rows]
    entering = observed.units[0]
    ours = (entering["job"] == place.job) & (entering["row"] == place.row)
    waiting.append(ours & (observed.lanes_left != 0))
    waiting += [
        unit["valid"] & unit["ends_row"] & (unit["job"] == place.job) & (unit["row"] == place.row)
        for unit in observed.units[: place.stage + 1]
    ]
    return _sum(waiting)


def _begins(observed: Observed, place: Place) -> int:
    """Index of the pass that completes a place's sums."""
    layer = observed.plan.work.jobs[place.job].layer
    return next(
        position
        for position, single in enumerate(observed.plan.work.passes)
        if single.layer == layer and place.gate in single.final
    )


def _progress(observed: Observed, place: Place) -> tuple[Value, Value]:
    """Whether this walk has issued a place's last operation, and completed its row."""
    passes, here = observed.plan.work.passes, observed.position
    begins = _begins(observed, place)
    ends = next(n for n, single in enumerate(passes) if single.completes == place.job)
    own_gate = place.gate - passes[begins].gates[0]
    behind = observed.pass_row > place.within
    at_gate = (observed.pass_row == place.within) & (observed.gate > own_gate)
    in_begins = (here == begins) & (observed.column == passes[begins].columns - 1)
    in_ends = (here == ends) & (observed.column == passes[ends].columns - 1)
    issued = (here > begins) | (in_begins & (behind | at_gate))
    return issued, (here > ends) | (in_ends & behind)


def _any(values: Iterable[Value]) -> Value:
    return Cat(*values).any()


def _sum(values: Iterable[Value]) -> Value:
    return sum(values, start=Value.cast(Const(0)))
