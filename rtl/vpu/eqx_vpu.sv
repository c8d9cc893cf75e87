// VPU: executes VECTOR instructions (docs/isa.md) of all contexts on L lanes, one line a cycle; docs/vpu.md has the
// structure and every latency. VEC is inside; the other memories are read (latency 1) and written through ports.
// Latency: first line 2 cycles after the instruction's transfer; VEC and TXB written 10 + 2 log2(L) cycles after a
// line's start, SOF 5; blocks see eqx_converter.sv; done_* VPU_AHEAD cycles before the instruction's last write.
// Handshake: the unit interface of docs/architecture.md.
module eqx_vpu #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned K = CFG.K,
    localparam int unsigned L = CFG.L,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF
) (
    input logic clk_i,
    input logic rst_ni,
    // Unit interface
    input eqx_pkg::unit_req_t [CTX-1:0] unit_req_i,
    output eqx_pkg::unit_rsp_t [CTX-1:0] unit_rsp_o,
    input eqx_pkg::mode_e mode_i,
    output eqx_pkg::stall_e stall_o,
    input logic [C_INF-1:0][N-1:0][CFG.SLOTW-1:0] slots_i,  // RXB slot of each row of a context's batch
    // Memories
    output logic acc_re_o,
    output logic [15:0] acc_raddr_o,
    input logic [32*L-1:0] acc_rdata_i,
    output logic stg_re_o,
    output logic [15:0] stg_raddr_o,
    input logic [32*L-1:0] stg_rdata_i,
    output logic rxb_re_o,
    output logic [15:0] rxb_raddr_o,  // slot * RX_LINES + line
    input logic [16*L-1:0] rxb_rdata_i,
    output logic txb_we_o,
    output logic [15:0] txb_waddr_o,  // context * N * TX_LINES + address
    output logic [16*L-1:0] txb_wdata_o,
    output logic sof_we_o,
    output logic [15:0] sof_waddr_o,
    output logic [32*L-1:0] sof_wdata_o,
    output logic actc_we_o,
    output logic [15:0] actc_waddr_o,
    output logic wgtc_we_o,
    output logic [15:0] wgtc_waddr_o,
    output logic sob_we_o,
    output logic [15:0] sob_waddr_o,
    output logic [8*K+7:0] blk_wdata_o
);
  localparam int unsigned LAST = eqx_vpu_pkg::line_stage(L);  // stage in which VEC and TXB are written
  localparam int unsigned FLIGHT = LAST + eqx_pkg::CONVERT_LATENCY;
  localparam int unsigned VAW = $clog2(CFG.VEC_DEPTH);
  localparam int unsigned NW = (N > 1) ? $clog2(N) : 1;

  eqx_cfg_check #(
      .UNIT("vpu"),
      .CFG (CFG)
  ) u_check ();

  // ---- Contexts and the address stage
  logic [CTX-1:0] seg_valid, room, take, active, busy, fault, finish;
  eqx_vpu_pkg::seg_t [CTX-1:0]      seg;
  logic              [CTX-1:0][2:0] report;
  logic              [CTX-1:0]      tile;
  eqx_vpu_pkg::seg_t                now;  // of the line that starts
  // verilator lint_off UNUSEDSIGNAL
  eqx_vpu_pkg::line_t line, line_w;  // the latter: not all fields serve the last stage
  // verilator lint_on UNUSEDSIGNAL
  logic start, valid_w;

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    eqx_vpu_context #(
        .CFG     (CFG),
        .ID      (c),
        .TRAINING(c >= C_INF),
        .FLIGHT  (FLIGHT)
    ) u_ctx (
        .clk_i,
        .rst_ni,
        .unit_req_i   (unit_req_i[c]),
        .instr_ready_o(unit_rsp_o[c].instr_ready),
        .seg_valid_o  (seg_valid[c]),
        .seg_o        (seg[c]),
        .take_i       (take[c]),
        .room_o       (room[c]),
        .active_i     (active[c]),
        .fault_i      (fault[c]),
        .finish_i     (finish[c]),
        .finish_data_i(now.finish),
        .report_i     (report[c]),
        .tile_i       (tile[c]),
        .quiet_o      (unit_rsp_o[c].quiet),
        .done_valid_o (unit_rsp_o[c].done_valid),
        .done_signal_o(unit_rsp_o[c].done_signal),
        .done_step_o  (unit_rsp_o[c].done_step),
        .err_valid_o  (unit_rsp_o[c].err_valid),
        .err_cause_o  (unit_rsp_o[c].err_cause)
    );
    assign unit_rsp_o[c].busy = busy[c];
  end

  eqx_vpu_issue #(
      .CFG(CFG)
  ) u_issue (
      .clk_i,
      .rst_ni,
      .mode_i,
      .seg_valid_i (seg_valid),
      .seg_i       (seg),
      .room_i      (room),
      .take_o      (take),
      .active_o    (active),
      .busy_o      (busy),
      .stall_o     (stall_o),
      .fault_o     (fault),
      .finish_o    (finish),
      .line_valid_o(start),
      .seg_o       (now),
      .line_o      (line)
  );

  // ---- Reads (stage 0)
  logic [          2:0]           vec_re;
  logic [          2:0][ VAW-1:0] vec_raddr;
  logic [          2:0][16*L-1:0] vec_rdata;
  logic [CFG.SLOTW-1:0]           slot;
  logic [       NW-1:0]           row;

  // verilator lint_off UNUSEDSIGNAL
  function automatic logic [15:0] acd_addr(input logic [2:0] space, input eqx_vpu_pkg::seg_t s);
    if (s.op.a_sp == space) return s.addr[eqx_vpu_pkg::A][15:0];
    return (s.op.c_sp == space) ? s.addr[eqx_vpu_pkg::C][15:0] : s.addr[eqx_vpu_pkg::D][15:0];
  endfunction

  function automatic logic acd_reads(input logic [2:0] space, input eqx_vpu_pkg::op_t op);
    return op.a_sp == space || op.c_sp == space || op.d_sp == space;
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  assign vec_re[0] = start && eqx_vpu_pkg::is_vec(now.op.a_sp);
  assign vec_re[1] = start && eqx_vpu_pkg::is_vec(now.op.b_sp);
  assign vec_re[2] = start && (eqx_vpu_pkg::is_vec(now.op.c_sp) || eqx_vpu_pkg::is_vec(now.op.d_sp));
  assign vec_raddr[0] = now.addr[eqx_vpu_pkg::A][VAW-1:0];
  assign vec_raddr[1] = now.addr[eqx_vpu_pkg::B][VAW-1:0];
  assign vec_raddr[2] = eqx_vpu_pkg::is_vec(
      now.op.c_sp
  ) ? now.addr[eqx_vpu_pkg::C][VAW-1:0] : now.addr[eqx_vpu_pkg::D][VAW-1:0];

  assign acc_re_o = start && acd_reads(eqx_isa_pkg::SRC_ACC, now.op);
  assign acc_raddr_o = acd_addr(eqx_isa_pkg::SRC_ACC, now);
  assign stg_re_o = start && acd_reads(eqx_isa_pkg::SRC_STG, now.op);
  assign stg_raddr_o = acd_addr(eqx_isa_pkg::SRC_STG, now);

  assign row = now.row_is_i ? now.idx[NW-1:0] : now.row[NW-1:0];
  always_comb begin
    slot = '0;
    for (int unsigned c = 0; c < C_INF; c++) if (now.ctx == eqx_vpu_pkg::CTX_BITS'(c)) slot = slots_i[c][row];
  end
  assign rxb_re_o    = start && now.op.a_sp == eqx_isa_pkg::SRC_RXB;
  assign rxb_raddr_o = 16'(slot) * 16'(CFG.RX_LINES) + now.addr[eqx_vpu_pkg::A][15:0];

  // ---- Lanes
  logic [L-1:0][31:0] s;
  logic [L-1:0][15:0] w;
  logic done;  // an instruction without conversion completes
  logic [3:0] done_ctx;

  eqx_vpu_lanes #(
      .L(L)
  ) u_lanes (
      .clk_i,
      .rst_ni,
      .valid_i   (start),
      .line_i    (line),
      .op_i      (now.op),
      .imm_i     (now.addr[eqx_vpu_pkg::B][15:0]),
      .vec_a_i   (vec_rdata[0]),
      .vec_b_i   (vec_rdata[1]),
      .vec_c_i   (vec_rdata[2]),
      .rxb_i     (rxb_rdata_i),
      .acc_i     (acc_rdata_i),
      .stg_i     (stg_rdata_i),
      .sof_we_o,
      .sof_waddr_o,
      .s_o       (s),
      .valid_o   (valid_w),
      .line_o    (line_w),
      .w_o       (w),
      .done_o    (done),
      .done_ctx_o(done_ctx)
  );
  assign sof_wdata_o = s;

  // ---- Writes (last stage)
  eqx_vec_memory #(
      .L    (L),
      .DEPTH(CFG.VEC_DEPTH)
  ) u_vec (
      .clk_i,
      .we_i   (valid_w && line_w.r_sp == eqx_isa_pkg::DST_VEC),
      .waddr_i(line_w.r_addr[VAW-1:0]),
      .wdata_i(w),
      .re_i   (vec_re),
      .raddr_i(vec_raddr),
      .rdata_o(vec_rdata)
  );

  assign txb_we_o    = valid_w && line_w.r_sp == eqx_isa_pkg::DST_TXB;
  assign txb_waddr_o = 16'(line_w.tag.ctx) * 16'(CFG.TXA_DEPTH) + line_w.r_addr;
  assign txb_wdata_o = w;

  logic [2:0]      conv_finish;
  logic [3:0]      conv_ctx;
  logic [1:0]      tile_held;
  logic [1:0][3:0] tile_ctx;
  eqx_converter #(
      .L    (L),
      .K    (K),
      .C_INF(C_INF)
  ) u_converter (
      .clk_i,
      .rst_ni,
      .valid_i     (valid_w),
      .tag_i       (line_w.tag),
      .line_i      (w),
      .actc_we_o,
      .actc_waddr_o,
      .wgtc_we_o,
      .wgtc_waddr_o,
      .sob_we_o,
      .sob_waddr_o,
      .blk_wdata_o,
      .finish_o    (conv_finish),
      .finish_ctx_o(conv_ctx),
      .tile_held_o (tile_held),
      .tile_ctx_o  (tile_ctx)
  );

  always_comb begin
    for (int unsigned c = 0; c < CTX; c++) begin
      report[c] = (conv_ctx == eqx_vpu_pkg::CTX_BITS'(c)) ? conv_finish : '0;
      if (done && done_ctx == eqx_vpu_pkg::CTX_BITS'(c)) report[c][eqx_isa_pkg::CONV_NONE] = 1'b1;
      tile[c] = (tile_held[0] && tile_ctx[0] == eqx_vpu_pkg::CTX_BITS'(c))
          || (tile_held[1] && tile_ctx[1] == eqx_vpu_pkg::CTX_BITS'(c));
    end
  end
endmodule
