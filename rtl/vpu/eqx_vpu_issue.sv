// Address stage of the VPU: takes segments from the contexts' threads and makes their lines, one a cycle.
// Each class has a segment register; inference's line goes first, so a training segment is suspended at any line.
// A segment is granted when its first line can start in the next cycle, so there is no bubble between segments.
// The first line with an address beyond its memory is not started and ends the segment (fault_o).
// Latency: a segment's first line in the cycle after its grant. All outputs of a line are combinational of registers.
module eqx_vpu_issue #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned L = CFG.L,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  eqx_pkg::mode_e               mode_i,
    input  logic               [CTX-1:0] seg_valid_i,
    input  eqx_vpu_pkg::seg_t  [CTX-1:0] seg_i,
    input  logic               [CTX-1:0] room_i,        // the completion queue can take another instruction
    output logic               [CTX-1:0] take_o,
    output logic               [CTX-1:0] active_o,      // whose segments are in this stage
    output logic               [CTX-1:0] busy_o,        // whose line starts
    output eqx_pkg::stall_e              stall_o,
    output logic               [CTX-1:0] fault_o,
    output logic               [CTX-1:0] finish_o,      // the line is its instruction's last
    // The line: seg_o.op and seg_o.addr go to the memories, line_o down the pipeline.
    output logic                         line_valid_o,
    output eqx_vpu_pkg::seg_t            seg_o,
    output eqx_vpu_pkg::line_t           line_o
);
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);

  // ---- Segments of the classes: 0 inference, 1 training
  logic [CTX-1:0] gnt;
  logic [1:0] take, turn, valid, first_of, last_of, blk_last_of, free;
  eqx_vpu_pkg::seg_t [1:0] seg_of;
  eqx_vpu_pkg::seg_t       chosen;

  always_comb begin
    chosen = '0;
    for (int unsigned c = 0; c < CTX; c++) if (gnt[c]) chosen = chosen | seg_i[c];
  end
  assign take = {|(gnt & ~INF_MASK), |(gnt & INF_MASK)};
  assign turn = {valid[1] && !valid[0], valid[0]};

  for (genvar k = 0; k < 2; k++) begin : g_class
    eqx_vpu_segment #(
        .CFG(CFG)
    ) u_segment (
        .clk_i,
        .rst_ni,
        .take_i    (take[k]),
        .seg_i     (chosen),
        .turn_i    (turn[k]),
        .valid_o   (valid[k]),
        .seg_o     (seg_of[k]),
        .first_o   (first_of[k]),
        .last_o    (last_of[k]),
        .blk_last_o(blk_last_of[k]),
        .free_o    (free[k])
    );
  end

  // ---- The line of this cycle
  eqx_vpu_pkg::seg_t seg;
  logic first, last, blk_last, bad;
  assign bad          = seg.bad;
  assign seg          = valid[0] ? seg_of[0] : seg_of[1];
  assign first        = valid[0] ? first_of[0] : first_of[1];
  assign last         = valid[0] ? last_of[0] : last_of[1];
  assign blk_last     = valid[0] ? blk_last_of[0] : blk_last_of[1];
  assign line_valid_o = (|turn) && !bad;
  assign seg_o        = seg;

  always_comb begin
    line_o.use_c = seg.op.c_sp != eqx_isa_pkg::SRC_NONE;
    line_o.add = line_o.use_c && seg.op.combine == eqx_isa_pkg::CMB_ADD;
    line_o.need_w = seg.op.v_mode != eqx_isa_pkg::CONV_NONE || seg.op.r_sp == eqx_isa_pkg::DST_VEC
        || seg.op.r_sp == eqx_isa_pkg::DST_TXB;
    line_o.use_d = seg.op.d_sp != eqx_isa_pkg::SRC_NONE && line_o.need_w;
    line_o.act = seg.op.act;
    line_o.red = seg.op.red;
    line_o.r_sp = seg.op.r_sp;
    line_o.r_addr = seg.addr[eqx_vpu_pkg::R][15:0];
    line_o.tag = '{
        mode: seg.op.v_mode,
        space: seg.op.v_sp,
        addr: seg.addr[eqx_vpu_pkg::V][15:0],
        stride: seg.si[eqx_vpu_pkg::V],
        first: first,
        last: last,
        blk_last: blk_last,
        ilast: last && seg.last,
        ctx: seg.ctx
    };
  end

  always_comb begin
    for (int unsigned c = 0; c < CTX; c++) begin
      active_o[c] = (valid[0] && seg_of[0].ctx == eqx_vpu_pkg::CTX_BITS'(c))
          || (valid[1] && seg_of[1].ctx == eqx_vpu_pkg::CTX_BITS'(c));
      busy_o[c] = line_valid_o && seg.ctx == eqx_vpu_pkg::CTX_BITS'(c);
      fault_o[c] = (|turn) && bad && seg.ctx == eqx_vpu_pkg::CTX_BITS'(c);
      finish_o[c] = busy_o[c] && line_o.tag.ilast;
    end
  end

  // ---- Which segment is next
  logic tile_free;
  eqx_vpu_tiles #(
      .L(L),
      .K(CFG.K)
  ) u_tiles (
      .clk_i,
      .rst_ni,
      .cols_i      (line_valid_o && seg.op.v_mode == eqx_isa_pkg::CONV_COLS),
      .first_i     (first),
      .last_i      (last),
      .rows_block_i(line_valid_o && blk_last && seg.op.v_mode == eqx_isa_pkg::CONV_ROWS),
      .free_o      (tile_free)
  );

  // A tile is filled by one segment from its begin to its end. So that a COLS segment of inference never waits for more
  // than the training segment in this stage, only that one goes on while inference waits for it to leave the tile, and
  // no training segment is granted while inference waits for a tile.
  logic [CTX-1:0] offered, cols, req;
  logic fair, filling, wants_tile, held;
  logic [1:0] open;  // a segment of the class could have its first line in the next cycle
  always_comb begin
    for (int unsigned c = 0; c < CTX; c++) begin
      offered[c] = seg_valid_i[c] && (room_i[c] || !seg_i[c].last) && !fault_o[c];
      cols[c]    = seg_i[c].op.v_mode == eqx_isa_pkg::CONV_COLS;
    end
  end
  assign fair = mode_i == eqx_pkg::MODE_FAIR;
  assign filling = !free[1] && seg_of[1].op.v_mode == eqx_isa_pkg::CONV_COLS;
  assign wants_tile = !fair && |(offered & cols & INF_MASK);
  assign open[0] = free[0] && (free[1] || !(fair || (wants_tile && filling)));
  assign open[1] = &free && !wants_tile;
  assign req = offered & ({CTX{tile_free}} | ~cols) & (({CTX{open[0]}} & INF_MASK) | ({CTX{open[1]}} & ~INF_MASK));
  assign take_o = gnt;

  eqx_arb #(
      .CTX  (CTX),
      .C_INF(C_INF)
  ) u_arb (
      .clk_i,
      .rst_ni,
      .mode_i,
      .req_i (req),
      .take_i(1'b1),
      .gnt_o (gnt),
      .held_o(held)
  );

  // Why no line will start in the next cycle.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) stall_o <= eqx_pkg::STALL_NONE;
    else if (!(&free) || |gnt) stall_o <= eqx_pkg::STALL_NONE;
    else if (held) stall_o <= eqx_pkg::STALL_POLICY;
    else if (|seg_valid_i) stall_o <= eqx_pkg::STALL_INTERNAL;
    else stall_o <= eqx_pkg::STALL_NONE;
  end

  eqx_vpu_checks #(
      .CFG(CFG)
  ) u_checks (
      .clk_i,
      .rst_ni,
      .mode_i,
      .offered_i   (offered),
      .cols_i      (cols),
      .take_i      (take_o),
      .valid_i     (valid),
      .cols_held_i ({seg_of[1].op.v_mode == eqx_isa_pkg::CONV_COLS, seg_of[0].op.v_mode == eqx_isa_pkg::CONV_COLS}),
      .turn_i      (turn),
      .begun_i     (first_of),
      .line_valid_i(line_valid_o),
      .line_i      (seg)
  );
endmodule
