// Shared exponent of bf16 values: the largest exponent field of COUNT lanes (0 when all are zero, 255 when any is
// infinite or NaN).
// Combinational. Partial maxima of a longer block are joined by taking the larger exponent.
module eqx_hbfp_max_exp #(
    parameter int unsigned COUNT = 16  // power of two
) (
    input  logic [COUNT-1:0][15:0] x_i,
    output logic [      7:0]       exp_o
);
  if (COUNT < 1 || (COUNT & (COUNT - 1)) != 0) begin : g_bad
    $fatal(1, "hbfp_max_exp: COUNT = %0d: legal is a power of two", COUNT);
  end

  // A heap: node n is the larger of nodes 2n and 2n+1, the leaves are the lanes.
  logic [7:0] node[2*COUNT];
  always_comb begin
    node[0] = 8'd0;
    for (int unsigned i = 0; i < COUNT; i++) node[COUNT+i] = x_i[i][14:7];
    for (int unsigned i = COUNT - 1; i > 0; i--) node[i] = (node[2*i] > node[2*i+1]) ? node[2*i] : node[2*i+1];
  end
  assign exp_o = node[1];
endmodule
