// Foresees, in the address stage, when the converter's transposer has a free tile: the pipeline is fixed, so what the
// transposer does follows from the lines, as many cycles later as the pipeline is long. It is the transposer's own
// control, fed with the lines that start.
// Latency: free_o speaks of the next cycle, combinationally.
module eqx_vpu_tiles #(
    parameter int unsigned L = 16,
    parameter int unsigned K = 32
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic cols_i,        // the line of this cycle goes into a tile,
    input  logic first_i,       // as its segment's first,
    input  logic last_i,        // and last
    input  logic rows_block_i,  // the line of this cycle completes a ROWS block
    output logic free_o         // a tile is free for a segment that starts in the next cycle
);
  // verilator lint_off PINCONNECTEMPTY
  eqx_tile_control #(
      .L(L),
      .K(K)
  ) u_control (
      .clk_i,
      .rst_ni,
      .valid_i     (cols_i),
      .first_i,
      .last_i,
      .hold_i      (rows_block_i),
      .fill_tile_o (),
      .fill_row_o  (),
      .read_o      (),
      .read_tile_o (),
      .read_lane_o (),
      .read_part_o (),
      .pass_o      (),
      .part_tile_o (),
      .part_lane_o (),
      .part_first_o(),
      .part_last_o (),
      .part_end_o  (),
      .full_o      (),
      .held_o      (),
      .free_o
  );
  // verilator lint_on PINCONNECTEMPTY
endmodule
