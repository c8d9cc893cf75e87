// eqx_policy: the mode of a cycle follows from the policy and the queues in the cycle before (docs/scheduler.md).
module fv_policy (
    input logic clk_i,
    input logic [2:0] policy_i,
    input logic above_i,
    input logic late_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  eqx_pkg::mode_e mode;
  eqx_policy dut (
      .clk_i,
      .rst_ni,
      .policy_i             (eqx_pkg::policy_e'(policy_i)),
      .any_above_threshold_i(above_i),
      .any_late_i           (late_i),
      .mode_o               (mode)
  );

  logic [2:0] policy_q;
  logic above_q, late_q, live_q, shares, looks, presses;
  always_ff @(posedge clk_i) begin
    policy_q <= policy_i;
    above_q  <= above_i;
    late_q   <= late_i;
    live_q   <= rst_ni;
  end
  // Policies under which training may have cycles that inference wants; that look at the queues; at late requests.
  assign shares  = policy_q inside {eqx_pkg::POLICY_FAIR, eqx_pkg::POLICY_ADAPTIVE, eqx_pkg::POLICY_SLACK};
  assign looks   = policy_q inside {eqx_pkg::POLICY_ADAPTIVE, eqx_pkg::POLICY_SLACK};
  assign presses = (looks && above_q) || (policy_q == eqx_pkg::POLICY_SLACK && late_q);
  always_comb
    if (rst_ni) begin
      a_reset : assert (live_q || mode == eqx_pkg::MODE_INF_ONLY);
      a_fair : assert (!live_q || (mode == eqx_pkg::MODE_FAIR) == (shares && !presses));
      a_prio : assert (!live_q || (mode == eqx_pkg::MODE_PRIO) == (policy_q == eqx_pkg::POLICY_PRIORITY || presses));
      a_alone :
      assert (!live_q || mode inside {eqx_pkg::MODE_FAIR, eqx_pkg::MODE_PRIO} ||
          (mode == eqx_pkg::MODE_INF_ONLY && !shares && policy_q != eqx_pkg::POLICY_PRIORITY));
    end
endmodule
