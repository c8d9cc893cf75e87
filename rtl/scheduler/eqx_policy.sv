// Scheduling policy: turns the policy register, for `adaptive` and `slack` the queue lengths, and for `slack` the age
// of requests, into the mode of the units.
// Latency: 1 cycle (mode_o is a register).
module eqx_policy (
    input logic clk_i,
    input logic rst_ni,
    input eqx_pkg::policy_e policy_i,
    input logic any_above_threshold_i,  // some service's queue is longer than its threshold, or than it can be
    input logic any_late_i,  // some request has used up its time
    output eqx_pkg::mode_e mode_o
);
  eqx_pkg::mode_e mode_d, mode_q;

  always_comb begin
    unique case (policy_i)
      eqx_pkg::POLICY_INFERENCE_ONLY: mode_d = eqx_pkg::MODE_INF_ONLY;
      eqx_pkg::POLICY_FAIR: mode_d = eqx_pkg::MODE_FAIR;
      eqx_pkg::POLICY_PRIORITY: mode_d = eqx_pkg::MODE_PRIO;
      eqx_pkg::POLICY_ADAPTIVE: mode_d = any_above_threshold_i ? eqx_pkg::MODE_PRIO : eqx_pkg::MODE_FAIR;
      eqx_pkg::POLICY_SLACK: mode_d = (any_late_i || any_above_threshold_i) ? eqx_pkg::MODE_PRIO : eqx_pkg::MODE_FAIR;
      default: mode_d = eqx_pkg::MODE_INF_ONLY;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) mode_q <= eqx_pkg::MODE_INF_ONLY;
    else mode_q <= mode_d;
  end

  assign mode_o = mode_q;
endmodule
