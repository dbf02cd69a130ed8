"""The shared MAC array: lanes, their accumulators, and the shadow that the state update drains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.component import Component
from hdl.numeric import span


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
        return data.StructLayout({"gate": span(self.gates), "row": span(self.rows)})

    @property
    def sums(self) -> int:
        """Words of a lane's memory of accumulators."""
        return len(span(self.rows)) << (self.gates - 1).bit_length()

    def address(self, place: Any) -> Value:
        """Where that memory holds the sum of a place."""
        return Cat(place.gate[: (self.gates - 1).bit_length()], place.row)


class MacArray(Component):
    """One operand times one word of weights a cycle, added to a row of accumulators.

        weights ─► ┌───┐ product_q ┌───┐ sum ─► accumulators (row, gate)
        operand ─► │ × │ ────────► │ + │ ─────► shadow, when the sum is final ─► lane ─► shadow
                   └───┘           └───┘ ◄───── accumulators, or 0 for a first product

    One word a cycle without exception: a sum that was written in the cycle before is forwarded.
    Sums are exact; their width is chosen so that no operand can overflow them.

    Latency: ``done`` is high ``hdl.latency.ROW_DONE`` cycles after the operation that completes a
    row; from the next cycle on the row can be read from the shadow.
    Cost: ``lanes`` multipliers; for each lane a memory of accumulators and one of shadows for each
    gate.

    Attributes:
        i_valid, i_operand, i_weights: the operation; ``i_weights`` has lane 0 lowest.
        i_place: row and gate of the sums.
        i_first: the sums start with this product.
        i_final: the sums are complete with this product.
        i_done: with this operation a row is complete in all gates of its job.
        i_tag: what ``tag`` shall tell of that row.
        done, tag: a row is complete.
        shadow_row, shadow_lane: the unit to read from the shadow.
        shadow: its sum in each gate, one cycle later.
    """

    def __init__(self, *, shape: ArrayShape, tag: data.StructLayout) -> None:
        self.shape = shape
        sums = data.ArrayLayout(signed(shape.accumulator_width), shape.gates)
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
                "shadow_row": In(span(shape.rows)),
                "shadow_lane": In(span(shape.lanes)),
                "shadow": Out(sums),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        control = data.StructLayout({"place": shape.place, "first": 1, "final": 1})
        operand_q = Signal(signed(shape.operand_width), reset_less=True)
        control_q = Signal(control, reset_less=True)
        control_q2 = Signal(control, reset_less=True)
        valid_q, valid_q2, done_q = Signal(), Signal(), Signal()
        tag_q = Signal(self.tag.shape(), reset_less=True)
        m.d.sync += [
            operand_q.eq(self.i_operand),
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
        fill = Signal(shape.gates)
        with m.If(valid_q2 & control_q2.final):
            m.d.comb += fill.bit_select(control_q2.place.gate, 1).eq(1)

        lane_q = Signal(span(shape.lanes))
        m.d.sync += lane_q.eq(self.shadow_lane)
        lanes: list[Lane] = []
        for index in range(shape.lanes):
            m.submodules[f"lane{index}"] = lane = Lane(shape=shape)
            m.d.comb += [
                lane.operand.eq(operand_q),
                lane.weight.eq(self.i_weights[index]),
                lane.load_place.eq(control_q.place),
                lane.load.eq(valid_q),
                lane.store_place.eq(control_q2.place),
                lane.store.eq(valid_q2),
                lane.first.eq(control_q2.first),
                lane.fill.eq(fill),
                lane.shadow_row.eq(self.shadow_row),
            ]
            lanes.append(lane)
        with m.Switch(lane_q):
            for index, lane in enumerate(lanes):
                with m.Case(index):
                    m.d.comb += self.shadow.eq(lane.shadow)
        return m


class Lane(Component):
    """One multiplier with its accumulators and shadows; :class:`MacArray` controls it.

    Attributes:
        operand, weight: factors; ``weight`` comes a cycle earlier than ``operand``.
        load, load_place: the sum that the next cycle adds to.
        store, store_place: where this cycle's sum goes.
        first: this cycle's sum starts from 0.
        fill: for each gate, this cycle's sum goes to its shadow too.
        shadow_row: row to read from the shadow.
        shadow: its sum in each gate, one cycle later.
    """

    def __init__(self, *, shape: ArrayShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "operand": In(signed(shape.operand_width)),
                "weight": In(signed(shape.weight_width)),
                "load": In(1),
                "load_place": In(shape.place),
                "store": In(1),
                "store_place": In(shape.place),
                "first": In(1),
                "fill": In(shape.gates),
                "shadow_row": In(span(shape.rows)),
                "shadow": Out(data.ArrayLayout(signed(shape.accumulator_width), shape.gates)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        width = signed(shape.accumulator_width)
        m.submodules.accumulators = accumulators = Memory(shape=width, depth=shape.sums, init=[])
        store = accumulators.write_port()
        load = accumulators.read_port(transparent_for=(store,))
        weight_q = Signal(signed(shape.weight_width), reset_less=True)
        product_q = Signal(signed(shape.operand_width + shape.weight_width), reset_less=True)
        total = Signal(width)
        m.d.sync += [weight_q.eq(self.weight), product_q.eq(self.operand * weight_q)]
        m.d.comb += [
            load.addr.eq(shape.address(self.load_place)),
            load.en.eq(self.load),
            total.eq(Mux(self.first, 0, load.data) + product_q),
            store.addr.eq(shape.address(self.store_place)),
            store.data.eq(total),
            store.en.eq(self.store),
        ]
        for gate in range(shape.gates):
            m.submodules[f"shadow{gate}"] = shadow = Memory(
                shape=width, depth=max(2, shape.rows), init=[]
            )
            fill, drain = shadow.write_port(), shadow.read_port()
            m.d.comb += [
                fill.addr.eq(self.store_place.row),
                fill.data.eq(total),
                fill.en.eq(self.fill[gate]),
                drain.addr.eq(self.shadow_row),
                self.shadow[gate].eq(drain.data),
            ]
        return m
