// Address stage of the VPU: takes segments from the contexts' threads and makes their lines, one a cycle.
// A segment is granted in the cycle of the last line of the one before, so there is no bubble between segments.
// Every address is checked; the first line with one beyond its memory is not started and ends the segment (fault_o).
// Latency: a segment's first line in the cycle after its grant. All outputs of a line are combinational of registers.
module vpu_issue #(
    parameter int unsigned CTX        = 3,
    parameter int unsigned C_INF      = 2,
    parameter int unsigned L          = 16,
    parameter int unsigned GROUP      = 2,     // lines a block, K/L
    parameter int unsigned VEC_DEPTH  = 4096,
    parameter int unsigned ACC_DEPTH  = 2048,
    parameter int unsigned STG_DEPTH  = 2048,
    parameter int unsigned SOF_DEPTH  = 1024,
    parameter int unsigned ACTC_DEPTH = 4096,
    parameter int unsigned WGTC_DEPTH = 4096,
    parameter int unsigned SOB_DEPTH  = 2048,
    parameter int unsigned RX_LINES   = 16,
    parameter int unsigned TXB_DEPTH  = 32     // lines of a context's area
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  eqx_pkg::mode_e               mode_i,
    input  logic          [CTX-1:0]      seg_valid_i,
    input  vpu_pkg::seg_t [CTX-1:0]      seg_i,
    input  logic          [CTX-1:0]      room_i,      // the completion queue can take another instruction
    output logic          [CTX-1:0]      take_o,
    output logic          [CTX-1:0]      active_o,    // whose segment is in this stage
    output logic          [CTX-1:0]      busy_o,      // whose line starts
    output eqx_pkg::stall_e              stall_o,
    output logic          [CTX-1:0]      fault_o,
    output logic          [CTX-1:0]      finish_o,    // the line is its instruction's last
    // The line: seg_o.op and seg_o.addr go to the memories, line_o down the pipeline.
    output logic                         line_valid_o,
    output vpu_pkg::seg_t                seg_o,
    output vpu_pkg::line_t               line_o
);
  localparam int unsigned GW = (GROUP > 1) ? $clog2(GROUP) : 1;

  vpu_pkg::seg_t   seg_q;
  logic            valid_q, first_q;
  logic [GW-1:0]   grp_q;  // line within its block
  logic            last, blk_last, bad;

  // ---- Checks
  function automatic logic over(input vpu_pkg::addr_t at, input logic [16:0] depth);
    return at >= depth;
  endfunction

  function automatic logic source_bad(input logic [2:0] space, input vpu_pkg::addr_t at);
    case (space)
      eqx_isa_pkg::SRC_VEC, eqx_isa_pkg::SRC_CST: return over(at, 17'(VEC_DEPTH));
      eqx_isa_pkg::SRC_ACC:                       return over(at, 17'(ACC_DEPTH));
      eqx_isa_pkg::SRC_STG:                       return over(at, 17'(STG_DEPTH));
      eqx_isa_pkg::SRC_RXB:                       return over(at, 17'(RX_LINES));
      default:                                    return 1'b0;
    endcase
  endfunction

  localparam int unsigned REACH_BITS = 12 + $clog2(L);  // (L-1) strides
  localparam int unsigned SUM_BITS = ((REACH_BITS > 17) ? REACH_BITS : 17) + 1;
  logic [SUM_BITS-1:0] v_end, v_depth;
  logic                r_bad, v_bad;
  always_comb begin
    v_end = SUM_BITS'(seg_q.addr[vpu_pkg::V]);
    if (seg_q.op.v_mode == eqx_isa_pkg::CONV_COLS)
      v_end = v_end + ((SUM_BITS'(seg_q.si[vpu_pkg::V]) << $clog2(L)) - SUM_BITS'(seg_q.si[vpu_pkg::V]));
    case (seg_q.op.v_sp)
      eqx_isa_pkg::CVD_ACTC: v_depth = SUM_BITS'(ACTC_DEPTH);
      eqx_isa_pkg::CVD_WGTC: v_depth = SUM_BITS'(WGTC_DEPTH);
      default:               v_depth = SUM_BITS'(SOB_DEPTH);
    endcase
    v_bad = seg_q.op.v_mode != eqx_isa_pkg::CONV_NONE && v_end >= v_depth;
    case (seg_q.op.r_sp)
      eqx_isa_pkg::DST_VEC: r_bad = over(seg_q.addr[vpu_pkg::R], 17'(VEC_DEPTH));
      eqx_isa_pkg::DST_TXB: r_bad = over(seg_q.addr[vpu_pkg::R], 17'(TXB_DEPTH));
      eqx_isa_pkg::DST_SOF: r_bad = over(seg_q.addr[vpu_pkg::R], 17'(SOF_DEPTH));
      default:              r_bad = 1'b0;
    endcase
    bad = v_bad || r_bad
        || source_bad(seg_q.op.a_sp, seg_q.addr[vpu_pkg::A]) || source_bad(seg_q.op.b_sp, seg_q.addr[vpu_pkg::B])
        || source_bad(seg_q.op.c_sp, seg_q.addr[vpu_pkg::C]) || source_bad(seg_q.op.d_sp, seg_q.addr[vpu_pkg::D]);
  end

  // ---- The line of this cycle
  assign last         = seg_q.left == 12'd1;
  assign blk_last     = last || grp_q == GW'(GROUP - 1);
  assign line_valid_o = valid_q && !bad;
  assign seg_o        = seg_q;

  always_comb begin
    line_o.use_c  = seg_q.op.c_sp != eqx_isa_pkg::SRC_NONE;
    line_o.add    = line_o.use_c && seg_q.op.combine == eqx_isa_pkg::CMB_ADD;
    line_o.need_w = seg_q.op.v_mode != eqx_isa_pkg::CONV_NONE || seg_q.op.r_sp == eqx_isa_pkg::DST_VEC
        || seg_q.op.r_sp == eqx_isa_pkg::DST_TXB;
    line_o.use_d  = seg_q.op.d_sp != eqx_isa_pkg::SRC_NONE && line_o.need_w;
    line_o.act    = seg_q.op.act;
    line_o.red    = seg_q.op.red;
    line_o.r_sp   = seg_q.op.r_sp;
    line_o.r_addr = seg_q.addr[vpu_pkg::R][15:0];
    line_o.tag    = '{
        mode: seg_q.op.v_mode,
        space: seg_q.op.v_sp,
        addr: seg_q.addr[vpu_pkg::V][15:0],
        stride: seg_q.si[vpu_pkg::V],
        first: first_q,
        last: last,
        blk_last: blk_last,
        ilast: last && seg_q.last,
        ctx: seg_q.ctx
    };
  end

  always_comb begin
    for (int unsigned c = 0; c < CTX; c++) begin
      active_o[c] = valid_q && seg_q.ctx == vpu_pkg::CTX_BITS'(c);
      busy_o[c]   = active_o[c] && !bad;
      fault_o[c]  = active_o[c] && bad;
      finish_o[c] = busy_o[c] && line_o.tag.ilast;
    end
  end

  // ---- Which segment is next
  logic rows_block, tile_free;
  assign rows_block = line_valid_o && blk_last && seg_q.op.v_mode == eqx_isa_pkg::CONV_ROWS;
  vpu_tiles #(
      .L(L)
  ) u_tiles (
      .clk_i,
      .rst_ni,
      .rows_block_i(rows_block),
      .cols_tile_i (line_valid_o && last && seg_q.op.v_mode == eqx_isa_pkg::CONV_COLS),
      .free_o      (tile_free)
  );

  logic [CTX-1:0] req, gnt;
  logic           stage_free, held;
  always_comb begin
    for (int unsigned c = 0; c < CTX; c++)
      req[c] = seg_valid_i[c] && (room_i[c] || !seg_i[c].last) && !fault_o[c]
          && (tile_free || seg_i[c].op.v_mode != eqx_isa_pkg::CONV_COLS);
  end
  assign stage_free = !valid_q || bad || last;
  assign take_o     = stage_free ? gnt : '0;

  eqx_arb #(
      .CTX  (CTX),
      .C_INF(C_INF)
  ) u_arb (
      .clk_i,
      .rst_ni,
      .mode_i,
      .req_i (req),
      .take_i(stage_free),
      .gnt_o (gnt),
      .held_o(held)
  );

  vpu_pkg::seg_t chosen;
  always_comb begin
    chosen = '0;
    for (int unsigned c = 0; c < CTX; c++) if (gnt[c]) chosen = chosen | seg_i[c];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      stall_o <= eqx_pkg::STALL_NONE;
    end else begin
      if (stage_free) valid_q <= |gnt;
      // Why no line will start in the next cycle.
      if (!stage_free || |gnt) stall_o <= eqx_pkg::STALL_NONE;
      else if (held) stall_o <= eqx_pkg::STALL_POLICY;
      else if (|seg_valid_i) stall_o <= eqx_pkg::STALL_INTERNAL;
      else stall_o <= eqx_pkg::STALL_NONE;
    end
  end

  always_ff @(posedge clk_i) begin
    if (|take_o) begin
      seg_q   <= chosen;
      first_q <= 1'b1;
      grp_q   <= '0;
    end else if (valid_q) begin
      for (int unsigned x = 0; x < vpu_pkg::V; x++) seg_q.addr[x] <= vpu_pkg::advance(seg_q.addr[x], seg_q.si[x]);
      if (seg_q.op.v_mode == eqx_isa_pkg::CONV_ROWS && blk_last)
        seg_q.addr[vpu_pkg::V] <= vpu_pkg::advance(seg_q.addr[vpu_pkg::V], seg_q.si[vpu_pkg::V]);
      seg_q.left <= seg_q.left - 12'd1;
      seg_q.idx  <= seg_q.idx + 8'd1;
      first_q    <= 1'b0;
      grp_q      <= blk_last ? '0 : grp_q + GW'(1);
    end
  end

`ifndef SYNTHESIS
  // Bound: in MODE_PRIO a ready inference segment waits at most K = GROUP*L cycles for a training segment.
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);
  int unsigned waited_q[C_INF];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      for (int unsigned c = 0; c < C_INF; c++) waited_q[c] <= 0;
    end else begin
      for (int unsigned c = 0; c < C_INF; c++) begin
        if (!req[c] || take_o[c] || mode_i != eqx_pkg::MODE_PRIO) waited_q[c] <= 0;
        else if ((active_o & ~INF_MASK) != '0) waited_q[c] <= waited_q[c] + 1;
        if (waited_q[c] > GROUP * L) $error("vpu_issue: context %0d waited %0d cycles for training", c, waited_q[c]);
      end
      if (mode_i == eqx_pkg::MODE_PRIO && (take_o & ~INF_MASK) != '0 && (req & INF_MASK) != '0)
        $error("vpu_issue: training granted before ready inference");
    end
  end
`endif
endmodule
