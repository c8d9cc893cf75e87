// One arbiter under a random stream of requests, modes and takes, compared in every cycle with a reference that is
// written as a search; notes which (mode, requests) pairs came up.
module arb_check #(
    parameter int unsigned CTX   = 3,
    parameter int unsigned C_INF = 2
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        run_i,
    input  logic [31:0] seed_i,
    output logic [31:0] compared_o,
    output logic [31:0] mismatches_o,
    output logic        all_seen_o
);
  logic [31:0] x = '0;
  logic [CTX-1:0] req, gnt;
  eqx_pkg::mode_e mode;
  logic take, held;
  assign req  = x[31-:CTX];
  assign mode = (x[12:11] == 2'd3) ? eqx_pkg::MODE_PRIO : eqx_pkg::mode_e'(x[12:11]);
  assign take = x[14];

  eqx_arb #(
      .CTX  (CTX),
      .C_INF(C_INF)
  ) dut (
      .clk_i (clk_i),
      .rst_ni(rst_ni),
      .mode_i(mode),
      .req_i (req),
      .take_i(take),
      .gnt_o (gnt),
      .held_o(held)
  );

  // Reference: last context granted in each class (1: inference), class granted last.
  int last_of  [2];
  bit last_inf;

  function automatic logic [CTX-1:0] search(int lo, int n, int last, logic [CTX-1:0] r);
    for (int k = 1; k <= n; k++) begin
      automatic int c = lo + (last < 0 ? k - 1 : (last - lo + k) % n);
      if (r[c]) return CTX'(1) << c;
    end
    return '0;
  endfunction

  bit [3*(2**CTX)-1:0] seen = '0;
  assign all_seen_o = &seen;

  always @(posedge clk_i) begin
    x <= run_i ? x * 32'd1664525 + 32'd1013904223 : seed_i;
    if (!rst_ni) begin
      last_of[0] <= -1;
      last_of[1] <= -1;
      last_inf <= 1'b0;
      compared_o <= '0;
      mismatches_o <= '0;
    end else if (run_i) begin
      automatic logic [CTX-1:0] want = '0;
      automatic bit inf_wants = 1'b0, trn_wants = 1'b0, turn_inf;
      for (int c = 0; c < CTX; c++)
      if (req[c])
        if (c < C_INF) inf_wants = 1'b1;
        else trn_wants = 1'b1;
      case (mode)
        eqx_pkg::MODE_INF_ONLY: turn_inf = 1'b1;
        eqx_pkg::MODE_FAIR: turn_inf = inf_wants && !(trn_wants && last_inf);
        default: turn_inf = inf_wants;
      endcase
      if (turn_inf) want = search(0, C_INF, last_of[1], req);
      else if (CTX > C_INF) want = search(C_INF, CTX - C_INF, last_of[0], req);
      if (gnt !== want || held !== (mode == eqx_pkg::MODE_INF_ONLY && trn_wants && !inf_wants))
        mismatches_o <= mismatches_o + 1;
      compared_o <= compared_o + 1;
      seen[int'(mode)*(2**CTX)+int'(req)] <= 1'b1;
      if (take)
        for (int c = 0; c < CTX; c++)
        if (gnt[c]) begin
          last_of[c<C_INF?1 : 0] <= c;
          last_inf <= c < C_INF;
        end
    end
  end
endmodule
