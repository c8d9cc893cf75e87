// Bench of the FIFO in registers. Python drives at falling edges.
module tb_reg_fifo #(
    parameter int unsigned DEPTH = 4
);
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic push = 1'b0, ready = 1'b0, valid;
  logic [47:0] wdata = '0, rdata;
  logic [$clog2(DEPTH):0] count;

  eqx_reg_fifo #(
      .DEPTH(DEPTH)
  ) dut (
      .clk_i  (clk),
      .rst_ni (rst_n),
      .push_i (push),
      .wdata_i(wdata),
      .count_o(count),
      .valid_o(valid),
      .ready_i(ready),
      .rdata_o(rdata)
  );
endmodule
