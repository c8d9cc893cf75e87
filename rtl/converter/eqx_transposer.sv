// Two K x L tiles: one is filled line by line, the other drained lane by lane (a lane's column is a COLS block).
// A segment of fewer than K lines leaves a column filled up with zeros. A segment's first line starts the tile anew,
// whatever a segment that never ended left in it.
// Latency: the first column can be taken in the cycle after the tile's last line.
// Handshake: col_o is valid with take_i; take_i only when col_valid_o. Filling never waits: a line for a tile that
// is still full is an error of the caller, and so is a line of another context than began the tile (asserted).
module eqx_transposer #(
    parameter int unsigned L = 16,
    parameter int unsigned K = 32
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             valid_i,      // a COLS line
    input  eqx_conv_pkg::tag_t               tag_i,
    input  logic               [L-1:0][15:0] line_i,
    output logic                             col_valid_o,
    input  logic                             take_i,
    output logic               [K-1:0][15:0] col_o,
    output eqx_conv_pkg::tag_t               col_tag_o,    // of the tile, addr: of this column's block
    output logic                             col_last_o,   // of the tile
    output logic               [  1:0]       full_o,       // per tile: waits or drains,
    output logic               [  1:0][ 3:0] ctx_o         // for this context
);
  localparam int unsigned KW = $clog2(K);
  localparam int unsigned LW = $clog2(L);

  logic [L-1:0][15:0] tile_q [2*K];  // tile, row
  logic [  1:0]       full_q;
  logic fill_q, drain_q;
  logic [KW-1:0] row_q, row;
  logic               [KW-1:0] end_q  [2];  // last row of the tile
  eqx_conv_pkg::tag_t          tag_q  [2];
  logic               [LW-1:0] lane_q;

  assign row = tag_i.first ? '0 : row_q;

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      tile_q[{fill_q, row}] <= line_i;
      row_q                 <= row + KW'(1);
    end
    if (valid_i && tag_i.last) begin
      end_q[fill_q] <= row;
      tag_q[fill_q] <= tag_i;
    end
    if (take_i) tag_q[drain_q].addr <= tag_q[drain_q].addr + 16'(tag_q[drain_q].stride);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q  <= '0;
      fill_q  <= 1'b0;
      drain_q <= 1'b0;
      lane_q  <= '0;
    end else begin
      if (take_i) begin
        lane_q <= lane_q + LW'(1);
        if (col_last_o) begin
          full_q[drain_q] <= 1'b0;
          drain_q         <= !drain_q;
        end
      end
      if (valid_i && tag_i.last) begin
        full_q[fill_q] <= 1'b1;
        fill_q         <= !fill_q;
      end
    end
  end

  assign col_valid_o = full_q[drain_q];
  assign col_tag_o   = tag_q[drain_q];
  assign col_last_o  = lane_q == LW'(L - 1);
  assign full_o      = full_q;
  assign ctx_o       = {tag_q[1].ctx, tag_q[0].ctx};

  always_comb begin
    col_o = '0;
    if (take_i) begin
      for (int unsigned i = 0; i < K; i++) if (KW'(i) <= end_q[drain_q]) col_o[i] = tile_q[{drain_q, KW'(i)}][lane_q];
    end
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
      assert (!(valid_i && full_q[fill_q]))
      else $error("transposer: a line for a tile that is still full");
      c_room : cover (valid_i && |full_q);
      a_column :
      assert (!(take_i && !col_valid_o))
      else $error("transposer: no column to take");
      c_column : cover (take_i);
    end
  end
`endif  // SYNTHESIS
endmodule
