// Matrix unit: M systolic arrays of N x N processing elements, W products each, with an fp32 accumulator memory
// (docs/mmu.md).
// Unit interface, scheduling and bounds: docs/architecture.md. Memories outside have read latency 1 and hold their
// output.
// Latency: a row issued in cycle t (busy) is in the accumulator, and its done_* up, in cycle t+2N+ROW_EXTRA.
// Handshake: instr_ready does not depend on instr_valid. Nothing stalls once it is issued.
module eqx_mmu #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned M = CFG.M,
    localparam int unsigned K = CFG.K,
    localparam int unsigned L = CFG.L,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF
) (
    input  logic                                   clk_i,
    input  logic                                   rst_ni,
    // unit interface
    input  eqx_pkg::unit_req_t [ CTX-1:0]          unit_req_i,
    output eqx_pkg::unit_rsp_t [ CTX-1:0]          unit_rsp_o,
    input  eqx_pkg::mode_e                         mode_i,
    output eqx_pkg::stall_e                        stall_o,
    input  logic               [    11:0]          train_rows_i,
    // activations: block addresses
    output logic                                   actc_re_o,
    output logic               [    15:0]          actc_raddr_o,
    input  logic               [ 8*K+7:0]          actc_rdata_i,
    output logic                                   actd_re_o,
    output logic               [    15:0]          actd_raddr_o,
    input  logic               [ 8*K+7:0]          actd_rdata_i,
    // weights: line addresses
    output logic                                   wgtc_re_o,
    output logic               [    15:0]          wgtc_raddr_o,
    input  logic               [   M-1:0][8*K+7:0] wgtc_rdata_i,
    output logic                                   wgtd_re_o,
    output logic               [    15:0]          wgtd_raddr_o,
    input  logic               [   M-1:0][8*K+7:0] wgtd_rdata_i,
    // accumulator, read port of the VPU
    input  logic                                   acc_re_i,
    input  logic               [    15:0]          acc_raddr_i,
    output logic               [L*32-1:0]          acc_rdata_o
);
  eqx_cfg_check #(
      .UNIT("mmu"),
      .CFG (CFG)
  ) u_check ();

  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);
  localparam int unsigned FLIGHT = 2 * N + eqx_pkg::ROW_EXTRA;  // cycles from a row's issue to its write
  localparam int unsigned FW = $clog2(FLIGHT + 1);

  logic [CTX-1:0] tile_valid, tile_take, b_sp, drop, outside, held, row_fault, loading, row_ctx;
  eqx_mmu_pkg::tile_t [CTX-1:0]       tile;
  logic               [CTX-1:0][15:0] b_line;
  logic [CTX-1:0] done_valid, done_step;
  logic [CTX-1:0][15:0] done_signal;

  logic [1:0] push, cls_free, push_bank, front_valid, front_bank, take, avail, fault;
  eqx_mmu_pkg::tile_t [1:0]          front;
  eqx_mmu_pkg::tile_t                push_tile;
  logic               [1:0][CTX-1:0] holds;

  logic row_valid, row_sp, row_read, row_done, wline_valid, wline_sp;
  eqx_mmu_pkg::row_t row;
  logic [15:0] row_addr, wline_addr;
  logic [1:0] row_bank, wline_bank;
  logic [N-1:0]       wline_col;
  logic [L-1:0][31:0] line;

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    logic [FW-1:0] flight_q;  // cycles until the context's last row is written

    eqx_mmu_thread #(
        .CFG(CFG),
        .CTX_ID(c)
    ) u_thread (
        .clk_i,
        .rst_ni,
        .unit_req_i   (unit_req_i[c]),
        .instr_ready_o(unit_rsp_o[c].instr_ready),
        .train_rows_i,
        .tile_valid_o (tile_valid[c]),
        .tile_o       (tile[c]),
        .b_sp_o       (b_sp[c]),
        .b_line_o     (b_line[c]),
        .tile_take_i  (tile_take[c]),
        .row_fault_i  (row_fault[c]),
        .drop_o       (drop[c]),
        .outside_i    (outside[c]),
        .held_o       (held[c]),
        .err_valid_o  (unit_rsp_o[c].err_valid),
        .err_cause_o  (unit_rsp_o[c].err_cause)
    );

    assign row_ctx[c]                = row_valid && row.ctx == eqx_mmu_pkg::CTX_BITS'(c);
    assign row_fault[c]              = fault[c>=C_INF] && front[c>=C_INF].ctx == eqx_mmu_pkg::CTX_BITS'(c);
    assign outside[c]                = holds[0][c] || holds[1][c] || loading[c] || flight_q != '0;
    assign unit_rsp_o[c].quiet       = !held[c] && !outside[c];
    assign unit_rsp_o[c].done_valid  = done_valid[c];
    assign unit_rsp_o[c].done_signal = done_signal[c];
    assign unit_rsp_o[c].done_step   = done_step[c];
    assign unit_rsp_o[c].busy        = row_ctx[c];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) flight_q <= '0;
      else if (row_ctx[c]) flight_q <= FW'(FLIGHT);
      else if (flight_q != '0) flight_q <= flight_q - 1'b1;
    end
  end

  eqx_mmu_load #(
      .CFG(CFG)
  ) u_load (
      .clk_i,
      .rst_ni,
      .mode_i,
      .tile_valid_i(tile_valid),
      .tile_i      (tile),
      .b_sp_i      (b_sp),
      .b_line_i    (b_line),
      .take_o      (tile_take),
      .free_i      (cls_free),
      .bank_i      (push_bank),
      .trn_dry_i   (!front_valid[1]),
      .push_o      (push),
      .push_tile_o (push_tile),
      .line_valid_o(wline_valid),
      .line_col_o  (wline_col),
      .line_bank_o (wline_bank),
      .line_sp_o   (wline_sp),
      .line_addr_o (wline_addr),
      .loading_o   (loading)
  );

  for (genvar f = 0; f < 2; f++) begin : g_class
    eqx_mmu_tiles #(
        .CTX  (CTX),
        .TILES(f == 0 ? eqx_pkg::INF_TILES : eqx_pkg::TRN_TILES)
    ) u_tiles (
        .clk_i,
        .rst_ni,
        .push_i       (push[f]),
        .push_tile_i  (push_tile),
        .free_o       (cls_free[f]),
        .push_bank_o  (push_bank[f]),
        .front_valid_o(front_valid[f]),
        .front_o      (front[f]),
        .front_bank_o (front_bank[f]),
        .row_take_i   (take[f]),
        .drop_i       (drop),
        .holds_o      (holds[f])
    );
  end

  eqx_mmu_stream #(
      .CFG(CFG)
  ) u_stream (
      .clk_i,
      .rst_ni,
      .mode_i,
      .front_valid_i(front_valid),
      .front_i      (front),
      .front_bank_i (front_bank),
      .take_o       (take),
      .avail_o      (avail),
      .fault_o      (fault),
      .row_valid_o  (row_valid),
      .row_o        (row),
      .row_addr_o   (row_addr),
      .row_sp_o     (row_sp),
      .row_bank_o   (row_bank)
  );

  assign actc_re_o    = row_valid && row_sp == eqx_isa_pkg::ASP_ACTC;
  assign actd_re_o    = row_valid && row_sp == eqx_isa_pkg::ASP_ACTD;
  assign actc_raddr_o = row_addr;
  assign actd_raddr_o = row_addr;
  assign wgtc_re_o    = wline_valid && wline_sp == eqx_isa_pkg::BSP_WGTC;
  assign wgtd_re_o    = wline_valid && wline_sp == eqx_isa_pkg::BSP_WGTD;
  assign wgtc_raddr_o = wline_addr;
  assign wgtd_raddr_o = wline_addr;

  eqx_mmu_datapath #(
      .CFG(CFG)
  ) u_datapath (
      .clk_i,
      .rst_ni,
      .row_valid_i  (row_valid),
      .row_bank_i   (row_bank),
      .row_sp_i     (row_sp),
      .actc_rdata_i,
      .actd_rdata_i,
      .wline_valid_i(wline_valid),
      .wline_col_i  (wline_col),
      .wline_bank_i (wline_bank),
      .wline_sp_i   (wline_sp),
      .wgtc_rdata_i,
      .wgtd_rdata_i,
      .row_read_o   (row_read),
      .row_done_o   (row_done),
      .line_o       (line)
  );

  eqx_mmu_accumulate #(
      .CFG(CFG)
  ) u_accumulate (
      .clk_i,
      .rst_ni,
      .row_valid_i  (row_valid),
      .row_i        (row),
      .row_read_i   (row_read),
      .row_done_i   (row_done),
      .line_i       (line),
      .acc_re_i,
      .acc_raddr_i,
      .acc_rdata_o,
      .done_valid_o (done_valid),
      .done_signal_o(done_signal),
      .done_step_o  (done_step)
  );

  // Work that waits to enter: instructions and loaded tiles.
  logic [CTX-1:0] work;
  assign work = held | holds[0] | holds[1];
  always_comb begin
    if (row_valid || work == '0) stall_o = eqx_pkg::STALL_NONE;
    else if (mode_i == eqx_pkg::MODE_INF_ONLY && (work & INF_MASK) == '0) stall_o = eqx_pkg::STALL_POLICY;
    else stall_o = eqx_pkg::STALL_INTERNAL;
  end

  eqx_mmu_checks #(
      .N(N)
  ) u_checks (
      .clk_i,
      .rst_ni,
      .mode_i,
      .inf_wait_i(|(tile_valid & INF_MASK) && cls_free[0] && (push[1] || |(loading & ~INF_MASK))),
      .avail_i   (avail),
      .take_i    (take)
  );
endmodule
