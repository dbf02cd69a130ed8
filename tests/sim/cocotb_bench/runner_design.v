// Counts while `enable` is high; `bad` fails an assertion, `stop` ends the simulator.
module runner_design(input clk, input rst, input enable, input bad, input stop,
                     output reg [7:0] count);
  initial count = 0;
  always @(posedge clk) begin
    if (rst) count <= 0;
    else if (enable) count <= count + 1;
    if (stop) $fatal(1, "asked to stop");
    assert (bad !== 1'b1);
  end
endmodule
