// A core with AXI in a design without a processor: streams go in and out, and one write after
// reset lets the core begin.
//
//     litelstm generate models/digits_litelstm_w8a8.npz --lanes 2 --classes --axi --name digits_axi -o build/digits_axi
//
// A frame on `x` is a picture: 16 beats of four pixels, the first in the lowest byte, `tlast` with
// the last. A frame on `y` is one beat, the class. docs/bus.md describes both.

module axi_top (
  input         clk,
  input         resetn,
  input  [31:0] x_tdata,
  input         x_tvalid,
  input         x_tlast,
  output        x_tready,
  output [31:0] y_tdata,
  output        y_tvalid,
  output        y_tlast,
  output        y_faulty,  // with y_tlast: the frame on x had too few or too many beats
  input         y_tready
);
  localparam [7:0] CONTROL = 8'h20;
  localparam [31:0] ENABLE = 32'h1;

  reg  address_offered, data_offered;
  wire address_taken, data_taken;

  always @(posedge clk)
    if (!resetn) begin
      address_offered <= 1'b1;
      data_offered <= 1'b1;
    end else begin
      if (address_taken) address_offered <= 1'b0;
      if (data_taken) data_offered <= 1'b0;
    end

  digits_axi core (
    .aclk(clk), .aresetn(resetn), .irq(),
    .s_axil_awaddr(CONTROL), .s_axil_awvalid(address_offered && resetn), .s_axil_awready(address_taken),
    .s_axil_wdata(ENABLE), .s_axil_wstrb(4'hf), .s_axil_wvalid(data_offered && resetn), .s_axil_wready(data_taken),
    .s_axil_bresp(), .s_axil_bvalid(), .s_axil_bready(1'b1),
    .s_axil_araddr(8'h0), .s_axil_arvalid(1'b0), .s_axil_arready(),
    .s_axil_rdata(), .s_axil_rresp(), .s_axil_rvalid(), .s_axil_rready(1'b1),
    .s_axis_tdata(x_tdata), .s_axis_tvalid(x_tvalid), .s_axis_tready(x_tready), .s_axis_tlast(x_tlast),
    .m_axis_tdata(y_tdata), .m_axis_tkeep(), .m_axis_tvalid(y_tvalid), .m_axis_tready(y_tready),
    .m_axis_tlast(y_tlast), .m_axis_tuser(y_faulty)
  );
endmodule
