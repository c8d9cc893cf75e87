// Rotates COUNT words (a power of two): word i comes out at place (i + by_i) mod COUNT.
// Latency: combinational, log2(COUNT) multiplexers.
module eqx_rotate #(
    parameter int unsigned COUNT = 16,
    parameter int unsigned WIDTH = 16,
    localparam int unsigned CW = $clog2(COUNT)
) (
    input  logic [   CW-1:0]            by_i,
    input  logic [COUNT-1:0][WIDTH-1:0] words_i,
    output logic [COUNT-1:0][WIDTH-1:0] words_o
);
  logic [CW:0][COUNT-1:0][WIDTH-1:0] stage;
  assign stage[0] = words_i;
  for (genvar s = 0; s < CW; s++) begin : g_stage
    for (genvar i = 0; i < COUNT; i++) begin : g_word
      assign stage[s+1][i] = by_i[s] ? stage[s][(i+COUNT-(1<<s))%COUNT] : stage[s][i];
    end
  end
  assign words_o = stage[CW];
endmodule
