// A whole iCEBreaker: a PLL makes 27 MHz from the oscillator's 12, the button classifies the
// picture, and the green LEDs of the part at PMOD 2 show the class. Needs classify.v and its core.

module board_top #(
  parameter PAUSE_BITS = 17  // the button is looked at every 2^PAUSE_BITS cycles, 4.9 ms
) (
  input        clk12,
  input        button_n,
  output [3:0] led
);
  // 12 MHz (DIVF + 1) / 2^DIVQ = 27 MHz; docs/boards.md tells which clocks a design reaches.
  wire clk, locked;
  SB_PLL40_PAD #(
    .FEEDBACK_PATH("SIMPLE"), .DIVR(4'd0), .DIVF(7'd71), .DIVQ(3'd5), .FILTER_RANGE(3'd1)
  ) pll (
    .PACKAGEPIN(clk12), .PLLOUTGLOBAL(clk), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0)
  );

  // Reset until the PLL has locked, and for 15 us: until then block RAM may not have its contents.
  reg [1:0] lock_q = 2'b00;
  reg [8:0] waited = 9'd0;
  reg       rst = 1'b1;
  always @(posedge clk) begin
    lock_q <= {lock_q[0], locked};
    if (!lock_q[1]) waited <= 9'd0;
    else if (!(&waited)) waited <= waited + 9'd1;
    rst <= !(&waited);
  end

  // A press starts once, however the button bounces.
  reg [PAUSE_BITS-1:0] pause = 0;
  reg [1:0]  pressed = 2'b00;
  reg        was_pressed = 1'b0, start = 1'b0;
  always @(posedge clk) begin
    pressed <= {pressed[0], !button_n};
    pause <= pause + 1'b1;
    start <= 1'b0;
    if (&pause) begin
      was_pressed <= pressed[1];
      start <= pressed[1] && !was_pressed;
    end
  end

  wire [3:0] class_index;
  wire       done;
  reg  [3:0] shown = 4'd0;
  classify network (
    .clk(clk), .rst(rst), .start(start), .done(done), .class_index(class_index)
  );
  always @(posedge clk) if (done) shown <= class_index;
  assign led = shown;
endmodule
