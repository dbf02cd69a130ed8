// Models of the PLLs of hdl.board.plls, for benches that drive the oscillator's port with the
// PLL's output clock: each passes its input on, and locks after some cycles.

module pll_model(input in, output out, output locked);
  reg [3:0] cycles = 0;
  assign out = in;
  assign locked = cycles[3];
  always @(posedge in) if (!locked) cycles <= cycles + 1;
endmodule

module SB_PLL40_CORE #(
  parameter FEEDBACK_PATH = "SIMPLE", parameter [3:0] DIVR = 0, parameter [6:0] DIVF = 0,
  parameter [2:0] DIVQ = 0, parameter [2:0] FILTER_RANGE = 0
) (input REFERENCECLK, RESETB, BYPASS, output PLLOUTGLOBAL, LOCK);
  pll_model model(.in(REFERENCECLK), .out(PLLOUTGLOBAL), .locked(LOCK));
endmodule

module SB_PLL40_PAD #(
  parameter FEEDBACK_PATH = "SIMPLE", parameter [3:0] DIVR = 0, parameter [6:0] DIVF = 0,
  parameter [2:0] DIVQ = 0, parameter [2:0] FILTER_RANGE = 0
) (input PACKAGEPIN, RESETB, BYPASS, output PLLOUTGLOBAL, LOCK);
  pll_model model(.in(PACKAGEPIN), .out(PLLOUTGLOBAL), .locked(LOCK));
endmodule

module EHXPLLL #(
  parameter PLLRST_ENA = "", INTFB_WAKE = "", STDBY_ENABLE = "", DPHASE_SOURCE = "",
  parameter FEEDBK_PATH = "", CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_ENABLE = "", CLKOP_DIV = 1,
  parameter CLKOP_CPHASE = 0, CLKOP_FPHASE = 0, CLKOS_ENABLE = "", CLKOS_DIV = 1,
  parameter CLKOS_CPHASE = 0, CLKOS_FPHASE = 0
) (
  input CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
  input PLLWAKESYNC, ENCLKOP, ENCLKOS, output CLKOP, CLKOS, LOCK
);
  assign CLKOP = CLKI;
  pll_model model(.in(CLKI), .out(CLKOS), .locked(LOCK));
endmodule

module rPLL #(
  parameter DEVICE = "", FCLKIN = "", IDIV_SEL = 0, DYN_IDIV_SEL = "", FBDIV_SEL = 0,
  parameter DYN_FBDIV_SEL = "", ODIV_SEL = 2, DYN_ODIV_SEL = "", CLKFB_SEL = "",
  parameter CLKOUT_BYPASS = ""
) (
  input CLKIN, CLKFB, RESET, RESET_P, input [5:0] FBDSEL, IDSEL, ODSEL,
  input [3:0] PSDA, DUTYDA, FDLY, output CLKOUT, LOCK
);
  pll_model model(.in(CLKIN), .out(CLKOUT), .locked(LOCK));
endmodule

module PLLE2_BASE #(
  parameter CLKIN1_PERIOD = 0.0, DIVCLK_DIVIDE = 1, CLKFBOUT_MULT = 1, CLKOUT0_DIVIDE = 1
) (input CLKIN1, CLKFBIN, RST, PWRDWN, output CLKFBOUT, CLKOUT0, LOCKED);
  assign CLKFBOUT = CLKIN1;
  pll_model model(.in(CLKIN1), .out(CLKOUT0), .locked(LOCKED));
endmodule

module BUFG(input I, output O);
  assign O = I;
endmodule
