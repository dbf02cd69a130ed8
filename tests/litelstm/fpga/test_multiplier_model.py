"""The simulation model of an ECP5's multiplier, against products of NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from litelstm.fpga.cell_models import cell_models
from litelstm.fpga.targets import TARGETS
from tests.litelstm.fpga.verilog import answers, pins

pytestmark = pytest.mark.fpga

WIDTH = 18
EXTREMES = (0, 1, (1 << 17) - 1, 1 << 17, (1 << 17) + 1, (1 << 18) - 1)
CYCLES = 400


@dataclass(frozen=True, kw_only=True)
class Registers:
    """Which registers a multiplier has: clock enable and reset of each by their numbers."""

    a: tuple[int, int] | None = None
    b: tuple[int, int] | None = None
    pipeline: tuple[int, int] | None = None
    output: tuple[int, int] | None = None
    names: tuple[str, ...] = field(default=("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"), init=False)

    @property
    def all(self) -> tuple[tuple[int, int] | None, ...]:
        return (self.a, self.b, self.pipeline, self.output)

    @property
    def parameters(self) -> str:
        """Return the registers as Verilog parameters."""
        return "".join(
            f', .REG_{name}_CLK("CLK1")'
            f', .REG_{name}_CE("CE{one[0]}"), .REG_{name}_RST("RST{one[1]}")'
            for name, one in zip(self.names, self.all, strict=True)
            if one
        )


def multiplier(registers: Registers, *, signed: tuple[int, int]) -> str:
    """An instance; a cycle's word: a, b, four enables, four resets."""
    return f"""
  wire [17:0] a = word[17:0], b = word[35:18];
  wire [3:0] ce = word[39:36], rst = word[43:40];
  wire [35:0] p;
  MULT18X18D #(.RESETMODE("SYNC"){registers.parameters}) dut (
    {pins("A", 18, "a")}, {pins("B", 18, "b")}, {pins("P", 36, "p")},
    {pins("CE", 4, "ce")}, {pins("RST", 4, "rst")},
    .CLK0(1'b0), .CLK1(clk), .CLK2(1'b0), .CLK3(1'b0),
    .SIGNEDA(1'b{signed[0]}), .SIGNEDB(1'b{signed[1]}), .SOURCEA(1'b0), .SOURCEB(1'b0));
"""


def words(seed: int) -> np.ndarray:
    """Columns a, b, enables, resets: all pairs of extremes, then random ones; few resets."""
    rng = np.random.default_rng(seed)
    random = rng.integers(1 << WIDTH, size=(CYCLES, 2))
    random[: len(EXTREMES) ** 2] = list(product(EXTREMES, EXTREMES))
    enables = rng.integers(16, size=CYCLES) | rng.integers(16, size=CYCLES)
    resets = rng.integers(16, size=CYCLES) * (rng.random(CYCLES) < 0.1)
    return np.column_stack([random, enables, resets]).astype(np.int64)


def expected(given: np.ndarray, registers: Registers, signed: tuple[int, int]) -> list[int]:
    """P before each edge, from NumPy's products of Python's own registers."""
    held = dict.fromkeys(registers.names, 0)
    seen = []
    for a, b, enables, resets in given.tolist():
        factors = [
            held[name] if one else value
            for name, one, value in zip(registers.names, registers.all, (a, b), strict=False)
        ]
        values = [
            np.int64(value - (1 << WIDTH) if sign and value >> (WIDTH - 1) else value)
            for value, sign in zip(factors, signed, strict=True)
        ]
        p = int(values[0] * values[1]) % (1 << 2 * WIDTH)
        piped = held["PIPELINE"] if registers.pipeline else p
        seen.append(held["OUTPUT"] if registers.output else piped)
        following = zip(registers.names, registers.all, (a, b, p, piped), strict=True)
        for name, one, value in following:
            if one and resets >> one[1] & 1:
                held[name] = 0
            elif one and enables >> one[0] & 1:
                held[name] = value
    return seen


@pytest.mark.parametrize("signed", list(product((0, 1), repeat=2)))
@pytest.mark.parametrize(
    "registers",
    [
        Registers(),
        Registers(a=(0, 0), b=(0, 1)),
        Registers(output=(2, 3)),
        Registers(a=(0, 1), b=(3, 0), pipeline=(1, 2), output=(2, 3)),
        Registers(b=(1, 1), pipeline=(0, 0)),
    ],
    ids=["none", "inputs", "output", "all", "one input and pipeline"],
)
def test_products(registers: Registers, signed: tuple[int, int], tmp_path: Path) -> None:
    given = words(seed=1)
    models = cell_models(TARGETS["ecp5-25f"].family)
    packed = given @ np.array([1, 1 << 18, 1 << 36, 1 << 40])
    lines = answers(
        packed.tolist(),
        tmp_path,
        width=44,
        inside=multiplier(registers, signed=signed),
        shown='"%h", p',
        models="\n".join(models[name] for name in ("mult18x18d_register", "MULT18X18D")),
    )
    found = [int(line, 16) for line in lines]
    assert found == expected(given, registers, signed)
    assert len(set(found)) > 50
