// Which of the transposer's two tiles is filled, which is drained, what is read of it: the control without the data.
// The transposer has one; the VPU has another T cycles ahead, to know when a tile will be free (eqx_vpu_tiles).
// A tile of n lines has L columns (one a lane), of ceil(n/L) parts of L elements each. One part a cycle is read, column
// by column; it is at the memories' outputs from the next cycle on, and passes in the first cycle in which it may. A
// column's last part completes a block, and waits while a ROWS block does so (hold_i). As a part passes the next is
// read. A segment's first line starts the tile anew, whatever a segment that never ended left in it.
// Latency: a tile's first part passes 2 cycles after its last line or later, then a part a cycle but for those held; a
// tile that waits follows without a gap. A tile can be filled anew from the cycle after its last part is read.
module eqx_tile_control #(
    parameter  int unsigned L  = 16,
    parameter  int unsigned K  = 32,
    localparam int unsigned KW = $clog2(K),
    localparam int unsigned LW = $clog2(L),
    localparam int unsigned PW = (K > L) ? KW - LW : 1
) (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          valid_i,       // a COLS line
    input  logic          first_i,       // of its segment
    input  logic          last_i,        // of its segment
    input  logic          hold_i,        // the line of this cycle completes a ROWS block
    // Where the line goes
    output logic          fill_tile_o,
    output logic [KW-1:0] fill_row_o,
    // What is read
    output logic          read_o,
    output logic          read_tile_o,
    output logic [LW-1:0] read_lane_o,
    output logic [PW-1:0] read_part_o,
    // What is at the memories' outputs
    output logic          pass_o,        // it goes on in this cycle
    output logic          part_tile_o,
    output logic [LW-1:0] part_lane_o,
    output logic          part_first_o,  // of its column,
    output logic          part_last_o,   // both when the column has one part
    output logic [LW-1:0] part_end_o,    // its last row; those behind are not the segment's
    // The tiles
    output logic [   1:0] full_o,        // parts of it are still to be read
    output logic [   1:0] held_o,        // parts of it have yet to pass
    output logic          free_o         // a segment may have its first line in the next cycle
);
  logic [1:0] full_q, full_d;
  logic fill_q, drain_q;
  logic [KW-1:0] row_q;
  logic [KW-1:0] end_q  [2];  // last row of the tile
  logic [LW-1:0] lane_q;
  logic [PW-1:0] part_q, part_end;
  logic there_q, tile_q, first_q, last_q;  // a part is at the memories' outputs: whose, which
  logic [LW-1:0] at_q, rows_q;
  logic column_end;

  assign fill_tile_o  = fill_q;
  assign fill_row_o   = first_i ? '0 : row_q;

  assign part_end     = PW'(end_q[drain_q] >> LW);
  assign column_end   = part_q == part_end;
  assign pass_o       = there_q && !(last_q && hold_i);
  assign read_o       = full_q[drain_q] && (!there_q || pass_o);
  assign read_tile_o  = drain_q;
  assign read_lane_o  = lane_q;
  assign read_part_o  = part_q;

  assign part_tile_o  = tile_q;
  assign part_lane_o  = at_q;
  assign part_first_o = first_q;
  assign part_last_o  = last_q;
  assign part_end_o   = rows_q;

  assign full_o       = full_q;
  assign held_o       = full_q | {there_q && tile_q, there_q && !tile_q};
  assign free_o       = !(&full_d);

  always_comb begin
    full_d = full_q;
    if (read_o && column_end && lane_q == LW'(L - 1)) full_d[drain_q] = 1'b0;
    if (valid_i && last_i) full_d[fill_q] = 1'b1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q  <= '0;
      fill_q  <= 1'b0;
      drain_q <= 1'b0;
      lane_q  <= '0;
      part_q  <= '0;
      there_q <= 1'b0;
    end else begin
      full_q  <= full_d;
      there_q <= read_o || (there_q && !pass_o);
      if (valid_i && last_i) fill_q <= !fill_q;
      if (read_o) begin
        part_q <= column_end ? '0 : part_q + PW'(1);
        if (column_end) begin
          lane_q <= lane_q + LW'(1);
          if (lane_q == LW'(L - 1)) drain_q <= !drain_q;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) row_q <= fill_row_o + KW'(1);
    if (valid_i && last_i) end_q[fill_q] <= fill_row_o;
    if (read_o) begin
      tile_q  <= drain_q;
      at_q    <= lane_q;
      first_q <= part_q == '0;
      last_q  <= column_end;
      rows_q  <= column_end ? LW'(end_q[drain_q]) : LW'(L - 1);
    end
  end
endmodule
