// Bench of a context's semaphores. Python drives at falling edges; what the outputs were in a cycle shows after its
// rising edge.
module tb_semaphores;
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic             rst_n = 1'b1;
  logic             init = 1'b0;
  logic [15:0][3:0] init_val = '0;
  logic [3:0][15:0] take = '0, done_signal = '0, nop_signal = '0;
  logic [3:0] done = '0, nop = '0;
  logic [15:0] nonzero, nonzero_q;
  logic overflow_q;  // what the DUT says a cycle later is of this cycle
  logic [1:0] unit_q;

  eqx_semaphores dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .init_i(init),
      .init_val_i(init_val),
      .take_i(take),
      .done_i(done),
      .done_signal_i(done_signal),
      .nop_i(nop),
      .nop_signal_i(nop_signal),
      .nonzero_o(nonzero),
      .overflow_o(overflow_q),
      .overflow_unit_o(unit_q)
  );
  always_ff @(posedge clk) nonzero_q <= nonzero;
endmodule
