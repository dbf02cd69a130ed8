"""The simulation model of an ECP5's block RAM, against one in Python and Yosys' mapping."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from litelstm.fpga.cell_models import cell_models
from litelstm.fpga.flow import Flow
from litelstm.fpga.targets import TARGETS
from tests.litelstm.fpga.verilog import answers, pins

pytestmark = pytest.mark.fpga

CYCLES = 600
BITS = 18 * 1024
AT = {"A": 0, "B": 35}
"""Where a port's part of a cycle's word begins: address, data, ce, we, oce."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Inputs of a port at one clock edge."""

    address: int
    data: int
    ce: int
    we: int
    oce: int

    @property
    def packed(self) -> int:
        return self.address | self.data << 14 | self.ce << 32 | self.we << 33 | self.oce << 34


@dataclass(kw_only=True)
class Port:
    """A port in Python, bits as characters.

    Attributes:
        width: of a word, 36 excepted.
        mode: what it shows of a word that it writes.
        register: whether it has an output register.
    """

    width: int
    mode: str = "NORMAL"
    register: bool = False
    latch: str = "0"
    held: str = "0"

    def places(self, address: int) -> list[int]:
        """The bits of a word among the part's, lowest first: 18 to a word, 9 to a byte."""
        word, low = divmod(address, 16)
        if self.width == 18:
            return [18 * word + n for n in range(18)]
        byte, low = divmod(low, 8)
        low = 0 if self.width == 9 else low // self.width * self.width
        return [18 * word + 9 * byte + low + n for n in range(self.width)]

    def stores(self, access: Access) -> dict[int, str]:
        """Return the bits written, by place; at 18 bits the address' lowest bits enable bytes."""
        if not (access.ce and access.we):
            return {}
        return {
            at: str(access.data >> n & 1)
            for n, at in enumerate(self.places(access.address))
            if self.width < 18 or access.address >> (n // 9) & 1
        }

    def clock(self, access: Access, memory: list[str], other: dict[int, str]) -> None:
        """One edge; ``other`` is what the other port stores."""
        if access.oce:
            self.held = self.latch
        if not access.ce or (access.we and self.mode == "NORMAL"):
            return
        places = self.places(access.address)
        new = self.stores(access) if self.mode == "WRITETHROUGH" else {}
        now = {at: "x" if at in other else new.get(at, memory[at]) for at in places}
        self.latch = "".join(now[at] for at in reversed(places))

    @property
    def shown(self) -> str:
        return (self.held if self.register else self.latch).rjust(18, "0")


def model() -> str:
    found = cell_models(TARGETS["ecp5-25f"].family)
    return "\n".join(found[name] for name in ("dp16kd_place", "dp16kd_read", "DP16KD"))


def content(memory: list[str]) -> str:
    """The memory as parameters: 16 words of 18 bits each, in 20 bits."""
    words = ["00" + "".join(reversed(memory[at : at + 18])) for at in range(0, BITS, 18)]
    values = ["".join(reversed(words[at : at + 16])) for at in range(0, 1024, 16)]
    return ", ".join(f".INITVAL_{n:02X}(320'b{value})" for n, value in enumerate(values))


def block_ram(ports: dict[str, Port], memory: list[str]) -> str:
    """An instance that shows ``do_A`` and ``do_B``."""
    parameters = "".join(
        f'.DATA_WIDTH_{name}({port.width}), .WRITEMODE_{name}("{port.mode}"), '
        f'.REGMODE_{name}("{"OUTREG" if port.register else "NOREG"}"), '
        for name, port in ports.items()
    )
    wires = "".join(
        f"wire [13:0] ad_{name} = word[{at} +: 14];\n"
        f"wire [17:0] di_{name} = word[{at + 14} +: 18];\nwire [17:0] do_{name};\n"
        for name, at in AT.items()
    )
    connections = ", ".join(
        f"{pins(f'AD{name}', 14, f'ad_{name}')}, {pins(f'DI{name}', 18, f'di_{name}')}, "
        f"{pins(f'DO{name}', 18, f'do_{name}')}, {pins(f'CS{name}', 3, 'low')}, "
        f".CE{name}(word[{at + 32}]), .WE{name}(word[{at + 33}]), .OCE{name}(word[{at + 34}]), "
        f".CLK{name}(clk), .RST{name}(1'b0)"
        for name, at in AT.items()
    )
    return f"""
  wire [2:0] low = 0;
  {wires}
  DP16KD #({parameters}{content(memory)}) dut ({connections});
"""


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Port(width=18, register=True), Port(width=18, mode="READBEFOREWRITE")),
        (Port(width=9, mode="WRITETHROUGH"), Port(width=18, mode="WRITETHROUGH", register=True)),
        (Port(width=4, mode="READBEFOREWRITE", register=True), Port(width=9)),
        (Port(width=2), Port(width=1, mode="READBEFOREWRITE")),
    ],
    ids=lambda port: f"{port.width}-{port.mode}",
)
def test_accesses(a: Port, b: Port, tmp_path: Path) -> None:
    """Random accesses to a few words; bits that one port writes while the other reads are X."""
    rng = np.random.default_rng(1)
    memory = [str(bit) for bit in rng.integers(2, size=BITS).tolist()]
    inside = block_ram({"A": a, "B": b}, memory)
    shown: list[str] = []
    words: list[int] = []
    for _ in range(CYCLES):
        shown.append(f"{a.shown} {b.shown}")
        one, two = (
            Access(
                address=int(rng.integers(64)),
                data=int(rng.integers(1 << 18)),
                ce=int(rng.random() < 0.8),
                we=int(rng.random() < share),
                oce=int(rng.random() < 0.8),
            )
            for share in (0.4, 0.3)
        )
        if a.stores(one).keys() & b.stores(two).keys():  # the part leaves open which one wins
            two = Access(address=two.address, data=0, ce=two.ce, we=0, oce=two.oce)
        words.append(one.packed << AT["A"] | two.packed << AT["B"])
        new = a.stores(one), b.stores(two)
        a.clock(one, memory, new[1])
        b.clock(two, memory, new[0])
        for at, bit in (new[0] | new[1]).items():
            memory[at] = bit
    found = answers(
        words, tmp_path, width=70, inside=inside, shown='"%b %b", do_A, do_B', models=model()
    )
    assert found == shown
    assert "x" in "".join(shown)
    assert len(set(shown)) > 10


@pytest.mark.parametrize(
    ("width", "depth", "late"),
    [(4, 4096, False), (9, 2048, False), (36, 512, False), (36, 512, True)],
)
def test_a_memory_that_yosys_mapped(width: int, depth: int, late: bool, tmp_path: Path) -> None:
    """Initial contents, then words written in between, as in the memory's own Verilog.

    A register behind the word is the block RAM's own.
    """
    rng = np.random.default_rng(width)
    bits = depth.bit_length() - 1
    initial = rng.integers(1 << width, size=depth).tolist()
    lines = "\n".join(f"    memory[{n}] = {width}'h{word:x};" for n, word in enumerate(initial))
    core = f"""
module top(input clk, we, input [{bits - 1}:0] from, to, input [{width - 1}:0] d,
           output reg [{width - 1}:0] q);
  reg [{width - 1}:0] now;
  (* ram_style = "block", no_rw_check *) reg [{width - 1}:0] memory [0:{depth - 1}];
  initial begin
{lines}
  end
  always @(posedge clk) begin
    if (we) memory[to] <= d;
    {"now" if late else "q"} <= memory[from];
    {"q <= now;" if late else ""}
  end
endmodule
"""
    flow = Flow(target=TARGETS["ecp5-25f"])
    made = flow.synthesize(core, top="top")
    assert made.netlist.cells["DP16KD"] == 1
    models = cell_models(flow.target.family)
    mapped = flow.verilog(made)
    assert ("OUTREG" in mapped) == late
    text = "\n".join([mapped, model(), *(models[n] for n in ("LUT4", "TRELLIS_FF"))])
    steps = 300
    given = [
        (int(rng.integers(depth)), int(rng.integers(depth)), int(rng.integers(1 << width)))
        for _ in range(steps)
    ]
    given = [(old, to + (old == to), word) for old, to, word in given if to < depth - 1]
    given += [(to, old, word) for old, to, word in given if to != old]  # read what was written
    words = [f | to << 14 | d << 28 for f, to, d in given]
    memory, seen = list(initial), []
    for at, to, word in given:
        seen.append(memory[at])
        memory[to] = word
    inside = f"""
  wire [{width - 1}:0] q;
  top dut (.clk(clk), .we(1'b1), .from(word[0 +: {bits}]), .to(word[14 +: {bits}]),
           .d(word[28 +: {width}]), .q(q));
"""
    found = answers(words, tmp_path, width=64, inside=inside, shown='"%h", q', models=text)
    lag = 1 + late
    assert [int(line, 16) for line in found[lag:]] == seen[:-lag]
