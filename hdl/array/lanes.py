"""The lanes of the MAC array: a multiplier each, and the accumulators beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.array.dual_product import DualProduct
from hdl.array.joint_product import JointProduct
from hdl.parts.component import delayed, port
from hdl.parts.joint import Joint
from hdl.parts.memory import block_memory
from hdl.parts.numeric import MULTIPLIER, span
from hdl.timing.latency import ADD, SHADOW

Products = list[tuple[Value, Value | None]]
"""Each lane's product, and the carry that belongs to it, if there is one."""

AGAIN, SOON = 1, 2
"""Distances of operations on one place at which a sum is forwarded."""


@dataclass(frozen=True, kw_only=True)
class ArrayShape:
    """Sizes of an array.

    Attributes:
        lanes: products per cycle.
        operand_width, weight_width, accumulator_width: bits.
        rows: accumulator rows.
        gates: sums of each lane and row.
        banks: groups of lanes from each of which one sum can be read at a time; lane ``n`` is in
            bank ``n % banks``.
        side_by_side: all lanes' accumulators are words of one memory, all shadows of a bank of
            another, wide enough for block RAM; else each lane has a memory of its own.
        joint: how lanes share multipliers; ``None`` if each lane has one.
        revisit: least number of cycles between two operations on a place of which the later one
            adds to a sum, see :func:`hdl.spec.visits.revisit`; 1 allows any order.
    """

    lanes: int
    operand_width: int
    weight_width: int
    accumulator_width: int
    rows: int
    gates: int
    banks: int = 1
    side_by_side: bool = False
    joint: Joint | None = None
    revisit: int = 1

    @property
    def total(self) -> int:
        """Cycles from an operation entering the array until its sums are known.

        Sums that lie side by side are written while they are added; others have a register before.
        """
        return ADD - 1 if self.side_by_side else ADD + 1

    @property
    def forwards(self) -> list[int]:
        """Distances of two operations on a place at which the sum is forwarded to the later one."""
        return [AGAIN] if self.side_by_side else [n for n in (AGAIN, SOON) if self.revisit <= n]

    @property
    def row_delay(self) -> int:
        """Cycles from the operation that completes a row until the state update is told so."""
        return self.total + 1 - SHADOW

    @property
    def place(self) -> data.StructLayout:
        """Layout of a sum's place in a lane: its row and gate."""
        return data.StructLayout({"gate": span(self.gates), "row": span(self.rows)})

    @property
    def groups(self) -> int:
        """Lanes of a bank, where it has most."""
        return -(-self.lanes // self.banks)

    @property
    def sums(self) -> int:
        """Words of a lane's memory of accumulators, and of its shadow."""
        return len(span(self.rows)) << (self.gates - 1).bit_length()

    def address(self, place: data.View) -> Value:
        """Address of a place's sum in a lane's memory of accumulators, and in its shadow."""
        return Cat(place.gate[: (self.gates - 1).bit_length()], place.row)


class Lanes(wiring.Component):
    """Multiplies one operand by one word of weights per cycle, and adds to a row of accumulators.

        weights ─► weights_q ─► weights_q2 ► ┌───┐ product_q ┌───┐
                                             │ × │ ────────► │ + │ ─► total_q ─► accumulators
                     operand ► operand_q ──► └───┘           └───┘ ◄─ base_q ◄─ accumulators or 0

    Where sums lie side by side, there is no ``base_q``, and the accumulators take the sum itself.

    Latency: ``shape.total`` cycles from an operation until its sums are known. ``weights_q`` is
    the output register of the weights' block RAM where a part has one.
    Throughput: one operation per cycle, always: a sum that is not in its memory yet is forwarded.
    Cost: ``lanes`` multipliers; one memory of accumulators per lane, or one for all.

    Attributes:
        i_valid, i_operand, i_weights, i_place, i_first: see :class:`hdl.array.mac_array.MacArray`.
        valid, place: the operation whose sums are known.
        total: each lane's sum.
    """

    i_valid = i_operand = i_first = valid = port(Signal)
    i_weights = i_place = place = port(data.View)
    total = port(list[Signal])

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
                # One port per lane: a wide word assigned in slices costs Icarus a factor of ten.
                "total": Out(signed(shape.accumulator_width)).array(shape.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        valid = delayed(m, self.i_valid, self.shape.total, name="valid", resets=True)
        place = delayed(m, self.i_place, self.shape.total, name="place")
        # Once for all lanes: simulators move a word at once, and synthesizers see equal registers.
        taken = ADD - 2 - self.shape.side_by_side
        own = 1 if self.shape.joint else 0  # multipliers that lanes share have the last registers
        weights = delayed(m, self.i_weights, 1 + taken - own, name="weights")[-1]
        operand = delayed(m, self.i_operand, taken - own, name="operand")[-1]
        m.d.comb += [self.valid.eq(valid[-1]), self.place.eq(place[-1])]
        factors = operand, [weights[lane] for lane in range(self.shape.lanes)]
        products: Products = (
            self._shared_products(m, *factors)
            if self.shape.joint
            else [(self._product(m, lane, operand, w), None) for lane, w in enumerate(factors[1])]
        )
        add = self._add_at_once if self.shape.side_by_side else self._add
        add(m, products, valid=valid, place=place)
        return m

    def _add(self, m: Module, products: Products, *, valid: list[Any], place: list[Any]) -> None:
        """Add products to sums that are in a memory per lane; a register lies between.

        A sum of the cycle before, or of the one before that, is not in its memory yet.
        """
        forwards = self.shape.forwards
        first = delayed(m, self.i_first, ADD - 1, name="first")[-1]
        again, soon = (Signal(name=name, reset_less=True) for name in ("again_q", "soon_q"))
        same = [place[ADD - 1].as_value() == place[ADD].as_value()]
        same.append(place[ADD - 2].as_value() == place[ADD].as_value())
        m.d.sync += [again.eq(valid[ADD] & same[0] & ~first), soon.eq(valid[ADD] & same[1])]
        for lane, (added, carry) in enumerate(products):
            total = self.total[lane]
            memory = Memory(shape=total.shape(), depth=self.shape.sums, init=[])
            m.submodules[f"accumulators{lane}"] = memory
            write, read = memory.write_port(), memory.read_port(domain="comb")
            base_q, total_q = (
                Signal(total.shape(), name=f"{name}_q{lane}", reset_less=True)
                for name in ("base", "total")
            )
            stored = Mux(soon, total_q, read.data) if SOON in forwards else read.data
            base = Mux(again, total_q, base_q) if AGAIN in forwards else base_q
            m.d.sync += [
                base_q.eq(Mux(first, 0, stored)),
                total_q.eq(base + added if carry is None else _sum(base, added, carry)),
            ]
            m.d.comb += [
                total.eq(total_q),
                read.addr.eq(self.shape.address(place[ADD - 1])),
                write.addr.eq(self.shape.address(place[-1])),
                write.data.eq(total_q),
                write.en.eq(valid[-1]),
            ]

    def _add_at_once(
        self, m: Module, products: Products, *, valid: list[Any], place: list[Any]
    ) -> None:
        """Add products to sums that lie side by side in one memory, which takes them at once.

        A sum that is read in the cycle in which it is written is forwarded, so the memory's word
        does not matter then.
        """
        first = delayed(m, self.i_first, self.shape.total, name="first")[-1]
        forward_q = Signal(reset_less=True)
        m.d.sync += forward_q.eq(valid[-1] & (place[-1].as_value() == place[-2].as_value()))
        words = data.ArrayLayout(signed(self.shape.accumulator_width), self.shape.lanes)
        m.submodules.accumulators = memory = block_memory(shape=words, depth=self.shape.sums)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            read.addr.eq(self.shape.address(place[-2])),
            write.addr.eq(self.shape.address(place[-1])),
            write.en.eq(valid[-1]),
            *(write.data[lane].eq(total) for lane, total in enumerate(self.total)),
        ]
        for lane, (added, carry) in enumerate(products):
            total = self.total[lane]
            total_q = Signal(total.shape(), name=f"total_q{lane}", reset_less=True)
            base = Signal(total.shape(), name=f"base{lane}")
            m.d.sync += total_q.eq(total)
            m.d.comb += [
                base.eq(Mux(first, 0, Mux(forward_q, total_q, read.data[lane]))),
                total.eq(base + added if carry is None else _sum(base, added, carry)),
            ]

    def _shared_products(self, m: Module, operand: Value, weights: Sequence[Value]) -> Products:
        """Each lane's product and its carry, from multipliers that lanes share.

        Args:
            m: module to build into.
            operand, weights: the factors, without their last registers.
        """
        joint, found = self.shape.joint, Products()
        assert joint
        for start in range(0, len(weights), joint.count):
            group = weights[start : start + joint.count]
            if joint.native and len(group) == 1:
                x = delayed(m, operand, 1, name="own_operand")[-1]
                weight = delayed(m, group[0], 1, name="own_weight")[-1]
                found.append((self._product(m, start, x, weight), None))
                continue
            unit = (
                DualProduct(
                    operand_width=self.shape.operand_width, weight_width=self.shape.weight_width
                )
                if joint.native
                else JointProduct(joint=joint, lanes=len(group))
            )
            kind = "dual" if joint.native else "joint"
            m.submodules[f"{kind}{start // joint.count}"] = unit
            m.d.comb += unit.operand.eq(operand)
            m.d.comb += [unit.weights[lane].eq(weight) for lane, weight in enumerate(group)]
            if isinstance(unit, DualProduct):
                found += [(unit.product0, None), (unit.product1, None)]
            else:
                found += zip(unit.product, unit.carry, strict=True)
        return found

    def _product(self, m: Module, lane: int, operand: Value, weight: Value) -> Value:
        """A lane's product, a cycle later, from a multiplier of its own."""
        product = Signal((operand * weight).shape(), name=f"product{lane}", attrs=MULTIPLIER)
        product_q = Signal(product.shape(), name=f"product_q{lane}", reset_less=True)
        m.d.sync += product_q.eq(product)
        m.d.comb += product.eq(operand * weight)
        return product_q


def _sum(base: Value, added: Value, carry: Value) -> Value:
    """The sum of three in one chain: its lowest place takes the carry in."""
    return (Cat(1, base).as_signed() + Cat(carry, added).as_signed())[1:]
