"""Layouts of a pass, as the sequencer reads it, and of a row, as the state update gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Mux, Value
from amaranth.lib import data

from hdl.layout.changes import delta_constants, delta_layout
from hdl.layout.vectors import operand_codes, turn_shape
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.spec.passes import Pass


def row_layout(plan: Plan) -> data.StructLayout:
    """Layout of a completed row, as the sequencer hands it to the state update.

    Fields: ``job``, its kind; ``row``; ``units``, the number of its units less one; ``begin``, it
    is the job's first row; ``stream``; ``zero``, the state of the step before is zero; ``emit``,
    its results go to the output stream; ``last``, it is the job's last row; ``final``, of a
    sequence's last step; where jobs are loaded ``layer`` and ``start``, the index of the job's
    first unit; ``slot``, that of a packed row; where h is read at a lag its step's ``turn``.
    """
    return data.StructLayout(
        {
            "job": span(len(plan.kinds)),
            "row": span(plan.sizes.rows),
            "units": span(plan.options.lanes),
            "begin": 1,
            "stream": span(plan.options.interface.streams),
            "zero": 1,
            "emit": 1,
            "last": 1,
            "final": 1,
            **(_job_layout(plan) if plan.options.storage.loadable else {}),
            **({"slot": span(plan.work.slots)} if plan.work.packed else {}),
            **({"turn": turn_shape(plan)} if plan.work.windows.past_layers else {}),
        }
    )


def _job_layout(plan: Plan) -> dict[str, Any]:
    """Fields of a job where passes are loaded: its layer, and the index of its first unit."""
    return {"layer": span(plan.sizes.layers), "start": span(plan.sizes.unit_words)}


def sources(plan: Plan) -> list[tuple[str, int]]:
    """The different vectors that passes read, as (memory, layer that produces it)."""
    if plan.options.storage.loadable:
        return [("x", -1), *plan.vectors]
    return list(dict.fromkeys((single.operand, single.source) for single in plan.work.passes))


def walk_layout(plan: Plan) -> data.StructLayout:
    """Layout of the array's place in a pass: column and the next two, row of the job, gate.

    ``rows_left`` counts the rows that follow in the column, ``gates_left`` the gates in the row.
    """
    sizes = plan.sizes
    return data.StructLayout(
        {
            "column": span(sizes.columns),
            "next_column": span(sizes.columns + 1),
            "later_column": span(sizes.columns + 2),
            "row": span(sizes.job_rows),
            "gate": span(sizes.gates),
            "rows_left": span(sizes.job_rows),
            "gates_left": span(sizes.gates),
        }
    )


def constants_layout(plan: Plan) -> data.StructLayout:
    """Fields of :func:`pass_constants`."""
    walk, sizes = walk_layout(plan), plan.sizes
    drained = len(plan.vectors) + 1 if plan.options.storage.loadable else len(plan.work.jobs)
    return data.StructLayout(
        {
            "job": span(len(plan.kinds)),
            "drains": span(drained),
            "source": span(len(sources(plan))),
            "operand": operand_codes(plan),
            "base": span(max(sizes.inputs, sizes.state_units)),
            "recurrent": 1,
            "last_column": walk["column"].shape,
            "first_row": span(sizes.rows),
            "last_row": walk["row"].shape,
            "units_in_last_row": span(plan.options.lanes),
            "first_gate": span(sizes.gates),
            "last_gate": span(sizes.gates),
            "first": sizes.gates,
            "final": sizes.gates,
            "completes": 1,
            "is_input": 1,
            "is_head": 1,
            "ends_job": 1,
            "ends_step": 1,
            "emits": 1,
            **({"packed": 1} if plan.work.packed else {}),
            **({"weights": span(sizes.weight_words)} if addressed(plan) else {}),
            **({"selects": 1} if plan.network.indexed else {}),
            **({"begins": 1, "releases": 1, "releases_late": 1} if plan.work.rereads else {}),
            **(_window_layout(plan) if plan.work.windows.used else {}),
            **(delta_layout(plan) if plan.options.delta else {}),
            **(
                {"restarts": drained, **_job_layout(plan)}
                if plan.options.storage.loadable
                else {"next_source": span(len(sources(plan))), "next_recurrent": 1, "hands_over": 1}
            ),
        }
    )


def addressed(plan: Plan) -> bool:
    """Tell whether passes have the addresses of their weights: they do not follow in order."""
    return plan.work.swept or bool(plan.network.indexed)


OF_NEXT = ("next_source", "next_recurrent", "hands_over")
"""Fields of a pass that describe the *next* pass; all are 0 if that is the pass over x."""


def pass_constants(plan: Plan, index: int, single: Pass) -> dict[str, Any]:
    """Constants of a pass for the sequencer; gates count from the pass' first one.

    ``is_head`` is set of the last pass of a step with a result, where others end before.
    ``next_source`` and ``next_recurrent`` describe the next pass. ``hands_over`` is set if the last
    operation of the pass restarts the vector that the next pass reads.
    """
    number = single.completes if single.completes is not None else 0
    job, rows = plan.work.jobs[number], plan.work.rows_of(single)
    units = plan.work.job_of(single).units
    start = single.gates[0]
    loadable = plan.options.storage.loadable
    more = _loaded_constants(plan, single) if loadable else _of_next(plan, index, single)
    return {
        "job": number,
        "drains": single.drains if single.drains is not None else 0,
        "source": sources(plan).index((single.operand, single.source)),
        "operand": operand_codes(plan)[single.operand.upper()],
        "base": single.base,
        "recurrent": single.recurrent,
        "last_column": single.columns - 1,
        "first_row": plan.work.row_of(single),
        "last_row": rows - 1,
        "units_in_last_row": (units - 1) % plan.options.lanes,
        "first_gate": start,
        "last_gate": len(single.gates) - 1,
        "first": sum(1 << (gate - start) for gate in single.first),
        "final": sum(1 << (gate - start) for gate in single.final),
        "completes": bool(single.final),
        "is_input": single.source < 0,
        "is_head": bool(plan.work.late_passes) and index == len(plan.work.passes) - 1,
        "ends_job": single.completes is not None,
        "ends_step": index in plan.work.ends,
        "emits": job.makes != ("rh",) and single.layer + 1 in plan.network.result_vectors,
        **({"packed": plan.work.job_of(single).packed} if plan.work.packed else {}),
        **({"weights": plan.work.words_before(index)} if addressed(plan) else {}),
        **({"selects": index == 0} if plan.network.indexed else {}),
        **(_of_input(plan, index, single) if plan.work.rereads else {}),
        **(_of_windows(plan, single) if plan.work.windows.used else {}),
        **(delta_constants(plan, index, single) if plan.options.delta else {}),
        **more,
    }


def _window_layout(plan: Plan) -> dict[str, Any]:
    """Layout of :func:`_of_windows`."""
    windows = plan.work.windows
    counts = span(windows.count + 1)
    return {"lag": span(max(windows.furthest) + 1), "zero_before": counts, "fresh_before": counts}


def _of_windows(plan: Plan, single: Pass) -> dict[str, Any]:
    """Fields of networks with lags or warm-up.

    ``lag``; steps at the start of a sequence in which the operand is zero, and in which the state
    that the layer's update takes is.
    """
    return {
        "lag": single.lag,
        "zero_before": single.zero_before,
        "fresh_before": plan.work.windows.state_zero_before(single.layer),
    }


def _of_input(plan: Plan, index: int, single: Pass) -> dict[str, Any]:
    """Fields of networks that read x more than once, or whose step is one pass.

    ``begins``: the step's first pass; ``releases``, ``releases_late``: the last one over x of a
    step without and with a result.
    """

    def last(passes: Sequence[Pass]) -> bool:
        return single is [one for one in passes if one.source < 0][-1]

    return {
        "begins": index == 0,
        "releases": last(plan.work.step_passes),
        "releases_late": last(plan.work.passes),
    }


def begins(plan: Plan, now: data.View) -> Value:
    """Tell whether a pass is its step's first."""
    return now.begins if plan.work.rereads else now.is_input


def sums_place(
    plan: Plan, now: data.View, *, gate: Value, row: Value
) -> tuple[Value, Value, Value]:
    """Slot and accumulator row of an operation, and its slot if it is of a packed row."""
    gate = now.first_gate + gate
    if not plan.work.packed:
        return gate, now.first_row + row, Const(0)
    bits = plan.work.slots.bit_length() - 1
    slot = row[:bits]
    row = now.first_row + Mux(now.packed, row[bits:], row)
    return Mux(now.packed, slot, gate), row, slot


def first_constants(plan: Plan) -> dict[str, Any]:
    """Constants that the sequencer starts from: the first pass', or 0 until the table is read."""
    if plan.options.storage.loadable:
        return {name: 0 for name, _ in constants_layout(plan)}
    return pass_constants(plan, 0, plan.work.passes[0])


def _of_next(plan: Plan, index: int, single: Pass) -> dict[str, Any]:
    """Fields describing the *next* pass. Only needed when passes are constants.

    In a core for sweeps any step's first pass reads x, like the first one of the table.
    """
    after = plan.work.passes[(index + 1) % len(plan.work.passes)]
    made: list[tuple[str, int]] = []
    if single.completes is not None and plan.work.rows_of(single) * len(single.gates) == 1:
        job = plan.work.jobs[single.completes]
        made = [(name, job.layer) for name in job.makes]
    if plan.work.swept and single.source < 0:
        made.append(("x", -1))
    return {
        "next_source": sources(plan).index((after.operand, after.source)),
        "next_recurrent": after.recurrent,
        "hands_over": (after.operand, after.source) in made or after is single,
    }


def _loaded_constants(plan: Plan, single: Pass) -> dict[str, Any]:
    """Fields that only loaded passes have, or that differ for them.

    ``drains`` and the bits of ``restarts`` count the vectors that the state update makes, and the
    head's sums last; ``is_head`` says that the step is over whatever it answers.
    """

    def place(number: int) -> int:
        job = plan.work.jobs[number]
        return (
            len(plan.vectors) if not job.makes else plan.vectors.index((job.makes[-1], job.layer))
        )

    number = single.completes if single.completes is not None else 0
    job = plan.work.jobs[number]
    made = [plan.vectors.index((name, job.layer)) for name in job.makes]
    made = made or [len(plan.vectors)]
    return {
        "job": plan.kind_numbers[number],
        "drains": place(single.drains) if single.drains is not None else 0,
        "is_head": single is plan.work.passes[-1],
        "restarts": sum(1 << index for index in made),
        "layer": job.layer if job.makes else 0,
        "start": job.unit,
    }


def table_words(plan: Plan) -> list[int]:
    """The loaded table: a word of :func:`constants_layout` for each pass."""
    layout = constants_layout(plan)
    words: list[int] = []
    for index, single in enumerate(plan.work.passes):
        fields: Any = pass_constants(plan, index, single)
        words.append(layout.const(fields).as_value().value)
    return words
