// Test bench of @NAME@: sends the beats below and compares every output word.
//
//   $ iverilog -o tb @FILE@ @NAME@.v && vvp tb
//   $ verilator --binary @FILE@ @NAME@.v && obj_dir/Vtb
//
// It runs twice from reset, without and with pauses on every stream. It prints PASS, or the
// differences and FAIL; on FAIL the exit status is not 0. Beats and words come from the golden
// model: @STEPS@ steps of random input.
module @BENCH@;
  localparam [31:0] LIMIT = 32'd@LIMIT@;  // most cycles without a transfer
  localparam [31:0] CYCLES = 32'd@CYCLES@;  // from the first element of x to the last word

  reg clk = 1'b0, rst = 1'b1, pauses = 1'b0;
  reg [31:0] noise = 32'h1;  // its bits pause streams
  reg [31:0] cycle, quiet;  // quiet: cycles since the last transfer
  reg [31:0] first, last;  // cycles of the first x and the latest word; 0: none yet
  reg loaded, failed = 1'b0;
@DECLARATIONS@
  always #5 clk = ~clk;

  @NAME@ dut (
@CONNECTIONS@
  );
@STREAMS@
  always @(posedge clk) begin
    noise <= {1'b0, noise[31:1]} ^ (noise[0] ? 32'ha3000000 : 32'h0);
    cycle <= rst ? 32'h1 : cycle + 32'h1;
    quiet <= rst || (@MOVES@) ? 32'h0 : quiet + 32'h1;
    if (rst) begin
      first <= 32'h0;
      last <= 32'h0;
    end else begin
      if (i_valid && i_ready && first == 32'h0) first <= cycle;
      if (o_valid && o_ready) last <= cycle;
    end
@LOADING@
  end

  task run;
    begin
      rst <= 1'b1;
      repeat (4) @(posedge clk);
      rst <= 1'b0;
      @(posedge clk);
      while (!(@DONE@) && quiet < LIMIT) @(negedge clk);
      if (!(@DONE@)) begin
        $display("nothing moves after %0d words", o_index);
        failed = 1'b1;
      end
      repeat (100) @(negedge clk);  // for surplus words
      if (|{@ERRORS@}) failed = 1'b1;
      if (!pauses && !failed && last - first != CYCLES) begin
        $display("the last word came after %0d cycles, expected %0d", last - first, CYCLES);
        failed = 1'b1;
      end
    end
  endtask

  initial begin
    run;
    pauses <= 1'b1;
    run;
    if (failed) begin
      $display("FAIL");
`ifdef __ICARUS__
      $finish_and_return(1);
`else
      $stop;
`endif
    end
    $display("PASS: @SUMMARY@");
    $finish;
  end

  initial begin
@VECTORS@
  end
endmodule

// Sends beats in order; holds each until it is taken.
module @BENCH@_source #(parameter [31:0] COUNT = 1) (
  input clk, input rst, input go, input pause, input ready,
  output reg valid, output reg [31:0] index, output done
);
  reg taken;
  assign done = index == COUNT;

  always @(posedge clk) begin
    taken <= valid && ready;
    index <= rst ? 32'h0 : index + {31'h0, valid && ready};
  end

  always @(negedge clk)
    valid <= !rst && go && !done && (valid && !taken || !pause);
endmodule

// Takes words and compares them; an offered word must not change until it is taken.
module @BENCH@_sink #(parameter [31:0] COUNT = 1, parameter WIDTH = 1) (
  input clk, input rst, input pause, input valid,
  input [WIDTH-1:0] word, input [WIDTH-1:0] expected,
  output reg ready, output reg [31:0] index, output reg [31:0] errors, output done
);
  reg waits;
  reg [WIDTH-1:0] offered;
  assign done = index >= COUNT;

  always @(negedge clk) ready <= !rst && !pause;

  always @(posedge clk) begin
    waits <= !rst && valid && !ready;
    offered <= word;
    if (rst) begin
      index <= 32'h0;
      errors <= 32'h0;
    end else if (waits && (!valid || word !== offered)) begin
      errors <= errors + 32'h1;
      $display("%m: word %0d was withdrawn or changed before it was taken", index);
    end else if (valid && ready) begin
      index <= index + 32'h1;
      if (done || word !== expected) begin
        errors <= errors + 32'h1;
        if (errors < 32'h8)
          $display("%m: word %0d of %0d is %h, expected %h", index, COUNT, word, expected);
      end
    end else if (valid !== 1'b0 && valid !== 1'b1) begin
      errors <= errors + 32'h1;
    end
  end
endmodule
