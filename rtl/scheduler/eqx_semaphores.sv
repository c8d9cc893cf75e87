// The 16 semaphores of a context: counters 0..15, taken when instructions issue, added to when they complete.
// Latency: what is signalled or taken in cycle t shows in t+1. All changes of a cycle are added up first; above 15 is
// an overflow (overflow_o a cycle later, with the lowest unit that signalled it), the counter stays at 15.
// A semaphore has one stream that takes it (docs/isa.md), so at most one token goes a cycle.
// The counters have no reset: init_i gives them their values before the first instruction of a run.
module eqx_semaphores (
    input  logic              clk_i,
    input  logic              rst_ni,
    input  logic              init_i,
    input  logic [15:0][ 3:0] init_val_i,
    input  logic [ 3:0][15:0] take_i,          // [unit]
    input  logic [ 3:0]       done_i,          // [unit] an instruction completes
    input  logic [ 3:0][15:0] done_signal_i,
    input  logic [ 3:0]       nop_i,           // [unit] a NOP completes
    input  logic [ 3:0][15:0] nop_signal_i,
    output logic [15:0]       nonzero_o,
    output logic              overflow_o,
    output logic [ 1:0]       overflow_unit_o
);
  logic [15:0][3:0] sem_q, sem_d;
  logic [15:0][7:0] up;  // who signals it
  logic [15:0][4:0] sum;  // 0 .. 15 + 8
  logic [15:0] down;  // a stream takes it
  logic [15:0] over;
  logic change, overflow;

  assign change = (|done_i) || (|nop_i) || (|take_i);
  assign down   = take_i[0] | take_i[1] | take_i[2] | take_i[3];

  always_comb begin
    sem_d = sem_q;
    up    = '0;
    sum   = '0;
    over  = '0;
    if (change) begin
      for (int unsigned s = 0; s < 16; s++) begin
        for (int unsigned u = 0; u < 4; u++)
        up[s][2*u+:2] = {done_i[u] && done_signal_i[u][s], nop_i[u] && nop_signal_i[u][s]};
        sum[s]   = 5'(sem_q[s]) + 5'($countones(up[s])) - 5'(down[s]);
        over[s]  = sum[s][4];
        sem_d[s] = sum[s][3:0] | {4{over[s]}};
      end
    end
  end

  logic [1:0] unit;
  always_comb begin
    unit = '0;
    for (int u = 3; u >= 0; u--)
    if ((((done_i[u] ? done_signal_i[u] : '0) | (nop_i[u] ? nop_signal_i[u] : '0)) & over) != '0) unit = 2'(u);
  end
  always_ff @(posedge clk_i) if (overflow) overflow_unit_o <= unit;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) overflow_o <= 1'b0;
    else overflow_o <= overflow;
  end
  always_ff @(posedge clk_i) begin
    if (init_i) sem_q <= init_val_i;
    else if (change) sem_q <= sem_d;
  end
  assign overflow = |over;

  for (genvar s = 0; s < 16; s++) begin : g_nz
    assign nonzero_o[s] = |sem_q[s];
  end

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  // Two streams that wait on one semaphore (a program's fault) would take the same token.
  logic [15:0] twice;
  always_comb begin
    twice = '0;
    for (int unsigned u = 1; u < 4; u++) for (int unsigned v = 0; v < u; v++) twice |= take_i[u] & take_i[v];
  end
  a_underflow :
  assert property (@(posedge clk_i) disable iff (!live) (down & ~nonzero_o) == '0)
  else $error("semaphores: more tokens taken than there are");
  c_underflow :
  cover property (@(posedge clk_i) disable iff (!live) down != '0);
  a_taker :
  assert property (@(posedge clk_i) disable iff (!live) twice == '0)
  else $error("semaphores: two streams take one token");
  c_taker :
  cover property (@(posedge clk_i) disable iff (!live) take_i[0] != '0 && take_i[1] != '0);
`endif  // SYNTHESIS
endmodule
