// Two K x L tiles: one is filled line by line, the other drained lane by lane (a lane's column is a COLS block).
// The tiles lie in L memories of 16 bits, along diagonals: line r is rotated by r lanes, so that a lane's elements of L
// consecutive lines are in L different memories. These are a part of the lane's column: one a cycle is read, and
// rotated back. A tile of n lines has ceil(n/L) parts a column; rows beyond the segment's end are zero.
// A segment's first line starts the tile anew, whatever a segment that never ended left in it.
// Latency: a tile's first part is at part_o in the cycle two after the tile's last line, then one a cycle.
// Handshake: a part is taken in the cycle of its part_valid_o. The last part of a column waits while hold_i is high,
// others do not. Filling never waits: a line for a tile that is still full is an error of the caller, and so is a line
// of another context than began the tile (asserted).
module eqx_transposer #(
    parameter int unsigned L = 16,
    parameter int unsigned K = 32
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             valid_i,       // a COLS line
    input  eqx_conv_pkg::tag_t               tag_i,
    input  logic               [L-1:0][15:0] line_i,
    input  logic                             hold_i,        // no column may be complete in this cycle
    output logic                             part_valid_o,
    output logic               [L-1:0][15:0] part_o,
    output logic                             part_first_o,  // of its column,
    output logic                             part_last_o,   // and last: both when the column has one part
    output eqx_conv_pkg::tag_t               col_tag_o,     // of the tile, addr: of this column's block
    output logic                             col_last_o,    // the column is the tile's last
    output logic               [  1:0]       held_o,        // per tile: waits or drains,
    output logic               [  1:0][ 3:0] ctx_o          // for this context
);
  localparam int unsigned KW = $clog2(K);
  localparam int unsigned LW = $clog2(L);
  localparam int unsigned PW = (K > L) ? KW - LW : 1;

  logic fill_tile, read, read_tile, part_tile;
  logic [KW-1:0] fill_row;
  logic [LW-1:0] read_lane, part_lane, part_end;
  logic [PW-1:0] read_part;
  logic [   1:0] full;

  // verilator lint_off PINCONNECTEMPTY
  eqx_tile_control #(
      .L(L),
      .K(K)
  ) u_control (
      .clk_i,
      .rst_ni,
      .valid_i,
      .first_i    (tag_i.first),
      .last_i     (tag_i.last),
      .hold_i,
      .fill_tile_o(fill_tile),
      .fill_row_o (fill_row),
      .read_o     (read),
      .read_tile_o(read_tile),
      .read_lane_o(read_lane),
      .read_part_o(read_part),
      .pass_o     (part_valid_o),
      .part_tile_o(part_tile),
      .part_lane_o(part_lane),
      .part_first_o,
      .part_last_o,
      .part_end_o (part_end),
      .full_o     (full),
      .held_o,
      .free_o     ()               // the VPU looks ahead
  );
  // verilator lint_on PINCONNECTEMPTY

  // ---- Memories: row r of lane l is in memory (l + r) mod L
  logic [L-1:0][15:0] wdata, rdata, part;
  eqx_rotate #(
      .COUNT(L)
  ) u_in (
      .by_i   (LW'(fill_row)),
      .words_i(line_i),
      .words_o(wdata)
  );
  for (genvar b = 0; b < L; b++) begin : g_memory
    logic [LW-1:0] row;  // within the part
    assign row = LW'(b) - read_lane;
    eqx_sram_1r1w #(
        .WIDTH(16),
        .DEPTH(2 * K)
    ) u_mem (
        .clk_i,
        .we_i   (valid_i),
        .waddr_i({fill_tile, fill_row}),
        .wdata_i(wdata[b]),
        .re_i   (read),
        .raddr_i({read_tile, KW'({read_part, row})}),
        .rdata_o(rdata[b])
    );
  end
  eqx_rotate #(
      .COUNT(L)
  ) u_out (
      .by_i   (-part_lane),
      .words_i(rdata),
      .words_o(part)
  );
  always_comb begin
    for (int unsigned e = 0; e < L; e++) part_o[e] = (LW'(e) <= part_end) ? part[e] : 16'd0;
  end

  // ---- What is told of each tile
  eqx_conv_pkg::tag_t tag_q[2];
  assign col_tag_o  = tag_q[part_tile];
  assign col_last_o = part_lane == LW'(L - 1);
  assign ctx_o      = {tag_q[1].ctx, tag_q[0].ctx};

  always_ff @(posedge clk_i) begin
    // In the cycle of its last column a tile may already be full anew.
    if (part_valid_o && part_last_o && !col_last_o)
      tag_q[part_tile].addr <= tag_q[part_tile].addr + 16'(tag_q[part_tile].stride);
    if (valid_i && tag_i.last) tag_q[fill_tile] <= tag_i;
  end

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  logic [3:0] owner_q;  // whose tile is being filled
  always_ff @(posedge clk_i) if (valid_i && tag_i.first) owner_q <= tag_i.ctx;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (live) begin
      a_owner :
      assert (!(valid_i && !tag_i.first && tag_i.ctx != owner_q))
      else $error("transposer: two contexts fill one tile");
      c_owner : cover (valid_i && !tag_i.first);
      a_room :
      assert (!(valid_i && full[fill_tile]))
      else $error("transposer: a line for a tile that is still full");
      c_room : cover (valid_i && |full);
      a_hold :
      assert (!(hold_i && part_valid_o && part_last_o))
      else $error("transposer: a column is complete in a cycle in which it has to wait");
      c_hold : cover (hold_i && |held_o && !part_valid_o);
    end
  end
  c_refill :  // a tile is full anew in the cycle in which its last part is taken
  cover property (@(posedge clk_i) disable iff (!live) valid_i && tag_i.last && part_valid_o && part_tile == fill_tile);
`endif  // SYNTHESIS
endmodule
