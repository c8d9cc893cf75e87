// The 16 semaphores of a context: counters 0..15, taken when instructions issue, added to when they complete.
// Latency: what is signalled or taken in cycle t shows in t+1. All changes of a cycle are added up first; above 15 is
// an overflow (overflow_o in the same cycle, with the lowest unit that signalled it), the counter stays at 15.
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
  logic [15:0][5:0] up;  // 0..15 + 8
  logic [15:0][2:0] down;  // 0..4
  logic [15:0] over, under;
  logic change;

  assign change = (|done_i) || (|nop_i) || (|take_i);

  always_comb begin
    sem_d = sem_q;
    up    = '0;
    down  = '0;
    over  = '0;
    under = '0;
    if (change) begin
      for (int unsigned s = 0; s < 16; s++) begin
        up[s] = 6'(sem_q[s]);
        for (int unsigned u = 0; u < 4; u++) begin
          up[s]   = up[s] + 6'(done_i[u] && done_signal_i[u][s]) + 6'(nop_i[u] && nop_signal_i[u][s]);
          down[s] = down[s] + 3'(take_i[u][s]);
        end
        under[s] = 6'(down[s]) > up[s];
        over[s]  = !under[s] && up[s] - 6'(down[s]) > 6'd15;
        if (under[s]) sem_d[s] = '0;
        else if (over[s]) sem_d[s] = 4'd15;
        else sem_d[s] = 4'(up[s] - 6'(down[s]));
      end
    end
  end

  always_comb begin
    overflow_unit_o = '0;
    for (int u = 3; u >= 0; u--)
    if ((((done_i[u] ? done_signal_i[u] : '0) | (nop_i[u] ? nop_signal_i[u] : '0)) & over) != '0)
      overflow_unit_o = 2'(u);
  end
  assign overflow_o = |over;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) sem_q <= '0;
    else if (init_i) sem_q <= init_val_i;
    else if (change) sem_q <= sem_d;
  end

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
  // Two streams that wait on one semaphore (a program's fault) could take the same token.
  a_underflow :
  assert property (@(posedge clk_i) disable iff (!live) under == '0)
  else $error("semaphores: more tokens taken than there are");
  c_underflow :
  cover property (@(posedge clk_i) disable iff (!live) change && take_i != '0);
`endif  // SYNTHESIS
endmodule
