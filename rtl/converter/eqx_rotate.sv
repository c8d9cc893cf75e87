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
  // One variable for all stages: in an array of them Verilator sees a loop when it counts coverage.
  always_comb begin
    logic [COUNT-1:0][WIDTH-1:0] given;
    words_o = words_i;
    for (int unsigned s = 0; s < CW; s++) begin
      given = words_o;
      for (int unsigned i = 0; i < COUNT; i++) words_o[i] = by_i[s] ? given[(i+COUNT-(1<<s))%COUNT] : given[i];
    end
  end
endmodule
