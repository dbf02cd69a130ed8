// Accesses to a SoC over Wishbone; prints what each read gives.
module bench;
  reg clk = 0, rst = 1, cyc = 0, we = 0;
  reg [31:0] address, word;
  wire ack, err;
  wire [31:0] answer;

  always #5 clk = ~clk;

  soc soc(
    .clk(clk), .rst(rst), .sim_trace(1'b0),
    .wb_adr(address[31:2]), .wb_dat_w(word), .wb_dat_r(answer), .wb_sel(4'hf),
    .wb_cyc(cyc), .wb_stb(cyc), .wb_we(we), .wb_ack(ack), .wb_err(err)
  );

  task access(input [31:0] at, input write, input [31:0] value);
    begin
      address = at; we = write; word = value; cyc = 1;
      @(posedge clk);
      while (!(ack || err)) @(posedge clk);
      if (err) $display("error");
      else if (!write) $display("%h", answer);
      #1 cyc = 0;
      @(posedge clk);
    end
  endtask

  initial begin
    repeat (4) @(posedge clk);
    #1 rst = 0;
    access(32'h90000000, 0, 0);  // ID
    access(32'h90000028, 1, 5);  // LENGTH
    access(32'h90000028, 0, 0);
    $finish;
  end

  initial #100000 $fatal(1, "no answer");
endmodule
