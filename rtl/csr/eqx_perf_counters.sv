// Counts what every unit did in every cycle: exactly one counter of each unit advances while enabled,
// so a unit's counters sum to all cycles. Index: worked for that context, or eqx_pkg::perf_e.
// Causes are ranked: work, else policy, else internal, else a context waiting on a semaphore, else one waiting
// for its next instruction, else nothing to do. Latency: counts one cycle late; reads are combinational.
module eqx_perf_counters #(
    parameter int unsigned CTX = 3
) (
    input  logic                                              clk_i,
    input  logic                                              rst_ni,
    input  logic                                              enable_i,
    input  logic                                              clear_i,
    input  logic            [eqx_isa_pkg::UNITS-1:0][CTX-1:0] busy_i,
    input  eqx_pkg::stall_e [eqx_isa_pkg::UNITS-1:0]          stall_i,
    input  logic            [eqx_isa_pkg::UNITS-1:0]          dep_wait_i,
    input  logic            [eqx_isa_pkg::UNITS-1:0]          fetch_wait_i,
    input  logic            [                   1:0]          sel_unit_i,
    input  logic            [                   3:0]          sel_index_i,
    output logic            [                  47:0]          value_o
);
  localparam int unsigned UNITS = eqx_isa_pkg::UNITS;
  localparam int unsigned BINS = int'(eqx_pkg::PERF_IDLE) + 1;

  logic [UNITS-1:0][3:0] bin_d, bin_q;
  logic [47:0] count_q  [UNITS][BINS];
  logic [47:0] cycles_q;
  logic        enable_q;

  always_comb begin
    for (int unsigned u = 0; u < UNITS; u++) begin
      bin_d[u] = eqx_pkg::PERF_IDLE;
      if (fetch_wait_i[u]) bin_d[u] = eqx_pkg::PERF_FETCH;
      if (dep_wait_i[u]) bin_d[u] = eqx_pkg::PERF_DEPENDENCY;
      if (stall_i[u] == eqx_pkg::STALL_INTERNAL) bin_d[u] = eqx_pkg::PERF_INTERNAL;
      if (stall_i[u] == eqx_pkg::STALL_POLICY) bin_d[u] = eqx_pkg::PERF_POLICY;
      for (int unsigned c = 0; c < CTX; c++) if (busy_i[u][c]) bin_d[u] = 4'(c);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      enable_q <= 1'b0;
      bin_q    <= '0;
      cycles_q <= '0;
      for (int unsigned u = 0; u < UNITS; u++) for (int unsigned b = 0; b < BINS; b++) count_q[u][b] <= '0;
    end else begin
      enable_q <= enable_i;
      bin_q    <= bin_d;
      if (clear_i) begin
        cycles_q <= '0;
        for (int unsigned u = 0; u < UNITS; u++) for (int unsigned b = 0; b < BINS; b++) count_q[u][b] <= '0;
      end else if (enable_q) begin
        cycles_q <= cycles_q + 1'b1;
        for (int unsigned u = 0; u < UNITS; u++) count_q[u][bin_q[u]] <= count_q[u][bin_q[u]] + 1'b1;
      end
    end
  end

  assign value_o = (sel_index_i == eqx_pkg::PERF_ALL) ? cycles_q
      : (sel_index_i < 4'(BINS)) ? count_q[sel_unit_i][sel_index_i] : '0;
endmodule
