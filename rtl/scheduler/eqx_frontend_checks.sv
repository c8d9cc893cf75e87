// Assertions of what the front end relies on: how a unit's quiet, done and error follow an issue.
// For synthesis the module is empty.
module eqx_frontend_checks #(
    parameter int unsigned CTX = 3
) (
    input logic clk_i,
    input logic rst_ni,
    // verilator lint_off UNUSEDSIGNAL
    input eqx_pkg::unit_req_t [3:0][CTX-1:0] unit_req_i,  // of it: valid, kill
    input eqx_pkg::unit_rsp_t [3:0][CTX-1:0] unit_rsp_i  // of it: ready, quiet, done, error
    // verilator lint_on UNUSEDSIGNAL
);
`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );

  logic live_q;  // issue_q and quiet_q are of a cycle out of reset
  logic [3:0][CTX-1:0] issue, issue_q, quiet, quiet_q, done, err, offered, kill;
  for (genvar u = 0; u < 4; u++) begin : g_unit
    for (genvar c = 0; c < CTX; c++) begin : g_ctx
      assign issue[u][c] = unit_req_i[u][c].instr_valid && unit_rsp_i[u][c].instr_ready;
      assign quiet[u][c] = unit_rsp_i[u][c].quiet;
      assign done[u][c] = unit_rsp_i[u][c].done_valid;
      assign err[u][c] = unit_rsp_i[u][c].err_valid;
      assign kill[u][c] = unit_req_i[u][c].kill;
      assign offered[u][c] = unit_req_i[u][c].instr_valid;
    end
  end
  always_ff @(posedge clk_i) begin
    if (issue != '0 || issue_q != '0) issue_q <= issue;
    quiet_q <= quiet;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else live_q <= live;
  end

  // From the cycle after an issue on a unit is not quiet (or says at once that the instruction is faulty).
  a_not_quiet :
  assert property (@(posedge clk_i) disable iff (!live) (live_q ? issue_q & quiet & ~err : '0) == '0)
  else $error("frontend: a unit is quiet in the cycle after an issue");
  c_not_quiet :
  cover property (@(posedge clk_i) disable iff (!live) issue_q != '0);
  // It becomes quiet no sooner than its last completion or error shows.
  a_quiet_last :
  assert property (@(posedge clk_i) disable iff (!live) (live_q ? (done | err) & quiet_q & ~issue_q : '0) == '0)
  else $error("frontend: a unit was quiet before its last completion");
  c_quiet_last :
  cover property (@(posedge clk_i) disable iff (!live) (done | err) != '0);
  // Nothing is issued to a context that is being stopped.
  a_kill :
  assert property (@(posedge clk_i) disable iff (!live) (offered & kill) == '0)
  else $error("frontend: an instruction is offered to a killed context");
  c_kill :
  cover property (@(posedge clk_i) disable iff (!live) kill != '0);
`endif  // SYNTHESIS
endmodule
