// Delays element i by i cycles. valid_i[d] says that the data that entered d cycles ago is to move on.
// Latency: i cycles for element i (element 0 passes through).
module eqx_mmu_skew #(
    parameter int unsigned N     = 8,
    parameter int unsigned WIDTH = 32
) (
    // verilator lint_off UNUSEDSIGNAL
    input  logic                    clk_i,    // one element alone is not delayed
    input  logic [N-1:0]            valid_i,  // nothing is behind the last stage
    // verilator lint_on UNUSEDSIGNAL
    input  logic [N-1:0][WIDTH-1:0] data_i,
    output logic [N-1:0][WIDTH-1:0] data_o
);
  assign data_o[0] = data_i[0];
  for (genvar i = 1; i < N; i++) begin : g_elem
    for (genvar d = 0; d < i; d++) begin : g_stage
      logic [WIDTH-1:0] q, in;
      if (d == 0) begin : g_first
        assign in = data_i[i];
      end else begin : g_next
        assign in = g_elem[i].g_stage[d-1].q;
      end
      always_ff @(posedge clk_i) if (valid_i[d]) q <= in;
    end
    assign data_o[i] = g_stage[i-1].q;
  end
endmodule
