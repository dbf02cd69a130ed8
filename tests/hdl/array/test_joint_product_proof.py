"""Proof of what joins weights and takes products apart, for all widths of 2 to 8 bits.

Products are linear in each weight, so it is enough that (1) the factor is the sum of its shifted
weights and (2) a sum of any shifted products is taken apart into these.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Cat, Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.array import joint_product
from hdl.parts.component import port
from hdl.parts.joint import Joint
from hdl.verilog import convert
from litelstm.fpga import tools
from litelstm.fpga.errors import SynthesisError

pytestmark = pytest.mark.proof

WIDTHS = range(2, 9)

SCRIPT = """\
read_verilog claims.v
prep -top claims -flatten
opt -full
sat -verify -prove good 1 -set-def-inputs
"""


class Claims(wiring.Component):
    """Says for any weights and any products whether (1) and (2) hold for all joints."""

    good = port(Signal)

    def __init__(self, joints: list[Joint]) -> None:
        self.joints = joints
        ports: dict[str, Any] = {"good": Out(1)}
        for number, joint in enumerate(joints):
            for lane in range(joint.count):
                ports[f"weight_{number}_{lane}"] = In(signed(joint.weight_width))
                ports[f"product_{number}_{lane}"] = In(signed(joint.product_width))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        holds = [self._holds(m, number, joint) for number, joint in enumerate(self.joints)]
        m.d.comb += self.good.eq(Cat(holds).all())
        return m

    def _holds(self, m: Module, number: int, joint: Joint) -> Value:
        lanes = range(joint.count)
        weights = [getattr(self, f"weight_{number}_{lane}") for lane in lanes]
        products = [getattr(self, f"product_{number}_{lane}") for lane in lanes]
        stored: list[Value] = []
        for lane, weight in enumerate(weights):
            stored.append(Signal(signed(joint.weight_width), name=f"stored_{number}_{lane}"))
            m.d.comb += stored[-1].eq(weight - (stored[-2][-1] if lane else 0))
        joined = joint_product.factor_of(stored, joint) == _shifted(weights, joint)
        whole = Signal(signed(joint.factor_width + joint.operand_width), name=f"whole_{number}")
        m.d.comb += whole.eq(_shifted(products, joint))
        low = products[1][: joint.overlap]
        found = [
            Signal(signed(joint.product_width), name=f"found_{number}_{lane}") for lane in lanes
        ]
        parts = joint_product.apart(m, whole, joint, lanes=joint.count, low=low)
        m.d.comb += [to.eq(part) for to, part in zip(found, parts, strict=True)]
        carries = [Const(0, 1), *(part[-1] if joint.overlap < 2 else Const(0, 1) for part in found)]
        right = [found[lane] + carries[lane] == products[lane] for lane in lanes]
        return (joined | _any_least(weights)) & (Cat(right).all() | _any_least(products))


def _shifted(values: list[Any], joint: Joint) -> Value:
    return reduce(add, [value << (lane * joint.step) for lane, value in enumerate(values)])


def _any_least(values: list[Any]) -> Value:
    """Whether any value is the most negative one, which is not used."""
    return Cat([value == -(1 << (len(value) - 1)) for value in values]).any()


def joints(weight_width: int) -> list[Joint]:
    ways = [(3, 0), *((2, overlap) for overlap in range(6))]
    found = [
        Joint(count=count, overlap=overlap, weight_width=weight_width, operand_width=operand)
        for count, overlap in ways
        for operand in WIDTHS
    ]
    return [j for j in found if j.overlap < j.operand_width and j.step >= j.weight_width]


def prove(claims: Claims, folder: Path) -> None:
    (folder / "claims.v").write_text(convert(claims, name="claims"))
    tools.yosys(SCRIPT, folder)


@pytest.mark.parametrize("weight_width", WIDTHS)
def test_products_are_taken_apart_exactly(weight_width: int, tmp_path: Path) -> None:
    every = joints(weight_width)
    assert len(every) > 30
    prove(Claims(every), tmp_path)


def test_a_wrong_field_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One bit fewer from field to field."""
    monkeypatch.setattr(Joint, "step", property(lambda joint: joint.product_width - 1))
    wrong = Joint(count=2, weight_width=4, operand_width=4)
    with pytest.raises(SynthesisError):
        prove(Claims([wrong]), tmp_path)
