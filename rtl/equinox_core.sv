// Equinox: an inference accelerator that trains in its idle cycles.
// AXI4-Lite control, AXI4-Stream requests and responses, AXI4 master to DRAM (data 8*BUS bits).
// This module only wires blocks and the memories between them; docs/architecture.md shows the picture.
// Handshakes: valid never waits for ready on any port.
module equinox_core #(
    parameter int unsigned N = 8,  // edge of a systolic array, native batch
    parameter int unsigned M = 2,  // arrays
    parameter int unsigned W = 4,  // products a PE sums a cycle
    parameter int unsigned C_INF = 2,  // inference contexts
    parameter int unsigned C_TRN = 1,  // training contexts
    parameter int unsigned SERVICES = 4,  // installable services
    parameter int unsigned QUEUE_DEPTH = 32,  // waiting requests a service
    parameter int unsigned RX_SLOTS = 64,  // request payload slots
    parameter int unsigned RX_LINES = 16,  // lines a slot
    parameter int unsigned TX_LINES = 4,  // response lines a row
    parameter int unsigned IMEM_DEPTH = 512,  // instructions a unit
    parameter int unsigned ACTC_DEPTH = 4096,  // blocks
    parameter int unsigned ACTD_DEPTH = 4096,  // blocks
    parameter int unsigned WGTC_DEPTH = 4096,  // blocks
    parameter int unsigned WGTD_DEPTH = 8192,  // blocks
    parameter int unsigned VEC_DEPTH = 4096,  // lines
    parameter int unsigned ACC_DEPTH = 2048,  // lines
    parameter int unsigned STG_DEPTH = 2048,  // lines
    parameter int unsigned SOF_DEPTH = 1024,  // lines
    parameter int unsigned SOB_DEPTH = 2048,  // blocks
    // all of them, and what follows from them
    localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
        .N(N),
        .M(M),
        .W(W),
        .C_INF(C_INF),
        .C_TRN(C_TRN),
        .SERVICES(SERVICES),
        .QUEUE_DEPTH(QUEUE_DEPTH),
        .RX_SLOTS(RX_SLOTS),
        .RX_LINES(RX_LINES),
        .TX_LINES(TX_LINES),
        .IMEM_DEPTH(IMEM_DEPTH),
        .ACTC_DEPTH(ACTC_DEPTH),
        .ACTD_DEPTH(ACTD_DEPTH),
        .WGTC_DEPTH(WGTC_DEPTH),
        .WGTD_DEPTH(WGTD_DEPTH),
        .VEC_DEPTH(VEC_DEPTH),
        .ACC_DEPTH(ACC_DEPTH),
        .STG_DEPTH(STG_DEPTH),
        .SOF_DEPTH(SOF_DEPTH),
        .SOB_DEPTH(SOB_DEPTH)
    ),
    localparam int unsigned L = CFG.L,  // lanes
    localparam int unsigned BUS = CFG.BUS  // bytes of the bus to DRAM
) (
    input  logic clk_i,
    input  logic rst_ni,
    output logic irq_o,

    // control: AXI4-Lite
    input  logic        s_axil_awvalid_i,
    output logic        s_axil_awready_o,
    input  logic [10:0] s_axil_awaddr_i,
    input  logic        s_axil_wvalid_i,
    output logic        s_axil_wready_o,
    input  logic [31:0] s_axil_wdata_i,
    input  logic [ 3:0] s_axil_wstrb_i,
    output logic        s_axil_bvalid_o,
    input  logic        s_axil_bready_i,
    output logic [ 1:0] s_axil_bresp_o,
    input  logic        s_axil_arvalid_i,
    output logic        s_axil_arready_o,
    input  logic [10:0] s_axil_araddr_i,
    output logic        s_axil_rvalid_o,
    input  logic        s_axil_rready_i,
    output logic [31:0] s_axil_rdata_o,
    output logic [ 1:0] s_axil_rresp_o,

    // requests and responses: AXI4-Stream
    input  logic            s_tvalid_i,
    output logic            s_tready_o,
    input  logic [16*L-1:0] s_tdata_i,
    input  logic            s_tlast_i,
    output logic            m_tvalid_o,
    input  logic            m_tready_i,
    output logic [16*L-1:0] m_tdata_o,
    output logic            m_tlast_o,

    // DRAM: AXI4
    output logic             arvalid_o,
    input  logic             arready_i,
    output logic [     31:0] araddr_o,
    output logic [      7:0] arlen_o,
    output logic [      2:0] arsize_o,
    output logic [      1:0] arburst_o,
    output logic [      0:0] arid_o,
    input  logic             rvalid_i,
    output logic             rready_o,
    input  logic [8*BUS-1:0] rdata_i,
    input  logic [      1:0] rresp_i,
    input  logic             rlast_i,
    input  logic [      0:0] rid_i,
    output logic             awvalid_o,
    input  logic             awready_i,
    output logic [     31:0] awaddr_o,
    output logic [      7:0] awlen_o,
    output logic [      2:0] awsize_o,
    output logic [      1:0] awburst_o,
    output logic [      0:0] awid_o,
    output logic             wvalid_o,
    input  logic             wready_i,
    output logic [8*BUS-1:0] wdata_o,
    output logic [  BUS-1:0] wstrb_o,
    output logic             wlast_o,
    input  logic             bvalid_i,
    output logic             bready_o,
    input  logic [      1:0] bresp_i,
    input  logic [      0:0] bid_i
);
  localparam int unsigned UNITS = eqx_isa_pkg::UNITS;
  localparam int unsigned IB = eqx_isa_pkg::INSTR_BITS;
  localparam int unsigned CTX = CFG.CTX;
  localparam int unsigned BLKW = CFG.BLKW;
  localparam int unsigned RXB_DEPTH = CFG.RXB_DEPTH;
  localparam int unsigned TXB_DEPTH = C_INF * CFG.TXA_DEPTH;
  localparam int unsigned TXB_AW = (TXB_DEPTH > 1) ? $clog2(TXB_DEPTH) : 1;

  eqx_cfg_check #(
      .UNIT("equinox_core"),
      .CFG (CFG)
  ) u_check ();

  // settings and status
  logic accept_en, reject_mode, perf_enable, perf_clear, imem_we;
  logic evt_accepted, evt_rejected, evt_not_installed, evt_bad_length;
  eqx_pkg::policy_e policy_sel;
  eqx_pkg::mode_e mode;
  logic [11:0] train_rows;
  logic [31:0] dma_timeout;
  logic ld_lost, st_lost;
  logic [1:0] perf_unit, imem_unit;
  logic [3:0] perf_index;
  logic [15:0] imem_addr;
  logic [IB-1:0] imem_wdata;
  logic [47:0] perf_value;
  eqx_pkg::svc_cfg_t [SERVICES-1:0] svc;
  eqx_pkg::ctx_cfg_t [CTX-1:0] ctx_cfg;
  eqx_pkg::ctx_cmd_t [CTX-1:0] ctx_cmd;
  eqx_pkg::ctx_sts_t [CTX-1:0] ctx_sts;
  logic [SERVICES-1:0][15:0] svc_level;
  logic any_above_threshold, any_expired, any_late;

  // batches
  logic [C_INF-1:0] ctx_idle, rsp_open, rsp_valid, rsp_done;
  logic row_valid, ans_valid, ans_ready;
  eqx_pkg::batch_row_t row;
  eqx_pkg::answer_t ans;
  eqx_pkg::batch_end_t [C_INF-1:0] rsp;
  logic [C_INF-1:0][N-1:0][CFG.SLOTW-1:0] row_slot;
  logic [RX_SLOTS-1:0] free_mask;

  // units
  eqx_pkg::unit_req_t [UNITS-1:0][CTX-1:0] unit_req;
  eqx_pkg::unit_rsp_t [UNITS-1:0][CTX-1:0] unit_rsp;
  eqx_pkg::stall_e [UNITS-1:0] stall;
  logic [UNITS-1:0][CTX-1:0] busy, dep_wait, fetch_wait;
  logic [UNITS-1:0] any_dep, any_fetch;
  for (genvar u = 0; u < UNITS; u++) begin : g_any
    assign any_dep[u]   = |dep_wait[u];
    assign any_fetch[u] = |fetch_wait[u];
    for (genvar c = 0; c < CTX; c++) begin : g_busy
      assign busy[u][c] = unit_rsp[u][c].busy;
    end
  end

  // the pins of the registers, as they have them
  eqx_pkg::axil_req_t axil_req;
  eqx_pkg::axil_rsp_t axil_rsp;
  assign axil_req = '{
          awvalid: s_axil_awvalid_i,
          awaddr: s_axil_awaddr_i,
          wvalid: s_axil_wvalid_i,
          wdata: s_axil_wdata_i,
          wstrb: s_axil_wstrb_i,
          bready: s_axil_bready_i,
          arvalid: s_axil_arvalid_i,
          araddr: s_axil_araddr_i,
          rready: s_axil_rready_i
      };
  assign s_axil_awready_o = axil_rsp.awready;
  assign s_axil_wready_o = axil_rsp.wready;
  assign s_axil_bvalid_o = axil_rsp.bvalid;
  assign s_axil_bresp_o = axil_rsp.bresp;
  assign s_axil_arready_o = axil_rsp.arready;
  assign s_axil_rvalid_o = axil_rsp.rvalid;
  assign s_axil_rdata_o = axil_rsp.rdata;
  assign s_axil_rresp_o = axil_rsp.rresp;

  eqx_csr_top #(
      .CFG(CFG)
  ) u_csr (
      .clk_i,
      .rst_ni,
      .axil_req_i         (axil_req),
      .axil_rsp_o         (axil_rsp),
      .accept_en_o        (accept_en),
      .reject_mode_o      (reject_mode),
      .policy_o           (policy_sel),
      .train_rows_o       (train_rows),
      .dma_timeout_o      (dma_timeout),
      .svc_o              (svc),
      .ctx_cfg_o          (ctx_cfg),
      .ctx_cmd_o          (ctx_cmd),
      .perf_enable_o      (perf_enable),
      .perf_clear_o       (perf_clear),
      .perf_unit_o        (perf_unit),
      .perf_index_o       (perf_index),
      .imem_we_o          (imem_we),
      .imem_unit_o        (imem_unit),
      .imem_addr_o        (imem_addr),
      .imem_wdata_o       (imem_wdata),
      .irq_o,
      .ctx_sts_i          (ctx_sts),
      .svc_level_i        (svc_level),
      .perf_value_i       (perf_value),
      .ld_lost_i          (ld_lost),
      .st_lost_i          (st_lost),
      .evt_accepted_i     (evt_accepted),
      .evt_rejected_i     (evt_rejected),
      .evt_not_installed_i(evt_not_installed),
      .evt_bad_length_i   (evt_bad_length),
      .evt_responded_i    (m_tvalid_o && m_tready_i && m_tlast_o)
  );

  eqx_perf_counters #(
      .CTX(CTX)
  ) u_perf (
      .clk_i,
      .rst_ni,
      .enable_i    (perf_enable),
      .clear_i     (perf_clear),
      .busy_i      (busy),
      .stall_i     (stall),
      .dep_wait_i  (any_dep),
      .fetch_wait_i(any_fetch),
      .sel_unit_i  (perf_unit),
      .sel_index_i (perf_index),
      .value_o     (perf_value)
  );

  // ---- scheduling
  // Units give 16-bit addresses that they have checked; a memory takes the bits that its depth needs.
  // verilator lint_off UNUSEDSIGNAL
  logic rxb_we, rxb_re, txb_we, txb_re;
  logic [15:0] rxb_waddr, rxb_raddr, txb_waddr, txb_raddr;
  // verilator lint_on UNUSEDSIGNAL
  logic [16*L-1:0] rxb_wdata, rxb_rdata, txb_wdata, txb_rdata;

  eqx_request_dispatcher #(
      .CFG(CFG)
  ) u_request_dispatcher (
      .clk_i,
      .rst_ni,
      .svc_i                (svc),
      .accept_en_i          (accept_en),
      .reject_mode_i        (reject_mode),
      .s_tvalid_i,
      .s_tready_o,
      .s_tdata_i,
      .s_tlast_i,
      .rxb_we_o             (rxb_we),
      .rxb_waddr_o          (rxb_waddr),
      .rxb_wdata_o          (rxb_wdata),
      .ctx_idle_i           (ctx_idle),
      .row_valid_o          (row_valid),
      .row_o                (row),
      .free_mask_i          (free_mask),
      .ans_valid_o          (ans_valid),
      .ans_ready_i          (ans_ready),
      .ans_o                (ans),
      .level_o              (svc_level),
      .any_above_threshold_o(any_above_threshold),
      .any_expired_o        (any_expired),
      .accepted_o           (evt_accepted),
      .rejected_o           (evt_rejected),
      .not_installed_o      (evt_not_installed),
      .bad_length_o         (evt_bad_length)
  );

  eqx_policy u_policy (
      .clk_i,
      .rst_ni,
      .policy_i             (policy_sel),
      .any_above_threshold_i(any_above_threshold),
      .any_late_i           (any_expired || any_late),
      .mode_o               (mode)
  );

  eqx_frontend #(
      .CFG(CFG)
  ) u_frontend (
      .clk_i,
      .rst_ni,
      .imem_we_i   (imem_we),
      .imem_unit_i (imem_unit),
      .imem_addr_i (imem_addr),
      .imem_wdata_i(imem_wdata),
      .svc_i       (svc),
      .ctx_cfg_i   (ctx_cfg),
      .ctx_cmd_i   (ctx_cmd),
      .ctx_sts_o   (ctx_sts),
      .ctx_idle_o  (ctx_idle),
      .row_valid_i (row_valid),
      .row_i       (row),
      .free_mask_o (free_mask),
      .any_late_o  (any_late),
      .rsp_open_o  (rsp_open),
      .rsp_valid_o (rsp_valid),
      .rsp_o       (rsp),
      .rsp_done_i  (rsp_done),
      .row_slot_o  (row_slot),
      .unit_req_o  (unit_req),
      .unit_rsp_i  (unit_rsp),
      .dep_wait_o  (dep_wait),
      .fetch_wait_o(fetch_wait)
  );

  eqx_responder #(
      .CFG(CFG)
  ) u_responder (
      .clk_i,
      .rst_ni,
      .row_valid_i(row_valid),
      .row_i      (row),
      .rsp_open_i (rsp_open),
      .rsp_valid_i(rsp_valid),
      .rsp_i      (rsp),
      .rsp_done_o (rsp_done),
      .ans_valid_i(ans_valid),
      .ans_ready_o(ans_ready),
      .ans_i      (ans),
      .txb_re_o   (txb_re),
      .txb_raddr_o(txb_raddr),
      .txb_rdata_i(txb_rdata),
      .m_tvalid_o,
      .m_tready_i,
      .m_tdata_o,
      .m_tlast_o
  );

  // ---- units and the memories between them
  logic actc_we, actc_re, actd_we, actd_re, wgtc_we, wgtc_re, wgtd_we, wgtd_re;
  // verilator lint_off UNUSEDSIGNAL
  logic [15:0] actc_waddr, actc_raddr, actd_waddr, actd_raddr, wgtc_waddr, wgtc_raddr, wgtd_waddr, wgtd_raddr;
  logic [BLKW-1:0] actc_rdata, actd_rdata, cvt_wdata, ld_wdata;
  logic [M-1:0][BLKW-1:0] wgtc_rdata, wgtd_rdata;
  logic acc_re, stg_we, stg_re, sof_we, sof_re, sob_we, sob_re;
  logic [15:0] acc_raddr, stg_waddr, stg_raddr, sof_waddr, sof_raddr, sob_waddr, sob_raddr;
  // verilator lint_on UNUSEDSIGNAL
  logic [32*L-1:0] acc_rdata, stg_wdata, stg_rdata, sof_wdata, sof_rdata;
  logic [BLKW-1:0] sob_rdata;

  localparam int unsigned MMU = int'(eqx_isa_pkg::UNIT_MMU);
  localparam int unsigned VPU = int'(eqx_isa_pkg::UNIT_VPU);
  localparam int unsigned LD = int'(eqx_isa_pkg::UNIT_LD);
  localparam int unsigned ST = int'(eqx_isa_pkg::UNIT_ST);

  eqx_mmu #(
      .CFG(CFG)
  ) u_mmu (
      .clk_i,
      .rst_ni,
      .unit_req_i(unit_req[MMU]),
      .unit_rsp_o(unit_rsp[MMU]),
      .mode_i(mode),
      .stall_o(stall[MMU]),
      .train_rows_i(train_rows),
      .actc_re_o(actc_re),
      .actc_raddr_o(actc_raddr),
      .actc_rdata_i(actc_rdata),
      .actd_re_o(actd_re),
      .actd_raddr_o(actd_raddr),
      .actd_rdata_i(actd_rdata),
      .wgtc_re_o(wgtc_re),
      .wgtc_raddr_o(wgtc_raddr),
      .wgtc_rdata_i(wgtc_rdata),
      .wgtd_re_o(wgtd_re),
      .wgtd_raddr_o(wgtd_raddr),
      .wgtd_rdata_i(wgtd_rdata),
      .acc_re_i(acc_re),
      .acc_raddr_i(acc_raddr),
      .acc_rdata_o(acc_rdata)
  );

  eqx_vpu #(
      .CFG(CFG)
  ) u_vpu (
      .clk_i,
      .rst_ni,
      .unit_req_i(unit_req[VPU]),
      .unit_rsp_o(unit_rsp[VPU]),
      .mode_i(mode),
      .stall_o(stall[VPU]),
      .slots_i(row_slot),
      .acc_re_o(acc_re),
      .acc_raddr_o(acc_raddr),
      .acc_rdata_i(acc_rdata),
      .stg_re_o(stg_re),
      .stg_raddr_o(stg_raddr),
      .stg_rdata_i(stg_rdata),
      .rxb_re_o(rxb_re),
      .rxb_raddr_o(rxb_raddr),
      .rxb_rdata_i(rxb_rdata),
      .txb_we_o(txb_we),
      .txb_waddr_o(txb_waddr),
      .txb_wdata_o(txb_wdata),
      .sof_we_o(sof_we),
      .sof_waddr_o(sof_waddr),
      .sof_wdata_o(sof_wdata),
      .actc_we_o(actc_we),
      .actc_waddr_o(actc_waddr),
      .wgtc_we_o(wgtc_we),
      .wgtc_waddr_o(wgtc_waddr),
      .sob_we_o(sob_we),
      .sob_waddr_o(sob_waddr),
      .blk_wdata_o(cvt_wdata)
  );

  eqx_dma_load #(
      .CFG(CFG)
  ) u_dma_load (
      .clk_i,
      .rst_ni,
      .unit_req_i(unit_req[LD]),
      .unit_rsp_o(unit_rsp[LD]),
      .mode_i(mode),
      .stall_o(stall[LD]),
      .timeout_i(dma_timeout),
      .lost_o(ld_lost),
      .actd_we_o(actd_we),
      .actd_waddr_o(actd_waddr),
      .wgtd_we_o(wgtd_we),
      .wgtd_waddr_o(wgtd_waddr),
      .blk_wdata_o(ld_wdata),
      .stg_we_o(stg_we),
      .stg_waddr_o(stg_waddr),
      .stg_wdata_o(stg_wdata),
      .arvalid_o,
      .arready_i,
      .ar_o({arid_o, araddr_o, arlen_o, arsize_o, arburst_o}),
      .rvalid_i,
      .rready_o,
      .r_i('{id: rid_i, data: rdata_i, resp: rresp_i, last: rlast_i})
  );

  eqx_dma_store #(
      .CFG(CFG)
  ) u_dma_store (
      .clk_i,
      .rst_ni,
      .unit_req_i(unit_req[ST]),
      .unit_rsp_o(unit_rsp[ST]),
      .mode_i(mode),
      .stall_o(stall[ST]),
      .timeout_i(dma_timeout),
      .lost_o(st_lost),
      .sob_re_o(sob_re),
      .sob_raddr_o(sob_raddr),
      .sob_rdata_i(sob_rdata),
      .sof_re_o(sof_re),
      .sof_raddr_o(sof_raddr),
      .sof_rdata_i(sof_rdata),
      .awvalid_o,
      .awready_i,
      .aw_o({awid_o, awaddr_o, awlen_o, awsize_o, awburst_o}),
      .wvalid_o,
      .wready_i,
      .w_o({wdata_o, wstrb_o, wlast_o}),
      .bvalid_i,
      .bready_o,
      .b_i('{id: bid_i, resp: bresp_i})
  );

  eqx_sram_1r1w #(
      .WIDTH(BLKW),
      .DEPTH(ACTC_DEPTH)
  ) u_actc (
      .clk_i,
      .we_i(actc_we),
      .waddr_i($clog2(ACTC_DEPTH)'(actc_waddr)),
      .wdata_i(cvt_wdata),
      .re_i(actc_re),
      .raddr_i($clog2(ACTC_DEPTH)'(actc_raddr)),
      .rdata_o(actc_rdata)
  );
  eqx_sram_1r1w #(
      .WIDTH(BLKW),
      .DEPTH(ACTD_DEPTH)
  ) u_actd (
      .clk_i,
      .we_i(actd_we),
      .waddr_i($clog2(ACTD_DEPTH)'(actd_waddr)),
      .wdata_i(ld_wdata),
      .re_i(actd_re),
      .raddr_i($clog2(ACTD_DEPTH)'(actd_raddr)),
      .rdata_o(actd_rdata)
  );
  eqx_wgt_buffer #(
      .M(M),
      .BLKW(BLKW),
      .BLOCKS(WGTC_DEPTH)
  ) u_wgtc (
      .clk_i,
      .we_i(wgtc_we),
      .waddr_i(wgtc_waddr),
      .wdata_i(cvt_wdata),
      .re_i(wgtc_re),
      .raddr_i(wgtc_raddr),
      .rdata_o(wgtc_rdata)
  );
  eqx_wgt_buffer #(
      .M(M),
      .BLKW(BLKW),
      .BLOCKS(WGTD_DEPTH)
  ) u_wgtd (
      .clk_i,
      .we_i(wgtd_we),
      .waddr_i(wgtd_waddr),
      .wdata_i(ld_wdata),
      .re_i(wgtd_re),
      .raddr_i(wgtd_raddr),
      .rdata_o(wgtd_rdata)
  );
  eqx_sram_1r1w #(
      .WIDTH(32 * L),
      .DEPTH(STG_DEPTH)
  ) u_stg (
      .clk_i,
      .we_i(stg_we),
      .waddr_i($clog2(STG_DEPTH)'(stg_waddr)),
      .wdata_i(stg_wdata),
      .re_i(stg_re),
      .raddr_i($clog2(STG_DEPTH)'(stg_raddr)),
      .rdata_o(stg_rdata)
  );
  eqx_sram_1r1w #(
      .WIDTH(32 * L),
      .DEPTH(SOF_DEPTH)
  ) u_sof (
      .clk_i,
      .we_i(sof_we),
      .waddr_i($clog2(SOF_DEPTH)'(sof_waddr)),
      .wdata_i(sof_wdata),
      .re_i(sof_re),
      .raddr_i($clog2(SOF_DEPTH)'(sof_raddr)),
      .rdata_o(sof_rdata)
  );
  eqx_sram_1r1w #(
      .WIDTH(BLKW),
      .DEPTH(SOB_DEPTH)
  ) u_sob (
      .clk_i,
      .we_i(sob_we),
      .waddr_i($clog2(SOB_DEPTH)'(sob_waddr)),
      .wdata_i(cvt_wdata),
      .re_i(sob_re),
      .raddr_i($clog2(SOB_DEPTH)'(sob_raddr)),
      .rdata_o(sob_rdata)
  );
  eqx_sram_1r1w #(
      .WIDTH(16 * L),
      .DEPTH(RXB_DEPTH)
  ) u_rxb (
      .clk_i,
      .we_i(rxb_we),
      .waddr_i($clog2(RXB_DEPTH)'(rxb_waddr)),
      .wdata_i(rxb_wdata),
      .re_i(rxb_re),
      .raddr_i($clog2(RXB_DEPTH)'(rxb_raddr)),
      .rdata_o(rxb_rdata)
  );
  eqx_sram_1r1w #(
      .WIDTH(16 * L),
      .DEPTH(TXB_DEPTH)
  ) u_txb (
      .clk_i,
      .we_i(txb_we),
      .waddr_i(TXB_AW'(txb_waddr)),
      .wdata_i(txb_wdata),
      .re_i(txb_re),
      .raddr_i(TXB_AW'(txb_raddr)),
      .rdata_o(txb_rdata)
  );
endmodule
