// Counts again what eqx_perf_counters counts, from what the units and the front end say themselves: a second road to
// each counter, so that one which is wired to another unit, loses a context or is cut short is found.
// Counters are 32 bits wide; clear_i in a cycle in which enable_i is up keeps that cycle.
module perf_watch #(
    parameter int unsigned UNITS = 4,
    parameter int unsigned CTX   = 3
) (
    input  logic                                       clk_i,
    input  logic                                       rst_ni,
    input  logic                                       enable_i,
    input  logic                                       clear_i,
    input  logic            [UNITS-1:0][CTX-1:0]       busy_i,
    input  eqx_pkg::stall_e [UNITS-1:0]                stall_i,
    input  logic            [UNITS-1:0][CTX-1:0]       dep_wait_i,
    input  logic            [UNITS-1:0][CTX-1:0]       fetch_wait_i,
    output logic            [UNITS-1:0][   15:0][31:0] count_o,       // by unit and PERF_SEL.index
    output logic            [UNITS-1:0][CTX-1:0][31:0] dep_count_o,   // cycles in which the context waited so,
    output logic            [UNITS-1:0][CTX-1:0][31:0] fetch_count_o  // whatever the unit did
);
  // What a cycle of a unit counts as (docs/architecture.md).
  function automatic logic [3:0] index_of(input logic [CTX-1:0] busy, input eqx_pkg::stall_e stall, input logic dep,
                                          input logic fetch);
    for (int unsigned c = 0; c < CTX; c++) if (busy[c]) return 4'(c);
    case (stall)
      eqx_pkg::STALL_POLICY: return eqx_pkg::PERF_POLICY;
      eqx_pkg::STALL_INTERNAL: return eqx_pkg::PERF_INTERNAL;
      default: return dep ? eqx_pkg::PERF_DEPENDENCY : fetch ? eqx_pkg::PERF_FETCH : eqx_pkg::PERF_IDLE;
    endcase
  endfunction

  always_ff @(posedge clk_i) begin
    for (int unsigned u = 0; u < UNITS; u++) begin
      for (int unsigned k = 0; k < 16; k++) begin
        automatic
        logic
        counts = enable_i && (k == 15 || 4'(k) == index_of(
            busy_i[u], stall_i[u], |dep_wait_i[u], |fetch_wait_i[u]
        ));
        count_o[u][k] <= ((clear_i || !rst_ni) ? 32'd0 : count_o[u][k]) + 32'(counts);
      end
      for (int unsigned c = 0; c < CTX; c++) begin
        dep_count_o[u][c]   <= (clear_i ? 32'd0 : dep_count_o[u][c]) + 32'(enable_i && dep_wait_i[u][c]);
        fetch_count_o[u][c] <= (clear_i ? 32'd0 : fetch_count_o[u][c]) + 32'(enable_i && fetch_wait_i[u][c]);
      end
    end
  end
endmodule
