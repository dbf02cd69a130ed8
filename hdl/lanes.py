"""The lanes of the MAC array: a multiplier each, and the accumulators beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.component import Component, delayed
from hdl.latency import TOTAL
from hdl.numeric import span


@dataclass(frozen=True, kw_only=True)
class ArrayShape:
    """Sizes of an array.

    Attributes:
        lanes: multipliers.
        operand_width, weight_width, accumulator_width: bits.
        rows: accumulator rows.
        gates: sums of each lane and row.
        banks: groups of lanes from each of which one sum can be read at a time; lane ``n`` is in
            bank ``n % banks``.
    """

    lanes: int
    operand_width: int
    weight_width: int
    accumulator_width: int
    rows: int
    gates: int
    banks: int = 1

    @property
    def place(self) -> data.StructLayout:
        """Where a sum lives: its row and gate."""
        return data.StructLayout({"gate": span(self.gates), "row": span(self.rows)})

    @property
    def sums(self) -> int:
        """Words of a lane's memory of accumulators, and of its shadow."""
        return len(span(self.rows)) << (self.gates - 1).bit_length()

    def address(self, place: Any) -> Value:
        """Where those memories hold the sum of a place."""
        return Cat(place.gate[: (self.gates - 1).bit_length()], place.row)


class Lanes(Component):
    """One operand times one word of weights a cycle, added to a row of accumulators.

        weights ─► weights_q ─► weights_q2 ► ┌───┐ product_q ┌───┐
                                             │ × │ ────────► │ + │ ─► total ─► accumulators
                     operand ► operand_q ──► └───┘           └───┘ ◄─ accumulators, total_q or 0

    One word a cycle without exception: a sum that was written in the cycle before is forwarded.

    Latency: the sums are known ``hdl.latency.TOTAL`` cycles after the operation. ``weights_q`` is
    the output register of the weights' block RAM where a part has one.
    Cost: ``lanes`` multipliers; a memory of accumulators for each.

    Attributes:
        i_valid, i_operand, i_weights, i_place, i_first: see :class:`hdl.mac_array.MacArray`.
        valid, place: the operation whose sums are known.
        total: each lane's sum.
    """

    def __init__(self, *, shape: ArrayShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "i_valid": In(1),
                "i_operand": In(signed(shape.operand_width)),
                "i_weights": In(data.ArrayLayout(signed(shape.weight_width), shape.lanes)),
                "i_place": In(shape.place),
                "i_first": In(1),
                "valid": Out(1),
                "place": Out(shape.place),
                # A port a lane: a wide word assigned in slices costs Icarus a factor of ten.
                "total": Out(signed(shape.accumulator_width)).array(shape.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        valid = delayed(m, self.i_valid, TOTAL, name="valid", resets=True)
        place = delayed(m, self.i_place, TOTAL, name="place")
        first = delayed(m, self.i_first, TOTAL, name="first")
        forward_q = Signal(reset_less=True)
        m.d.sync += forward_q.eq(valid[-1] & (place[-1].as_value() == place[-2].as_value()))
        m.d.comb += [self.valid.eq(valid[-1]), self.place.eq(place[-1])]
        # Once for all lanes: simulators move a word at once, and synthesizers see equal registers.
        weights = delayed(m, self.i_weights, 2, name="weights")[-1]
        operand = delayed(m, self.i_operand, 1, name="operand")[-1]
        for index in range(self.shape.lanes):
            m.submodules[f"lane{index}"] = lane = Lane(shape=self.shape)
            m.d.comb += [
                lane.operand.eq(operand),
                lane.weight.eq(weights[index]),
                lane.load.eq(self.shape.address(place[-2])),
                lane.store.eq(self.shape.address(place[-1])),
                lane.valid.eq(valid[-1]),
                lane.forward.eq(forward_q),
                lane.first.eq(first[-1]),
                self.total[index].eq(lane.total),
            ]
        return m


class Lane(Component):
    """One multiplier with its accumulators; :class:`Lanes` controls it.

    Attributes:
        operand, weight: factors.
        load: address of the sum that the next cycle adds to.
        valid, store: whether and where this cycle's sum is written.
        first: this cycle's sum starts from 0.
        forward: this cycle adds to the sum of the cycle before.
        total: this cycle's sum.
    """

    def __init__(self, *, shape: ArrayShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "operand": In(signed(shape.operand_width)),
                "weight": In(signed(shape.weight_width)),
                "load": In(range(shape.sums)),
                "valid": In(1),
                "store": In(range(shape.sums)),
                "first": In(1),
                "forward": In(1),
                "total": Out(signed(shape.accumulator_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        width = signed(shape.accumulator_width)
        m.submodules.accumulators = accumulators = Memory(shape=width, depth=shape.sums, init=[])
        store, load = accumulators.write_port(), accumulators.read_port()
        product_q = Signal(signed(shape.operand_width + shape.weight_width), reset_less=True)
        total_q = Signal(width, reset_less=True)
        base = Signal(width)
        m.d.sync += [
            product_q.eq(self.operand * self.weight),
            total_q.eq(self.total),
        ]
        m.d.comb += [
            load.addr.eq(self.load),
            base.eq(Mux(self.first, 0, Mux(self.forward, total_q, load.data))),
            self.total.eq(base + product_q),
            store.addr.eq(self.store),
            store.data.eq(self.total),
            store.en.eq(self.valid),
        ]
        return m
