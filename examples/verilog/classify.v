// Classifies a picture of 8 x 8 pixels from a memory; the core takes a row per step.
//
//     litelstm generate models/digits_litelstm_w8a8.npz --lanes 2 --classes --name digits -o build/digits
//
// `start` begins; `done` is high for one cycle, with the class. Pixels are words <8,6>: 64 is 1.0.

module classify #(
  parameter PICTURE = "digit.hex"
) (
  input            clk,
  input            rst,    // synchronous; 1 for a cycle or more before the first start
  input            start,
  output reg       done,
  output reg [3:0] class_index
);
  reg [7:0] pixels [0:63];
  initial $readmemh(PICTURE, pixels);

  reg [5:0] index;    // of the pixel that is offered
  reg       sending;
  wire      taken;    // the core takes the pixel at this clock edge
  // verilator lint_off UNUSEDSIGNAL
  wire [4:0] result;  // signed, so one bit more than the class needs
  // verilator lint_on UNUSEDSIGNAL
  wire      valid;

  digits core (
    .clk(clk), .rst(rst),
    .i_data(pixels[index]), .i_valid(sending), .i_ready(taken), .i_last(index == 6'd63),
    .o_data(result), .o_valid(valid), .o_ready(1'b1), .o_last()
  );

  always @(posedge clk) begin
    done <= valid;
    if (valid) class_index <= result[3:0];
    if (start) begin
      sending <= 1'b1;
      index <= 6'd0;
    end else if (sending && taken) begin
      index <= index + 6'd1;
      sending <= index != 6'd63;
    end
    if (rst) begin
      sending <= 1'b0;
      done <= 1'b0;
    end
  end
endmodule
