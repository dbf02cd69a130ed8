"""The shared MAC array: lanes, their accumulators, and the shadow that the state update drains."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.component import Component


@dataclass(frozen=True, kw_only=True)
class ArrayShape:
    """Sizes of an array.

    Attributes:
        lanes: multipliers.
        operand_width, weight_width, accumulator_width: bits.
        rows: accumulator rows.
        gates: sums of each lane and row.
    """

    lanes: int
    operand_width: int
    weight_width: int
    accumulator_width: int
    rows: int
    gates: int

    @property
    def place(self) -> data.StructLayout:
        """Where a sum lives: its row and gate."""
        return data.StructLayout({"gate": range(self.gates), "row": range(self.rows)})

    @property
    def word(self) -> data.ArrayLayout:
        """One sum of every lane."""
        return data.ArrayLayout(signed(self.accumulator_width), self.lanes)


class MacArray(Component):
    """One operand times one word of weights a cycle, added to a row of accumulators.

        weights ─► ┌───┐ product_q ┌───┐ sum ─► accumulators (row, gate)
        operand ─► │ × │ ────────► │ + │ ─────► shadow, when the sum is final
                   └───┘           └───┘ ◄───── accumulators, or 0 for a first product

    One word a cycle without exception: a sum that was written in the cycle before is forwarded.
    Sums are exact; their width is chosen so that no operand can overflow them.

    Latency: ``done`` is high ``hdl.latency.ROW_DONE`` cycles after the operation that completes a
    row; from the next cycle on the row can be read from the shadow.
    Cost: ``lanes`` multipliers; two memories of ``rows * gates`` words of
    ``lanes * accumulator_width`` bits.

    Attributes:
        i_valid, i_operand, i_weights: the operation; ``i_weights`` has lane 0 lowest.
        i_place: row and gate of the sums.
        i_first: the sums start with this product.
        i_final: the sums are complete with this product.
        i_done: with this operation a row is complete in all gates of its job.
        i_tag: what ``tag`` shall tell of that row.
        done, tag: a row is complete.
        shadow_row: row to read.
        shadow: for each gate the sums of all lanes, one cycle after ``shadow_row``.
    """

    def __init__(self, *, shape: ArrayShape, tag: data.StructLayout) -> None:
        self.shape = shape
        super().__init__(
            {
                "i_valid": In(1),
                "i_operand": In(signed(shape.operand_width)),
                "i_weights": In(data.ArrayLayout(signed(shape.weight_width), shape.lanes)),
                "i_place": In(shape.place),
                "i_first": In(1),
                "i_final": In(1),
                "i_done": In(1),
                "i_tag": In(tag),
                "done": Out(1),
                "tag": Out(tag),
                "shadow_row": In(range(shape.rows)),
                "shadow": Out(data.ArrayLayout(shape.word, shape.gates)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape

        m.submodules.accumulators = accumulators = Memory(
            shape=shape.word, depth=1 << shape.place.size, init=[]
        )
        write = accumulators.write_port()
        read = accumulators.read_port(transparent_for=(write,))

        # Stage 1: products. The accumulators are addressed, to be there in stage 2.
        product_width = shape.operand_width + shape.weight_width
        operand_q = Signal(signed(shape.operand_width), reset_less=True)
        weights_q = Signal(self.i_weights.shape(), reset_less=True)
        m.d.sync += [operand_q.eq(self.i_operand), weights_q.eq(self.i_weights)]

        control = data.StructLayout({"place": shape.place, "first": 1, "final": 1})
        control_q = Signal(control, reset_less=True)
        control_q2 = Signal(control, reset_less=True)
        valid_q, valid_q2 = Signal(), Signal()
        done_q = Signal()
        tag_q = Signal(self.tag.shape(), reset_less=True)
        m.d.sync += [
            control_q.place.eq(self.i_place),
            control_q.first.eq(self.i_first),
            control_q.final.eq(self.i_final),
            control_q2.eq(control_q),
            valid_q.eq(self.i_valid),
            valid_q2.eq(valid_q),
            done_q.eq(self.i_valid & self.i_done),
            self.done.eq(done_q),
            tag_q.eq(self.i_tag),
            self.tag.eq(tag_q),
        ]
        m.d.comb += [read.addr.eq(control_q.place), read.en.eq(valid_q)]

        # Stage 2: sums.
        m.d.comb += [write.addr.eq(control_q2.place), write.en.eq(valid_q2)]
        for lane in range(shape.lanes):
            product_q = Signal(signed(product_width), name=f"product_q{lane}", reset_less=True)
            m.d.sync += product_q.eq(operand_q * weights_q[lane])
            start = Mux(control_q2.first, 0, read.data[lane])
            m.d.comb += write.data[lane].eq(start + product_q)

        for gate in range(shape.gates):
            m.submodules[f"shadow{gate}"] = shadow = Memory(
                shape=shape.word, depth=shape.rows, init=[]
            )
            fill = shadow.write_port()
            drain = shadow.read_port()
            m.d.comb += [
                fill.addr.eq(control_q2.place.row),
                fill.data.eq(write.data),
                fill.en.eq(valid_q2 & control_q2.final & (control_q2.place.gate == gate)),
                drain.addr.eq(self.shadow_row),
                drain.en.eq(1),
                self.shadow[gate].eq(drain.data),
            ]
        return m
