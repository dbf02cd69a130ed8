// Simulation model of the ECP5's multiplier, after Lattice's description of the sysDSP slice.
//
// It multiplies two factors of 18 bits, each signed or unsigned. Registers are optional: one per
// factor, one between multiplier and output (pipeline), one at the output. Parameters select a
// register's clock, clock enable and reset out of four each; clock NONE replaces it by a wire.
//
// The model assumes constant signs, and factors from A and B. C, the shift registers and the
// cascade to the ALU have no ports here, or are ignored. A netlist that uses any other parameter or
// port does not elaborate.

module mult18x18d_register #(
    parameter integer WIDTH = 18,
    parameter CLK = "NONE",
    parameter CE = "CE0",
    parameter RST = "RST0",
    parameter RESETMODE = "SYNC"
) (
    input clk0, clk1, clk2, clk3,
    input [3:0] ce,
    input [3:0] rst,
    input [WIDTH-1:0] d,
    output [WIDTH-1:0] q
);
  generate
    if (CLK == "NONE") begin : wired
      assign q = d;
    end else begin : registered
      // No gate and no part select between the part's clock and this one: under Icarus, cocotb's
      // writes at time 0 would not pass it.
      wire clock = CLK == "CLK3" ? clk3 : CLK == "CLK2" ? clk2 : CLK == "CLK1" ? clk1 : clk0;
      wire enable = CE == "CE3" ? ce[3]
          : CE == "CE2" ? ce[2] : CE == "CE1" ? ce[1] : ce[0];
      wire reset = RST == "RST3" ? rst[3]
          : RST == "RST2" ? rst[2] : RST == "RST1" ? rst[1] : rst[0];
      wire at_once = RESETMODE == "ASYNC" && reset;
      reg [WIDTH-1:0] held;
      initial held = 0;
      always @(posedge clock, posedge at_once)
        if (at_once || reset) held <= 0;
        else if (enable) held <= d;
      assign q = held;
    end
  endgenerate
endmodule

module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE",
    parameter REG_INPUTA_CE = "CE0",
    parameter REG_INPUTA_RST = "RST0",
    parameter REG_INPUTB_CLK = "NONE",
    parameter REG_INPUTB_CE = "CE0",
    parameter REG_INPUTB_RST = "RST0",
    parameter REG_PIPELINE_CLK = "NONE",
    parameter REG_PIPELINE_CE = "CE0",
    parameter REG_PIPELINE_RST = "RST0",
    parameter REG_OUTPUT_CLK = "NONE",
    parameter REG_OUTPUT_CE = "CE0",
    parameter REG_OUTPUT_RST = "RST0",
    parameter RESETMODE = "SYNC",
    parameter GSR = "ENABLED"
) (
    input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
    input C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input CLK0, CLK1, CLK2, CLK3, CE0, CE1, CE2, CE3, RST0, RST1, RST2, RST3,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17,
    output P18, P19, P20, P21, P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
  wire [3:0] ce = {CE3, CE2, CE1, CE0};
  wire [3:0] rst = {RST3, RST2, RST1, RST0};
  wire [17:0] in_a = {
      A17, A16, A15, A14, A13, A12, A11, A10, A9,
      A8, A7, A6, A5, A4, A3, A2, A1, A0
  };
  wire [17:0] in_b = {
      B17, B16, B15, B14, B13, B12, B11, B10, B9,
      B8, B7, B6, B5, B4, B3, B2, B1, B0
  };
  wire [17:0] a, b;
  wire [35:0] piped, p;

  mult18x18d_register #(
      .WIDTH(18), .RESETMODE(RESETMODE),
      .CLK(REG_INPUTA_CLK), .CE(REG_INPUTA_CE), .RST(REG_INPUTA_RST)
  ) input_a (
      .clk0(CLK0), .clk1(CLK1), .clk2(CLK2), .clk3(CLK3), .ce(ce), .rst(rst), .d(in_a), .q(a)
  );

  mult18x18d_register #(
      .WIDTH(18), .RESETMODE(RESETMODE),
      .CLK(REG_INPUTB_CLK), .CE(REG_INPUTB_CE), .RST(REG_INPUTB_RST)
  ) input_b (
      .clk0(CLK0), .clk1(CLK1), .clk2(CLK2), .clk3(CLK3), .ce(ce), .rst(rst), .d(in_b), .q(b)
  );

  // One bit more, so that an unsigned factor is positive.
  wire signed [18:0] factor_a = {SIGNEDA & a[17], a};
  wire signed [18:0] factor_b = {SIGNEDB & b[17], b};
  wire signed [37:0] product = factor_a * factor_b;

  mult18x18d_register #(
      .WIDTH(36), .RESETMODE(RESETMODE),
      .CLK(REG_PIPELINE_CLK), .CE(REG_PIPELINE_CE), .RST(REG_PIPELINE_RST)
  ) pipeline (
      .clk0(CLK0), .clk1(CLK1), .clk2(CLK2), .clk3(CLK3), .ce(ce), .rst(rst), .d(product[35:0]), .q(piped)
  );

  mult18x18d_register #(
      .WIDTH(36), .RESETMODE(RESETMODE),
      .CLK(REG_OUTPUT_CLK), .CE(REG_OUTPUT_CE), .RST(REG_OUTPUT_RST)
  ) out (
      .clk0(CLK0), .clk1(CLK1), .clk2(CLK2), .clk3(CLK3), .ce(ce), .rst(rst), .d(piped), .q(p)
  );

  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
          P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p;
endmodule
