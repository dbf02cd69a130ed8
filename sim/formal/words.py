"""Output words: whole results, the last word marked, in the order of the sequences."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Const, Mux, Signal, Value

from sim.formal.observed import Observed
from sim.formal.order import Order


class Words:
    """Numbers the words of a result.

    Attributes:
        given: number of the word that ``o`` gives next.
        entered: number of the word that enters the state update next.
        numbered: words from ``o`` back to the state update, as (valid, number, last, stream).
        following: number of the next word after those.
    """

    def __init__(self, observed: Observed) -> None:
        self.observed = observed
        self.count = observed.plan.result_words
        o, unit = observed.core.o, observed.units[0]
        self.given = self._counter("given", o.valid & o.ready)
        self.entered = self._counter("entered", unit["word"])
        places = list(observed.words)
        places += [
            (stage["word"], stage["last"] & stage["final"], stage["stream"])
            for stage in observed.units[observed.result_stage :: -1]
        ]
        number: Value = self.given
        self.numbered: list[tuple[Value, Value, Value, Value]] = []
        for place, (valid, last, stream) in enumerate(places):
            self.numbered.append((valid, number, last, stream))
            after = Mux(valid, self.after(number), number)
            number = observed.claims.let(f"word_number{place}", after)
        self.following = number

    def after(self, number: Value) -> Value:
        """Number of the next word."""
        return Mux(number == self.count - 1, 0, number + 1)

    def ends(self, number: Value) -> Value:
        """Whether a word is its result's last."""
        return number == self.count - 1

    def _counter(self, name: str, moves: Value) -> Signal:
        number = Signal(range(self.count + 1), name=name)
        with self.observed.m.If(moves):
            self.observed.m.d.sync += number.eq(self.after(number))
        return number


def claim_words(observed: Observed, order: Order, words: Words) -> None:
    """Claim that ``last`` comes only with a result's last word, and that no word is lost."""
    claims, o, unit = observed.claims, observed.core.o, observed.units[0]
    exact = not observed.plan.options.interface.every_step
    marks = Const(1)
    for valid, number, last, _ in words.numbered:
        ends = words.ends(number)
        marks &= ~valid | ((last == ends) if exact else (~last | ends))
    right = (
        (o.payload.last == words.ends(words.given))
        if exact
        else (~o.payload.last | words.ends(words.given))
    )
    claims.always("o_last_is_right", ~o.valid | right)
    stages = observed.units[observed.result_stage :: -1]
    for stage, (_, number, _, _) in zip(stages, words.numbered[len(observed.words) :], strict=True):
        marks &= ~stage["word"] | (stage["last"] == words.ends(number))
    claims.always("last_marks_are_right", marks)
    entered = Mux(unit["word"], words.after(words.entered), words.entered)
    claims.always("no_word_is_lost", words.following == entered)
    claims.always("words_are_the_rows_units", words.entered == _expected(observed, order, words))


def _expected(observed: Observed, order: Order, words: Words) -> Value:
    """Return the number of the next word, from the row and the lane that enter."""
    unit = observed.units[0]
    number = Signal(range(words.count + 1), name="entered_by_row")
    if observed.plan.options.interface.classes:
        return number
    for index in range(len(order.jobs)):
        if observed.emits(index):
            within = order.popped - order.starts[index]
            is_last = within == order.jobs[index].rows - 1
            lane = order.units(index, is_last) - observed.lanes_left
            with observed.m.If(order.is_of(order.popped, index)):
                rows = within * observed.plan.options.lanes
                observed.m.d.comb += number.eq(rows + lane + Mux(unit["valid"], 0, 1))
    return Mux(order.emits & (number != words.count), number, 0)


def claim_results(observed: Observed, words: Words) -> None:
    """Claim one result per step that asks for one, on each stream: none lost, none too early.

    At any time, each result that is due is in exactly one place: with a step's input in the operand
    store, in the sequencer, with a row, with a unit, or with an output word.
    """
    every_step = observed.plan.options.interface.every_step
    for stream in range(observed.plan.options.interface.streams):
        _claim_due(
            observed, words, stream, name=f"results_of_stream{stream}", every_step=every_step
        )
        if every_step:
            _claim_due(observed, words, stream, name=f"lasts_of_stream{stream}", every_step=False)


def _claim_due(
    observed: Observed, words: Words, stream: int, *, name: str, every_step: bool
) -> None:
    """Claim that every end (of a step or a sequence) that went in comes out, or is in the core."""
    steps, o = observed.step, observed.core.o
    ours = _of_stream(stream)

    def due(last: Value) -> Value:
        return Const(1) if every_step else last

    def marked(number: Value, last: Value) -> Value:
        return words.ends(number) if every_step else last

    places = [valid & due(step["last"]) & ours(step["stream"]) for valid, step in steps.banks]
    current = steps.current
    places += [(observed.position != 0) & due(current["last"]) & ours(current["stream"])]
    places += [
        valid & row.emit & row.last & due(row.final) & ours(row.stream)
        for valid, row in observed.rows_on_the_way + observed.queue
    ]
    unit = observed.units[0]
    ends_later = unit["emit"] & observed.unit("ends_job") & (observed.lanes_left != 0)
    places += [ends_later & due(unit["final"]) & ours(unit["stream"])]
    places += [
        stage["word"] & stage["last"] & due(stage["final"]) & ours(stage["stream"])
        for stage in observed.units[: observed.result_stage + 1]
    ]
    places += [
        valid & marked(number, last) & ours(of)
        for valid, number, last, of in words.numbered[: len(observed.words)]
    ]
    pending = Signal(range(len(places) + 2), name=f"pending_{name}")
    _, number, last, of = words.numbered[0]
    come = steps.complete & due(steps.taken["last"]) & ours(steps.taken["stream"])
    gone = o.valid & o.ready & marked(number, last) & ours(of)
    observed.m.d.sync += pending.eq(pending + come - gone)
    observed.claims.always(name, pending == sum(places, Const(0)))


def _of_stream(stream: int) -> Callable[[Value], Value]:
    return lambda number: number == stream
