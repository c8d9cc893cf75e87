// Exhaustive bench of the context arbiter: a request pattern, a mode and a take bit a cycle, in an order that visits all
// of them in many states, compared in HDL with a reference that is written as a search.
module tb_eqx_arb #(
    parameter int unsigned CTX   = 3,
    parameter int unsigned C_INF = 2,
    parameter bit          FAULT = 1'b0  // planted: the reference starts its search one too low
);
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic run = 1'b0;
  logic done = 1'b0;
  logic [63:0] compared = '0;
  logic [31:0] mismatches = '0;
  logic [31:0] seed = 32'd1;

  logic [CTX-1:0] req = '0;
  logic [1:0] mode = '0;
  logic take = 1'b0;
  logic [CTX-1:0] gnt;
  logic held;

  eqx_arb #(.CTX(CTX), .C_INF(C_INF)) dut (
      .clk_i(clk), .rst_ni(rst_n), .mode_i(eqx_pkg::mode_e'(mode)), .req_i(req), .take_i(take), .gnt_o(gnt), .held_o(held)
  );

  // Reference: last context granted in each class, class granted last.
  int last_of[2];
  bit last_inf;

  function automatic logic [CTX-1:0] search(int lo, int n, int last, logic [CTX-1:0] r);
    for (int k = 1; k <= n; k++) begin
      automatic int c = lo + (last < 0 ? k - 1 : (last - lo + k - (FAULT ? 1 : 0)) % n);
      if (r[c]) return CTX'(1) << c;
    end
    return '0;
  endfunction

  always @(negedge clk) begin
    if (run && !done) begin
      automatic logic [CTX-1:0] want = '0;
      automatic bit want_held = 1'b0, inf_wants = 1'b0, trn_wants = 1'b0, inf = 1'b0;
      for (int c = 0; c < CTX; c++) if (req[c]) if (c < C_INF) inf_wants = 1'b1; else trn_wants = 1'b1;
      case (mode)
        2'd0: inf = 1'b1;
        2'd1: inf = inf_wants && !(trn_wants && last_inf);
        default: inf = inf_wants;
      endcase
      want_held = mode == 2'd0 && trn_wants && !inf_wants;
      if (inf) want = search(0, C_INF, last_of[1], req);
      else if (CTX > C_INF) want = search(C_INF, CTX - C_INF, last_of[0], req);
      if (gnt !== want || held !== want_held) mismatches <= mismatches + 1;
      compared <= compared + 1;
    end
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      last_of[0] <= -1;
      last_of[1] <= -1;
      last_inf   <= 1'b0;
    end else if (run && !done) begin
      if (take) for (int c = 0; c < CTX; c++) if (gnt[c]) begin
        last_of[c < C_INF ? 1 : 0] <= c;
        last_inf <= c < C_INF;
      end
      {req, mode, take} <= next_stimulus;
      done <= compared >= 64'd200000;
    end
  end

  // All combinations come up equally often; the order is random.
  logic [CTX+2:0] next_stimulus;
  logic [31:0] x = 32'd1;
  always @(posedge clk) begin
    x <= run ? ((x * 32'd1664525) + 32'd1013904223) : seed;
  end
  always_comb begin
    next_stimulus = (CTX+3)'(x >> 12);
    if (next_stimulus[2:1] == 2'd3) next_stimulus[2:1] = 2'd2;
  end

  for (genvar m = 0; m < 3; m++) begin : g_cover
    for (genvar r = 0; r < 2 ** CTX; r++) begin : g_req
      bit seen = 1'b0;
      always @(negedge clk) if (run && mode == 2'(m) && req == CTX'(r)) seen = 1'b1;
    end
  end
  logic [3*(2**CTX)-1:0] all_seen;
  for (genvar m = 0; m < 3; m++) begin : g_m
    for (genvar r = 0; r < 2 ** CTX; r++) begin : g_r
      assign all_seen[m*(2**CTX)+r] = g_cover[m].g_req[r].seen;
    end
  end
endmodule
