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
from hdl.memory import block_memory
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
        side_by_side: all lanes' accumulators are words of one memory, all shadows of a bank of
            another, wide enough for block RAM; else each lane has a memory of its own.
    """

    lanes: int
    operand_width: int
    weight_width: int
    accumulator_width: int
    rows: int
    gates: int
    banks: int = 1
    side_by_side: bool = False

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

        weights ─► weight_q ─► weight_q2 ─► ┌───┐ product_q ┌───┐
                                            │ × │ ────────► │ + │ ─► total ─► accumulators
                     operand ► operand_q2 ► └───┘           └───┘ ◄─ accumulators, total_q or 0

    One word a cycle without exception: a sum that was written in the cycle before is forwarded.

    Latency: the sums are known ``hdl.latency.TOTAL`` cycles after the operation. ``weight_q`` is
    the output register of the weights' block RAM where a part has one.
    Cost: ``lanes`` multipliers; a memory of accumulators for each, or one for all.

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
        load, store = (self.shape.address(place[cycle]) for cycle in (-2, -1))
        shared = self._shared(m, load, store, valid[-1]) if self.shape.side_by_side else None
        for index in range(self.shape.lanes):
            m.submodules[f"lane{index}"] = lane = Lane(shape=self.shape)
            m.d.comb += [
                lane.operand.eq(self.i_operand),
                lane.weight.eq(self.i_weights[index]),
                *(
                    [lane.loaded.eq(shared[index])]
                    if shared is not None
                    else [lane.load.eq(load), lane.store.eq(store), lane.valid.eq(valid[-1])]
                ),
                lane.forward.eq(forward_q),
                lane.first.eq(first[-1]),
                self.total[index].eq(lane.total),
            ]
        return m

    def _shared(self, m: Module, load: Value, store: Value, valid: Value) -> Any:
        """One memory for the accumulators of all lanes; returns the sums that it gives.

        A sum that is read in the cycle in which it is written is forwarded, so the memory's word
        does not matter then.
        """
        words = data.ArrayLayout(signed(self.shape.accumulator_width), self.shape.lanes)
        m.submodules.accumulators = memory = block_memory(shape=words, depth=self.shape.sums)
        fill, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            read.addr.eq(load),
            fill.addr.eq(store),
            fill.en.eq(valid),
            *(fill.data[index].eq(total) for index, total in enumerate(self.total)),
        ]
        return read.data


class Lane(Component):
    """One multiplier with its accumulators; :class:`Lanes` controls it.

    Attributes:
        operand, weight: factors; ``weight`` comes a cycle earlier than ``operand``.
        load: address of the sum that the next cycle adds to.
        valid, store: whether and where this cycle's sum is written.
        loaded: the sum that this cycle adds to, in place of those where lanes share a memory.
        first: this cycle's sum starts from 0.
        forward: this cycle adds to the sum of the cycle before.
        total: this cycle's sum.
    """

    def __init__(self, *, shape: ArrayShape) -> None:
        self.shape = shape
        own = {"load": In(range(shape.sums)), "valid": In(1), "store": In(range(shape.sums))}
        shared = {"loaded": In(signed(shape.accumulator_width))}
        super().__init__(
            {
                "operand": In(signed(shape.operand_width)),
                "weight": In(signed(shape.weight_width)),
                **(shared if shape.side_by_side else own),
                "first": In(1),
                "forward": In(1),
                "total": Out(signed(shape.accumulator_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        width = signed(shape.accumulator_width)
        weight_q2 = delayed(m, self.weight, 2, name="weight")[-1]
        operand_q2 = Signal.like(self.operand, reset_less=True)
        product_q = Signal(signed(shape.operand_width + shape.weight_width), reset_less=True)
        total_q = Signal(width, reset_less=True)
        base = Signal(width)
        m.d.sync += [
            operand_q2.eq(self.operand),
            product_q.eq(operand_q2 * weight_q2),
            total_q.eq(self.total),
        ]
        loaded = self.loaded if shape.side_by_side else self._own(m)
        m.d.comb += [
            base.eq(Mux(self.first, 0, Mux(self.forward, total_q, loaded))),
            self.total.eq(base + product_q),
        ]
        return m

    def _own(self, m: Module) -> Value:
        """The lane's own memory of accumulators; returns the sum that it gives."""
        width = signed(self.shape.accumulator_width)
        m.submodules.accumulators = memory = Memory(shape=width, depth=self.shape.sums, init=[])
        store, load = memory.write_port(), memory.read_port()
        m.d.comb += [
            load.addr.eq(self.load),
            store.addr.eq(self.store),
            store.data.eq(self.total),
            store.en.eq(self.valid),
        ]
        return load.data
