// Bench of the AXI protocol checker: Python plays whole cycles, the checker counts instead of stopping.
module tb_axi_checker #(
    parameter int unsigned K = 8
);
  localparam int unsigned RULES = 12;
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic arvalid = 0, arready = 0, rvalid = 0, rready = 0, rlast = 0;
  logic awvalid = 0, awready = 0, wvalid = 0, wready = 0, wlast = 0, bvalid = 0, bready = 0;
  logic [31:0] araddr = 0, awaddr = 0;
  logic [7:0] arlen = 0, awlen = 0;
  logic [2:0] arsize = 3'($clog2(K)), awsize = 3'($clog2(K));
  logic [1:0] arburst = 1, awburst = 1, rresp = 0, bresp = 0;
  logic [0:0] arid = 0, awid = 0, rid = 0, bid = 0;
  logic [8*K-1:0] rdata = 0, wdata = 0;
  logic [K-1:0] wstrb = '1;
  axi_checker #(
      .K(K),
      .QUIET(1'b1)
  ) u_check (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(arvalid),
      .arready_i(arready),
      .araddr_i(araddr),
      .arlen_i(arlen),
      .arsize_i(arsize),
      .arburst_i(arburst),
      .arid_i(arid),
      .rvalid_i(rvalid),
      .rready_i(rready),
      .rdata_i(rdata),
      .rresp_i(rresp),
      .rlast_i(rlast),
      .rid_i(rid),
      .awvalid_i(awvalid),
      .awready_i(awready),
      .awaddr_i(awaddr),
      .awlen_i(awlen),
      .awsize_i(awsize),
      .awburst_i(awburst),
      .awid_i(awid),
      .wvalid_i(wvalid),
      .wready_i(wready),
      .wdata_i(wdata),
      .wstrb_i(wstrb),
      .wlast_i(wlast),
      .bvalid_i(bvalid),
      .bready_i(bready),
      .bresp_i(bresp),
      .bid_i(bid)
  );
  int unsigned breaches[RULES], transfers;
  always_comb for (int unsigned i = 0; i < RULES; i++) breaches[i] = u_check.breaches[i];
  assign transfers = u_check.transfers;
endmodule
