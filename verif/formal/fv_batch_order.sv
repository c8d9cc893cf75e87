// eqx_batch_order: a batch waits exactly for the earlier ones of its service that are not answered yet.
// Any two contexts are watched. The environment opens one idle context a cycle and closes one that holds a batch.
module fv_batch_order #(
    parameter int unsigned C_INF = 3
) (
    input logic clk_i,
    input logic [7:0] open_i,
    input logic open_valid_i,
    input logic [1:0] svc_i,
    input logic [7:0] close_i,
    input logic close_valid_i,
    input logic [7:0] a_i,
    input logic [7:0] b_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [C_INF-1:0] held_q, open, close, oldest;
  logic [C_INF-1:0][7:0] svc_q, svc;
  assign open  = (rst_ni && open_valid_i && open_i < 8'(C_INF)) ? (C_INF'(1) << open_i) & ~held_q : '0;
  assign close = (rst_ni && close_valid_i && close_i < 8'(C_INF)) ? (C_INF'(1) << close_i) & held_q : '0;
  always_comb begin
    svc = svc_q;
    for (int unsigned c = 0; c < C_INF; c++) if (open[c]) svc[c] = 8'(svc_i);
  end
  eqx_batch_order #(
      .C_INF(C_INF)
  ) dut (
      .clk_i,
      .rst_ni,
      .open_i(open),
      .svc_i(svc),
      .close_i(close),
      .oldest_o(oldest)
  );

  // Contexts a and b; for each how many batches of its service were open when its own came and are not closed.
  logic [7:0] a_q, b_q;
  logic a_first_q;  // a's batch came before b's, which is of the same service
  logic [C_INF-1:0] before_q;  // those that a waits for
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q <= '0;
      a_q <= a_i < 8'(C_INF) ? a_i : '0;
      b_q <= b_i < 8'(C_INF) ? b_i : '0;
      before_q <= '0;
      a_first_q <= 1'b0;
    end else begin
      held_q <= (held_q | open) & ~close;
      svc_q  <= svc;
      if (open[a_q]) begin
        for (int unsigned c = 0; c < C_INF; c++) before_q[c] <= held_q[c] && !close[c] && svc_q[c] == svc[a_q];
      end else before_q <= before_q & ~close;
      if (open[b_q] && a_q != b_q) a_first_q <= held_q[a_q] && !close[a_q] && svc_q[a_q] == svc[b_q];
      else if (close[a_q]) a_first_q <= 1'b0;
    end
  end
  always_comb
    if (rst_ni) begin
      a_waits : assert (!(held_q[b_q] && a_first_q) || !oldest[b_q]);
      a_exact : assert (!held_q[a_q] || oldest[a_q] == (before_q == '0));
    end
endmodule
