"""Verilog with explicit widths is the function that Amaranth's own writer gives: proofs."""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pyosys import libyosys  # pyright: ignore[reportAttributeAccessIssue]

from hdl.export.verilog_names import inner_prefix
from hdl.parts.component import port
from hdl.verilog import convert

pytestmark = pytest.mark.slow

SHAPES = [(signed(5), 3), (3, signed(5)), (signed(3), signed(5)), (5, 1)]


def results(a: Value, b: Value, c: Value) -> list[Value]:
    """Every operator on operands of unequal widths, and with constants."""
    both = [a + b, a - b, a * b, a == b, a != b, a < b, a <= b, a > b, a >= b, a & b, a | b, a ^ b]
    alone = [
        -a,
        ~a,
        abs(a),
        a.any(),
        a.all(),
        a.xor(),
        a == 0,
        a != 0,
        a == 1,
        a + 1,
        a - 4,
        a <= 2,
    ]
    shifted = [a << c, a >> c, a << 2, a >> 1, a.shift_left(1), a.rotate_left(1)]
    chosen = [a.bit_select(c, 1), a.bit_select(c, 7), a.word_select(c, 2), Mux(a, b, c)]
    return [*both, *alone, *shifted, *chosen, Cat(a, b) == c, (a + b + c)[1:4]]


class Operators(wiring.Component):
    """Operators of two values, in a module of its own and behind case statements."""

    a = b = c = port(Signal)

    def __init__(self, first: Any, second: Any) -> None:
        ports = {"a": In(first), "b": In(second), "c": In(3)}
        probe = {f"i{n}": Signal(shape, name=f"i{n}") for n, shape in enumerate((first, second, 3))}
        self.shapes = [value.shape() for value in results(*probe.values())]
        super().__init__({**ports, **{f"o{n}": Out(s) for n, s in enumerate(self.shapes)}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inner = Module()
        for number, result in enumerate(results(self.a, self.b, self.c)):
            found = Signal(result.shape(), name=f"found{number}")
            inner.d.comb += found.eq(result)
            with m.Switch(self.c):
                with m.Case(0, 3):
                    m.d.comb += getattr(self, f"o{number}").eq(found)
                with m.Case(1), m.If(self.a[0]):
                    m.d.comb += getattr(self, f"o{number}").eq(~found)
        m.submodules.inner = inner
        return m


def proved(folder: Path, gold: str, gate: str) -> bool:
    """Whether two combinational designs of module ``top`` are the same function."""
    design = libyosys.Design()
    for name, text in (("gold", gold), ("gate", gate)):
        (folder / f"{name}.v").write_text(text)
        for command in (
            f"read_verilog {folder / name}.v",
            "hierarchy -top top",
            "proc",
            "flatten",
            "opt_clean",
            f"rename top {name}",
            f"design -stash {name}",
        ):
            libyosys.run_pass(command, design)
    for command in (
        "design -copy-from gold gold",
        "design -copy-from gate gate",
        "miter -equiv -flatten -ignore_gold_x gold gate miter",
        f"tee -q -o {folder / 'sat.txt'} sat -prove trigger 0 miter",
    ):
        libyosys.run_pass(command, design)
    return "SUCCESS!" in (folder / "sat.txt").read_text()


@pytest.mark.parametrize(("first", "second"), SHAPES, ids=str)
def test_every_operator_is_the_same_function(first: Any, second: Any, tmp_path: Path) -> None:
    gold = verilog.convert(Operators(first, second), name="top", emit_src=False)
    gate = convert(Operators(first, second), name="top")
    assert proved(tmp_path, gold, gate)
    wrong = re.sub(r"( [+] )(\d+'h|\w+)", r"\1 1'h1 + \2", gate, count=1)
    assert wrong != gate
    assert not proved(tmp_path, gold, wrong)


class Halves(wiring.Component):
    """A module that reads parts of what two others drive, none of them a signal of its own."""

    a = b = o = whole = port(Signal)

    def __init__(self, *, backwards: bool) -> None:
        self.backwards = backwards
        super().__init__({"a": In(4), "b": In(4), "o": Out(4), "whole": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m, inner = Module(), Module()
        pair = Signal(8)
        whole = Cat((self.a + self.b)[:4], self.a ^ self.b)
        m.d.comb += pair.eq(whole[::-1] if self.backwards else whole)
        inner.d.comb += self.o.eq(pair[2:6] + 1)
        m.d.comb += self.whole.eq(pair)
        m.submodules.inner = inner
        return m


@pytest.mark.parametrize(
    ("backwards", "names"),
    [(False, ["pair_3_0", "pair_7_4"]), (True, [f"pair_{bit}" for bit in range(8)])],
)
def test_ports_are_named_after_what_they_are_parts_of(
    backwards: bool, names: list[str], tmp_path: Path
) -> None:
    plain = verilog.convert(Halves(backwards=backwards), name="top", emit_src=False)
    assert re.search(r"module \\top.inner .*port\$", plain)
    text = convert(Halves(backwards=backwards), name="top")
    inner = f"{inner_prefix('top')}inner"
    ports = re.findall(rf"^module {inner}\((.*)\);", text, re.MULTILINE)[0].split(", ")
    assert sorted(ports) == ["o", *names]
    assert proved(tmp_path, plain, text)


class Asked(wiring.Component):
    """A component that notes whether garbage is collected while it is elaborated."""

    o = port(Signal)

    def __init__(self, *, fails: bool) -> None:
        self.fails, self.collected = fails, True
        super().__init__({"o": Out(1)})

    def elaborate(self, platform: object) -> Module:
        self.collected = gc.isenabled()
        if self.fails:
            raise ValueError("planted")
        return Module()


@pytest.mark.parametrize("fails", [False, True])
def test_no_garbage_is_collected_meanwhile(fails: bool) -> None:
    asked = Asked(fails=fails)
    assert gc.isenabled()
    if fails:
        with pytest.raises(ValueError, match="planted"):
            convert(asked, name="top")
    else:
        convert(asked, name="top")
    assert gc.isenabled()
    assert not asked.collected
