// Assertions of the MMU's promises, on in every simulation.
// Bound: in MODE_PRIO, a ready inference tile with a free bank of its class waits at most N cycles for a training load,
// and no training row enters in a cycle in which inference has a row to give.
module eqx_mmu_checks #(
    parameter int unsigned N = 8
) (
    input logic clk_i,
    input logic rst_ni,
    input eqx_pkg::mode_e mode_i,
    input logic inf_wait_i,  // an inference tile with a free bank waits while the port loads a training tile
    input logic [1:0] avail_i,  // rows to give: 0 inference, 1 training
    input logic [1:0] take_i
);
`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  logic [15:0] wait_q;  // cycles that inference has waited for training
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) wait_q <= '0;
    else if (mode_i == eqx_pkg::MODE_PRIO && inf_wait_i) wait_q <= wait_q + 16'd1;
    else wait_q <= '0;
  end

  a_load_wait :
  assert property (@(posedge clk_i) disable iff (!live) wait_q <= 16'(N))
  else $error("mmu: an inference tile waited %0d cycles for the load port, the bound is %0d", wait_q, N);
  c_load_wait :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_PRIO && inf_wait_i);
  a_prio :
  assert property (@(posedge clk_i) disable iff (!live) !(mode_i == eqx_pkg::MODE_PRIO && take_i[1] && avail_i[0]))
  else $error("mmu: a training row entered although inference had one to give");
  c_prio :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_PRIO && take_i != '0 && avail_i[0]);
  a_taken :
  assert property (@(posedge clk_i) disable iff (!live) take_i != 2'b11 && (take_i & ~avail_i) == '0)
  else $error("mmu: a row entered that was not to be had");
  c_taken :
  cover property (@(posedge clk_i) disable iff (!live) take_i != '0);
  a_inf_only :
  assert property (@(posedge clk_i) disable iff (!live) !(mode_i == eqx_pkg::MODE_INF_ONLY && take_i[1]))
  else $error("mmu: a training row entered in MODE_INF_ONLY");
  c_inf_only :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_INF_ONLY && avail_i[1]);
  a_row_enters :
  assert property (@(posedge clk_i) disable iff (!live) take_i != '0 || !avail_i[0])
  else $error("mmu: inference had a row to give, and none entered");
  c_row_enters :
  cover property (@(posedge clk_i) disable iff (!live) avail_i[0]);
  c_bound_met :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_PRIO && wait_q == 16'(N));
  c_contest :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_PRIO && (&avail_i) && take_i[0]);
`endif  // SYNTHESIS
endmodule
