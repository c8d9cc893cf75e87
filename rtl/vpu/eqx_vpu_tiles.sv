// Foresees, in the address stage, when the converter's two transposer tiles are free: the pipeline is fixed, so what
// the converter's write port does follows from the lines, as many cycles later as the pipeline is long.
// A COLS segment leaves a tile of L blocks; a cycle whose line does not complete a ROWS block drains one of them.
// Latency: free_o speaks of the next cycle, combinationally.
module eqx_vpu_tiles #(
    parameter int unsigned L = 16
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic rows_block_i,  // the line of this cycle completes a ROWS block
    input  logic cols_tile_i,   // the line of this cycle completes a tile
    output logic free_o         // a tile is free for a segment that starts in the next cycle
);
  localparam int unsigned CW = $clog2(L + 1);
  logic [CW-1:0] left_q, left_d;  // blocks left of the tile that is draining
  logic full_q, full_d;  // another full tile waits behind it

  always_comb begin
    left_d = left_q;
    full_d = full_q;
    if (!rows_block_i && left_q != '0) left_d = left_q - CW'(1);
    if (left_d == '0 && full_q) begin
      left_d = CW'(L);
      full_d = 1'b0;
    end
    if (cols_tile_i) begin
      if (left_d == '0) left_d = CW'(L);
      else full_d = 1'b1;
    end
  end
  assign free_o = !full_d;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= '0;
      full_q <= 1'b0;
    end else begin
      left_q <= left_d;
      full_q <= full_d;
    end
  end
endmodule
