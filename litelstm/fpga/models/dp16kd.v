// Simulation model of the ECP5's block RAM, after Lattice's description of the EBR, with the layout
// of bits that Yosys uses.
//
// The memory has 512 rows of 36 bits; each port accesses words of 1, 2, 4, 9, 18 or 36 bits. Widths
// below 9 use 8 of the 9 bits of a byte. With 18 bits, the two lowest bits of the address enable
// the bytes to write; with 36 bits, the four lowest do. A port of 36 bits uses the data pins of
// both ports: port A then only writes, port B only reads.
//
// A word comes at the clock edge, or with an output register (OUTREG) at the next one. A read of
// bits that the other port writes in the same cycle gives X, because the part does not define the
// result. The ports must share a clock, or never access the same bits at once. A word of 36 bits has
// output registers in both ports or in none. The model lacks chip selects other than 0. A netlist
// that uses any other parameter does not elaborate.

// Place of a word of WIDTH bits: bits `at` and above of a row; a write changes the bits of `mask`.
module dp16kd_place #(
    parameter integer WIDTH = 18
) (
    input [13:0] ad,
    input [35:0] di,
    output [8:0] row,
    output [5:0] at,
    output [35:0] mask,
    output [35:0] data
);
  wire [5:0] byte_at = 9 * ad[4:3];
  wire [5:0] half_at = 18 * ad[4];
  wire [35:0] first_bits = (36'd1 << WIDTH) - 1;
  wire [35:0] bytes = {{9{ad[3]}}, {9{ad[2]}}, {9{ad[1]}}, {9{ad[0]}}};
  assign row = ad[13:5];
  assign at = WIDTH == 36 ? 0
      : WIDTH == 18 ? half_at
      : WIDTH == 9 ? byte_at
      : WIDTH == 4 ? byte_at + {ad[2], 2'b0}
      : WIDTH == 2 ? byte_at + {ad[2:1], 1'b0}
      : byte_at + ad[2:0];
  assign mask = WIDTH == 36 ? bytes : (WIDTH == 18 ? bytes & first_bits : first_bits) << at;
  assign data = di << at;
endmodule

// Word that a port reads: `row_bits` is the row before the edge, `other` the bits that the other
// port writes at the same edge.
module dp16kd_read #(
    parameter integer WIDTH = 18,
    parameter REGMODE = "NOREG",
    parameter WRITEMODE = "NORMAL",
    parameter RESETMODE = "SYNC"
) (
    input clk,
    input ce,
    input we,
    input oce,
    input rst,
    input [5:0] at,
    input [35:0] mask,
    input [35:0] data,
    input [35:0] row_bits,
    input [35:0] other,
    output [35:0] word
);
  wire at_once = RESETMODE == "ASYNC" && rst;
  wire [35:0] first_bits = WIDTH == 36 ? {36{1'b1}} : (36'd1 << WIDTH) - 1;
  wire [35:0] written = we && WRITEMODE == "WRITETHROUGH" ? mask : 36'd0;
  wire [35:0] known = (row_bits & ~written | data & written) & ~other | {36{1'bx}} & other;
  reg [35:0] q, q2;
  initial begin
    q = 0;
    q2 = 0;
  end
  always @(posedge clk, posedge at_once)
    if (at_once || rst) q <= 0;
    else if (ce && !(we && WRITEMODE == "NORMAL")) q <= known >> at & first_bits;
  always @(posedge clk, posedge at_once)
    if (at_once || rst) q2 <= 0;
    else if (oce) q2 <= q;
  assign word = REGMODE == "OUTREG" ? q2 : q;
endmodule

module DP16KD #(
    parameter integer DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
    parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB",
    parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", GSR = "ENABLED",
    parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0,
    parameter [319:0] INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0,
    parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
    parameter [319:0] INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0,
    parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0,
    parameter [319:0] INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0,
    parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
    parameter [319:0] INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0,
    parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
    parameter [319:0] INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0,
    parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0,
    parameter [319:0] INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0,
    parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0,
    parameter [319:0] INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0,
    parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
    parameter [319:0] INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0
) (
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
    input DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
    input DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
    output DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
    output DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
  wire [17:0] di_a = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  wire [17:0] di_b = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
    DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0
  };
  wire [13:0] ad_a = {
      ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7,
      ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [13:0] ad_b = {
      ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7,
      ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
  };
  wire [8:0] row_a, row_b;
  wire [5:0] at_a, at_b;
  wire [35:0] mask_a, mask_b, data_a, data_b, word_a, word_b;

  dp16kd_place #(.WIDTH(DATA_WIDTH_A)) place_a (
      .ad(ad_a), .di(DATA_WIDTH_A == 36 ? {di_b, di_a} : {18'b0, di_a}),
      .row(row_a), .at(at_a), .mask(mask_a), .data(data_a)
  );
  dp16kd_place #(.WIDTH(DATA_WIDTH_B)) place_b (
      .ad(ad_b), .di({18'b0, di_b}),
      .row(row_b), .at(at_b), .mask(mask_b), .data(data_b)
  );

  // Each parameter has 16 words of 18 bits, each in 20 bits.
  localparam [64*320-1:0] CONTENT = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };
  reg [35:0] memory[0:511];
  integer i;
  initial
    for (i = 0; i < 512; i = i + 1)
      memory[i] = {CONTENT[40*i+20+:18], CONTENT[40*i+:18]};

  wire clk_a = CLKAMUX == "INV" ? ~CLKA : CLKA;
  wire clk_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
  wire ce_a = CEA && !CSA0 && !CSA1 && !CSA2;
  wire ce_b = CEB && !CSB0 && !CSB1 && !CSB2;
  wire write_a = ce_a && WEA;
  wire write_b = ce_b && WEB && DATA_WIDTH_B != 36;
  wire [35:0] bits_a = memory[row_a];
  wire [35:0] bits_b = memory[row_b];

  integer bit_a, bit_b;
  always @(posedge clk_a)
    if (write_a)
      for (bit_a = 0; bit_a < 36; bit_a = bit_a + 1)
        if (mask_a[bit_a]) memory[row_a][bit_a] <= data_a[bit_a];
  always @(posedge clk_b)
    if (write_b)
      for (bit_b = 0; bit_b < 36; bit_b = bit_b + 1)
        if (mask_b[bit_b]) memory[row_b][bit_b] <= data_b[bit_b];

  wire same_row = row_a == row_b;
  dp16kd_read #(
      .WIDTH(DATA_WIDTH_A), .REGMODE(REGMODE_A), .WRITEMODE(WRITEMODE_A), .RESETMODE(RESETMODE)
  ) read_a (
      .clk(clk_a), .ce(ce_a), .we(WEA), .oce(OCEA), .rst(RSTA), .at(at_a), .mask(mask_a),
      .data(data_a), .row_bits(bits_a), .other(write_b && same_row ? mask_b : 36'd0), .word(word_a)
  );
  dp16kd_read #(
      .WIDTH(DATA_WIDTH_B), .REGMODE(REGMODE_B), .WRITEMODE(WRITEMODE_B), .RESETMODE(RESETMODE)
  ) read_b (
      .clk(clk_b), .ce(ce_b), .we(WEB), .oce(OCEB), .rst(RSTB), .at(at_b), .mask(mask_b),
      .data(data_b), .row_bits(bits_b), .other(write_a && same_row ? mask_a : 36'd0), .word(word_b)
  );

  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
    DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0
  } = DATA_WIDTH_B == 36 ? word_b[17:0] : word_a[17:0];
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
    DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
  } = DATA_WIDTH_B == 36 ? word_b[35:18] : word_b[17:0];
endmodule
