// eqx_iter_limit: a start sets the limit; a drain ends with the iteration that the furthest stream is in and never
// makes a run longer; nothing else moves it.
// The environment gives commands as it likes; a stream has issued as many iterations as the limit says at most.
module fv_iter_limit (
    input logic clk_i,
    input logic start_i,
    input logic [31:0] iters_i,
    input logic drain_i,
    input logic [3:0][31:0] done_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [31:0] limit;
  logic [3:0][31:0] done;
  for (genvar u = 0; u < 4; u++) begin : g_unit
    assign done[u] = done_i[u] < limit ? done_i[u] : limit;
  end
  eqx_iter_limit dut (
      .clk_i,
      .rst_ni,
      .start_i,
      .iters_i,
      .drain_i,
      .stream_iters_i(done),
      .limit_o       (limit)
  );

  // The cycle before.
  logic [31:0] limit_q, iters_q;
  logic start_q, drain_q, live_q;
  logic [3:0][31:0] done_q;
  always_ff @(posedge clk_i) begin
    limit_q <= limit;
    iters_q <= iters_i;
    start_q <= start_i;
    drain_q <= drain_i && !start_i;
    live_q  <= rst_ni;
    done_q  <= done;
  end
  logic [3:0] beyond, at_end, next;  // of the streams: past the limit, at the old limit, in the last iteration
  always_comb begin
    for (int unsigned u = 0; u < 4; u++) begin
      beyond[u] = done_q[u] > limit;
      at_end[u] = done_q[u] == limit_q;
      next[u]   = done_q[u] + 32'd1 == limit;
    end
  end
  always_comb
    if (rst_ni && live_q) begin
      a_start : assert (!start_q || limit == iters_q);
      a_stays : assert (start_q || drain_q || limit == limit_q);
      a_shorter : assert (!drain_q || limit <= limit_q);
      a_issued : assert (!drain_q || beyond == '0);
      a_soon : assert (!drain_q || at_end != '0 || next != '0);
    end
endmodule
