// Keeps the batches of one service in the order in which they were dispatched, whichever context is ready first.
// Latency: an opened batch holds back later ones of its service from the next cycle on; a closed one no longer does.
module eqx_batch_order #(
    parameter int unsigned C_INF = 2
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic [C_INF-1:0]      open_i,   // pulse: a batch begins (one a cycle); its svc_i holds until close_i
    input  logic [C_INF-1:0][7:0] svc_i,
    input  logic [C_INF-1:0]      close_i,  // pulse: the batch is answered
    output logic [C_INF-1:0]      oldest_o  // no earlier batch of the same service is unanswered
);
  logic [C_INF-1:0]            open_q;
  logic [C_INF-1:0][C_INF-1:0] after_q;  // [c][d]: c must wait for d

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      open_q  <= '0;
      after_q <= '0;
    end else if (|open_i || |close_i) begin
      open_q <= (open_q & ~close_i) | open_i;
      for (int unsigned c = 0; c < C_INF; c++)
      for (int unsigned d = 0; d < C_INF; d++)
      if (open_i[c]) after_q[c][d] <= c != d && open_q[d] && !close_i[d] && svc_i[c] == svc_i[d];
      else if (close_i[d]) after_q[c][d] <= 1'b0;
    end
  end

  for (genvar c = 0; c < C_INF; c++) begin : g_ctx
    assign oldest_o[c] = after_q[c] == '0;
  end
endmodule
