"""Operations and memories that are counted in Verilog, by hand."""

from __future__ import annotations

from litelstm.explore.area import (
    FEATURES,
    blocks,
    coefficients,
    estimate,
    features,
    in_block,
    of_parts,
)
from litelstm.explore.text import OPERATIONS, PARTS, Memory, read
from litelstm.fpga.families import ECP5, FF, ICE40, LUT, MULTIPLIER, RAM, SPRAM
from litelstm.fpga.targets import TARGETS

MODULE = """module litelstm_core_123456_core_array_lanes(clk, a, b);
  input clk;
  wire clk;
  input [7:0] a;
  wire [7:0] a;
  wire [8:0] n1;
  wire n2;
  wire [3:0] n3;
  wire n4;
  wire [9:0] n5;
  reg [5:0] chosen;
  reg [8:0] sum_q = 9'h000;
  (* no_rw_check = 32'd1 *)
  (* ram_style = "block" *)
  reg [15:0] deep [99:0];
  reg [4:0] flat [16:0];
  reg [15:0] _0_;
  assign n1 = $signed(a) + $signed(b);
  assign n2 = a == 8'h04;
  assign n3 = n2 ? a[3:0] : b[3:0];
  assign n4 = | a[5:0];
  assign n5 = $signed(a[4:1]) * $signed(b);
  assign n6 = $signed(a) * 3'h5;
  assign plain = n4;
  always @(posedge clk)
    sum_q <= n1;
  always @(posedge clk) begin
    _0_ <= deep[a];
  end
  assign word = flat[a];
  always @* begin
    casez (a)
      8'h00:
          chosen = 6'h01;
      default:
          chosen = n1[5:0];
    endcase
  end
endmodule

module litelstm_core_123456_core_array_shadow(clk);
  reg [4:0] lane0 [127:0];
  reg [4:0] lane1 [126:0];
  assign word = lane0[a];
  assign word = lane1[a];
endmodule

module litelstm_core_123456_core_update(clk);
  wire [2:0] x;
  assign x = ~ y;
endmodule

module litelstm_core_123456_core_loader_crc32(clk);
  wire [31:0] x;
  assign x = a ^ b;
endmodule
"""


def test_counts_of_a_module() -> None:
    parts = read(MODULE)
    array = parts["array"]
    expected = {"add": 9, "compare": 8, "mux": 4, "logic": 6, "case": 6, "table": 6}
    assert +array.bits == expected
    assert +parts["control"].bits == {"checks": 1}  # always the same, whatever is in it
    assert {*expected, "checks"} == set(OPERATIONS)
    assert array.products == ((10, 4),)  # that with a constant is no multiplier's
    assert array.registers == 9  # the memory's output is the memory's
    assert array.memories == (
        Memory(words=100, width=16, ports=1, clocked=True, block=True),
        Memory(words=17, width=5, ports=1, clocked=False, block=False),
        Memory(words=128, width=5, ports=1, clocked=True, block=False),  # a long shadow
        Memory(words=127, width=5, ports=1, clocked=False, block=False),
    )
    assert parts["update"].bits["logic"] == 3
    assert not parts["control"].memories


def test_features_leave_out_block_ram() -> None:
    array = read(MODULE)["array"]
    found = features(array, ECP5)
    assert tuple(found) == FEATURES
    # 5 bits are two chunks of 4; 17 words are two of 16, and 127 are eight.
    assert (found["chunks"], found["chosen"], found["product"]) == (2 * 2 + 2 * 8, 5 + 35, 0)
    registers = features(array, ICE40)  # a product of 10 bits is too narrow there
    words = 17 + 127
    assert (registers["chunks"], registers["product"]) == (5 * words, 4)
    assert registers["chosen"] == 5 * (words - 2)
    model = coefficients()[ICE40.name]
    up5k = TARGETS["ice40-up5k"]
    assert of_parts(read(MODULE), 3, up5k, model).used[MULTIPLIER] == 2


def test_where_memories_go() -> None:
    def memory(words: int, width: int, *, clocked: bool = True, block: bool = False) -> Memory:
        return Memory(words=words, width=width, ports=1, clocked=clocked, block=block)

    assert in_block(memory(8, 8, block=True), ECP5)
    assert in_block(memory(65, 8), ECP5)
    assert not in_block(memory(64, 8), ECP5)
    assert in_block(memory(16, 8), ICE40)
    assert not in_block(memory(1000, 8, clocked=False), ICE40)
    assert blocks(memory(600, 40, block=True), ECP5) == 3  # 3 of 1024 x 18
    assert blocks(memory(300, 8, block=True), ICE40) == 1  # 512 x 8
    assert blocks(memory(4, 1472, block=True), ECP5) == 41  # 512 x 36
    assert blocks(memory(4, 4), ECP5) == 0


def test_every_coefficient_is_there() -> None:
    for family in (ECP5, ICE40):
        for resource in (LUT, FF):
            model = coefficients()[family.name][resource]
            assert set(model) == set(PARTS)
            for part in PARTS:
                assert set(model[part]) == set(FEATURES)
                assert all(value >= 0 for value in model[part].values())


WEIGHTS = """module litelstm_core_123456_core_weights(clk);
  (* ram_style = "block" *)
  reg [63:0] memory [20000:0];
  always @(posedge clk) begin
    if (write__en[0])
      memory[WRITE][31:0] <= write[44:13];
  end
  reg [63:0] _0_;
  always @(posedge clk) begin
      _0_ <= memory[address];
  end
endmodule
"""


def test_loaded_weights_take_sprams() -> None:
    one_port = WEIGHTS.replace("WRITE", "address")
    up5k, hx8k = TARGETS["ice40-up5k"], TARGETS["ice40-hx8k"]
    found = estimate(one_port, 2, up5k).used
    assert (found[SPRAM], found[RAM], found[MULTIPLIER]) == (8, 0, 2)
    assert SPRAM not in estimate(one_port, 2, hx8k).used
    padded = one_port.replace("(clk);", "(clk);\n  output [20:0] data;")
    assert estimate(padded, 2, up5k).used[SPRAM] == 4  # 21 of 64 bits are read
    two_banks = WEIGHTS.replace("WRITE", "{ write[45], write[11:3] }")
    assert estimate(two_banks, 2, up5k).used == estimate(two_banks, 2, hx8k).used
