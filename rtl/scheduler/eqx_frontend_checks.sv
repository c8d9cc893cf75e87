// Assertions of what the front end relies on: how a unit's quiet, done and error follow an issue.
// For synthesis the module is empty.
module eqx_frontend_checks #(
    parameter int unsigned CTX = 3
) (
    input logic                    clk_i,
    input logic                    rst_ni,
    input logic [    3:0][CTX-1:0] instr_valid_i,
    input logic [    3:0][CTX-1:0] instr_ready_i,
    input logic [CTX-1:0]          kill_i,
    input logic [    3:0][CTX-1:0] quiet_i,
    input logic [    3:0][CTX-1:0] done_valid_i,
    input logic [    3:0][CTX-1:0] err_valid_i
);
`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );

  logic live_q;  // issue_q and quiet_q are of a cycle out of reset
  logic [3:0][CTX-1:0] issue, issue_q, quiet_q;
  assign issue = instr_valid_i & instr_ready_i;
  always_ff @(posedge clk_i) begin
    if (issue != '0 || issue_q != '0) issue_q <= issue;
    quiet_q <= quiet_i;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else live_q <= live;
  end

  // From the cycle after an issue on a unit is not quiet (or says at once that the instruction is faulty).
  a_not_quiet :
  assert property (@(posedge clk_i) disable iff (!live) (live_q ? issue_q & quiet_i & ~err_valid_i : '0) == '0)
  else $error("frontend: a unit is quiet in the cycle after an issue");
  c_not_quiet :
  cover property (@(posedge clk_i) disable iff (!live) issue_q != '0);
  // It becomes quiet no sooner than its last completion or error shows.
  a_quiet_last :
  assert property (@(posedge clk_i) disable iff (!live)
      (live_q ? (done_valid_i | err_valid_i) & quiet_q & ~issue_q : '0) == '0)
  else $error("frontend: a unit was quiet before its last completion");
  c_quiet_last :
  cover property (@(posedge clk_i) disable iff (!live) (done_valid_i | err_valid_i) != '0);
  // Nothing is issued to a context that is being stopped.
  for (genvar u = 0; u < 4; u++) begin : g_unit
    a_kill :
    assert property (@(posedge clk_i) disable iff (!live) (instr_valid_i[u] & kill_i) == '0)
    else $error("frontend: an instruction is offered to a killed context");
    c_kill :
    cover property (@(posedge clk_i) disable iff (!live) kill_i != '0);
  end
`endif  // SYNTHESIS
endmodule
