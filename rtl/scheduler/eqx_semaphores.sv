// The 16 semaphores of a context: counters 0..15, taken when instructions issue, added to when they complete.
// Latency: what is signalled or taken in cycle t shows in t+1. All changes of a cycle are added up first; above 15 is
// an overflow (overflow_o a cycle later, with the lowest unit that signalled it), the counter stays at 15.
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
  logic [15:0][3:0] down;  // who takes it
  logic [15:0][5:0] sum;  // -4 .. 15 + 8, signed
  logic [15:0] over, under;
  logic change, overflow;

  assign change = (|done_i) || (|nop_i) || (|take_i);

  always_comb begin
    sem_d = sem_q;
    up    = '0;
    down  = '0;
    sum   = '0;
    over  = '0;
    under = '0;
    if (change) begin
      for (int unsigned s = 0; s < 16; s++) begin
        for (int unsigned u = 0; u < 4; u++) begin
          up[s][2*u+:2] = {done_i[u] && done_signal_i[u][s], nop_i[u] && nop_signal_i[u][s]};
          down[s][u]    = take_i[u][s];
        end
        sum[s]   = 6'(sem_q[s]) + 6'($countones(up[s])) - 6'($countones(down[s]));
        under[s] = sum[s][5];
        over[s]  = !sum[s][5] && sum[s][4];
        if (under[s]) sem_d[s] = '0;
        else if (over[s]) sem_d[s] = 4'd15;
        else sem_d[s] = sum[s][3:0];
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
    if (!rst_ni) begin
      sem_q      <= '0;
      overflow_o <= 1'b0;
    end else begin
      if (init_i) sem_q <= init_val_i;
      else if (change) sem_q <= sem_d;
      overflow_o <= overflow;
    end
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
  // Two streams that wait on one semaphore (a program's fault) could take the same token.
  a_underflow :
  assert property (@(posedge clk_i) disable iff (!live) under == '0)
  else $error("semaphores: more tokens taken than there are");
  c_underflow :
  cover property (@(posedge clk_i) disable iff (!live) change && take_i != '0);
`endif  // SYNTHESIS
endmodule
