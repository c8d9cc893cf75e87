// Bench of the performance counters: those of cores with two, three and four contexts side by side, all given the same
// inputs, of which each takes the contexts that it has. Python drives at falling edges.
module tb_perf_counters;
  localparam int unsigned LEAST = 2;  // contexts
  localparam int unsigned MOST = eqx_pkg::MAX_CTX;
  localparam int unsigned UNITS = eqx_isa_pkg::UNITS;

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;

  logic enable = 1'b0, clear = 1'b0;
  logic [UNITS-1:0][MOST-1:0] busy = '0;
  eqx_pkg::stall_e [UNITS-1:0] stall = '0;
  logic [UNITS-1:0] dep_wait = '0, fetch_wait = '0;
  logic [1:0] sel_unit = '0;
  logic [3:0] sel_index = '0;
  logic [MOST:LEAST][47:0] value;

  // Back door: a change of preset gives all counters one value, so that carries and wraps are near.
  logic preset = 1'b0;
  logic [47:0] preset_value = '0;

  for (genvar n = LEAST; n <= MOST; n++) begin : g_ctx
    logic [UNITS-1:0][n-1:0] some;
    for (genvar u = 0; u < UNITS; u++) begin : g_unit
      assign some[u] = busy[u][n-1:0];
    end
    eqx_perf_counters #(
        .CTX(n)
    ) dut (
        .clk_i       (clk),
        .rst_ni      (rst_n),
        .enable_i    (enable),
        .clear_i     (clear),
        .busy_i      (some),
        .stall_i     (stall),
        .dep_wait_i  (dep_wait),
        .fetch_wait_i(fetch_wait),
        .sel_unit_i  (sel_unit),
        .sel_index_i (sel_index),
        .value_o     (value[n])
    );
    always @(preset) begin
      dut.cycles_q = preset_value;
      for (int u = 0; u < UNITS; u++)
      for (int b = 0; b <= int'(eqx_pkg::PERF_IDLE); b++) dut.count_q[u][b] = preset_value;
    end
  end
endmodule
