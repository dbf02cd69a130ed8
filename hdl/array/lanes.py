"""The lanes of the MAC array: a multiplier each, and the accumulators beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from hdl.timing.latency import TOTAL


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

    @property
    def place(self) -> data.StructLayout:
        """Layout of a sum's place in a lane: its row and gate."""
        return data.StructLayout({"gate": span(self.gates), "row": span(self.rows)})

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
                                             │ × │ ────────► │ + │ ─► total ─► accumulators
                     operand ► operand_q ──► └───┘           └───┘ ◄─ accumulators, total_q or 0

    Latency: ``latency.TOTAL`` cycles from an operation until its sums are known. ``weights_q`` is
    the output register of the weights' block RAM where a part has one.
    Throughput: one operation per cycle, always: a sum written in the cycle before is forwarded.
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
        valid = delayed(m, self.i_valid, TOTAL, name="valid", resets=True)
        place = delayed(m, self.i_place, TOTAL, name="place")
        first = delayed(m, self.i_first, TOTAL, name="first")
        # Once for all lanes: simulators move a word at once, and synthesizers see equal registers.
        own = 0 if self.shape.joint else 1  # multipliers that lanes share have these registers
        weights = delayed(m, self.i_weights, 1 + own, name="weights")[-1]
        operand = delayed(m, self.i_operand, own, name="operand")[-1]
        forward_q = Signal(reset_less=True)
        m.d.sync += forward_q.eq(valid[-1] & (place[-1].as_value() == place[-2].as_value()))
        m.d.comb += [self.valid.eq(valid[-1]), self.place.eq(place[-1])]
        memory = {"load": place[-2], "store": place[-1], "enable": valid[-1]}
        accumulators = self._side_by_side if self.shape.side_by_side else self._of_each
        factors = operand, [weights[lane] for lane in range(self.shape.lanes)]
        shared = self._shared_products(m, *factors) if self.shape.joint else None
        for lane, stored in enumerate(accumulators(m, **memory)):
            total = self.total[lane]
            if shared:
                added, carry = shared[lane]
            else:
                added, carry = self._product(m, lane, operand, weights[lane]), None
            total_q = Signal(total.shape(), name=f"total_q{lane}", reset_less=True)
            base = Signal(total.shape(), name=f"base{lane}")
            m.d.sync += total_q.eq(total)
            m.d.comb += [
                base.eq(Mux(first[-1], 0, Mux(forward_q, total_q, stored))),
                total.eq(base + added if carry is None else _sum(base, added, carry)),
            ]
        return m

    def _shared_products(
        self, m: Module, operand: Value, weights: Sequence[Value]
    ) -> list[tuple[Value, Value | None]]:
        """Each lane's product and its carry, from multipliers that lanes share.

        Args:
            m: module to build into.
            operand, weights: the factors, without their last registers.
        """
        joint, found = self.shape.joint, list[tuple[Value, Value | None]]()
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

    def _of_each(
        self, m: Module, *, load: data.View, store: data.View, enable: Value
    ) -> list[Value]:
        """A memory for each lane's sums.

        Returns:
            The lanes' sums of the place ``load``, a cycle later.
        """
        loaded = []
        for lane, total in enumerate(self.total):
            memory = Memory(shape=total.shape(), depth=self.shape.sums, init=[])
            m.submodules[f"accumulators{lane}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                read.addr.eq(self.shape.address(load)),
                write.addr.eq(self.shape.address(store)),
                write.data.eq(total),
                write.en.eq(enable),
            ]
            loaded.append(read.data)
        return loaded

    def _side_by_side(
        self, m: Module, *, load: data.View, store: data.View, enable: Value
    ) -> list[Value]:
        """One memory for the sums of all lanes; as :meth:`_of_each`.

        A sum that is read in the cycle in which it is written is forwarded, so the memory's word
        does not matter then.
        """
        words = data.ArrayLayout(signed(self.shape.accumulator_width), self.shape.lanes)
        m.submodules.accumulators = memory = block_memory(shape=words, depth=self.shape.sums)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            read.addr.eq(self.shape.address(load)),
            write.addr.eq(self.shape.address(store)),
            write.en.eq(enable),
            *(write.data[lane].eq(total) for lane, total in enumerate(self.total)),
        ]
        return [read.data[lane] for lane in range(self.shape.lanes)]


def _sum(base: Value, added: Value, carry: Value) -> Value:
    """The sum of three in one chain: its lowest place takes the carry in."""
    return (Cat(1, base).as_signed() + Cat(carry, added).as_signed())[1:]
