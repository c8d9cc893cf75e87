// The register block as the core sees it: AXI4-Lite in, settings and commands out, status and events in.
// The registers themselves are generated from eqx_csr.rdl; this module only renames and widens.
// Latency: settings take effect one cycle after the write is taken; command pulses last one cycle.
// AXI4-Lite handshake: as PeakRDL-regblock makes it; up to three transactions in flight. What is read is chosen in two
// cycles (a read sees the registers of the first), so a write right behind a read waits a cycle.
module eqx_csr_top #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned SERVICES = CFG.SERVICES
) (
    input logic clk_i,
    input logic rst_ni,

    input  eqx_pkg::axil_req_t axil_req_i,
    output eqx_pkg::axil_rsp_t axil_rsp_o,

    output logic                                            accept_en_o,
    output logic                                            reject_mode_o,
    output eqx_pkg::policy_e                                policy_o,
    output logic              [                       11:0] train_rows_o,
    output logic              [                       31:0] dma_timeout_o,
    output eqx_pkg::svc_cfg_t [               SERVICES-1:0] svc_o,
    output eqx_pkg::ctx_cfg_t [                    CTX-1:0] ctx_cfg_o,
    output eqx_pkg::ctx_cmd_t [                    CTX-1:0] ctx_cmd_o,
    output logic                                            perf_enable_o,
    output logic                                            perf_clear_o,
    output logic              [                        1:0] perf_unit_o,
    output logic              [                        3:0] perf_index_o,
    output logic                                            imem_we_o,
    output logic              [                        1:0] imem_unit_o,
    output logic              [                       15:0] imem_addr_o,
    output logic              [eqx_isa_pkg::INSTR_BITS-1:0] imem_wdata_o,
    output logic                                            irq_o,

    input eqx_pkg::ctx_sts_t [     CTX-1:0]       ctx_sts_i,
    input logic              [SERVICES-1:0][15:0] svc_level_i,
    input logic              [        47:0]       perf_value_i,
    input logic                                   ld_lost_i,
    input logic                                   st_lost_i,
    input logic                                   evt_accepted_i,       // pulses
    input logic                                   evt_rejected_i,
    input logic                                   evt_not_installed_i,
    input logic                                   evt_bad_length_i,
    input logic                                   evt_responded_i
);
  localparam int unsigned MAX_CTX = eqx_pkg::MAX_CTX;
  localparam int unsigned MAX_SVC = eqx_pkg::MAX_SVC;

  eqx_cfg_check #(
      .UNIT("csr_top"),
      .CFG (CFG)
  ) u_check ();

  eqx_csr_pkg::eqx_csr__in_t  hw_in;
  eqx_csr_pkg::eqx_csr__out_t hw_out;

  eqx_csr u_regs (
      .clk           (clk_i),
      .arst_n        (rst_ni),
      .s_axil_awready(axil_rsp_o.awready),
      .s_axil_awvalid(axil_req_i.awvalid),
      .s_axil_awaddr (axil_req_i.awaddr),
      .s_axil_awprot (3'b0),
      .s_axil_wready (axil_rsp_o.wready),
      .s_axil_wvalid (axil_req_i.wvalid),
      .s_axil_wdata  (axil_req_i.wdata),
      .s_axil_wstrb  (axil_req_i.wstrb),
      .s_axil_bready (axil_req_i.bready),
      .s_axil_bvalid (axil_rsp_o.bvalid),
      .s_axil_bresp  (axil_rsp_o.bresp),
      .s_axil_arready(axil_rsp_o.arready),
      .s_axil_arvalid(axil_req_i.arvalid),
      .s_axil_araddr (axil_req_i.araddr),
      .s_axil_arprot (3'b0),
      .s_axil_rready (axil_req_i.rready),
      .s_axil_rvalid (axil_rsp_o.rvalid),
      .s_axil_rdata  (axil_rsp_o.rdata),
      .s_axil_rresp  (axil_rsp_o.rresp),
      .hwif_in       (hw_in),
      .hwif_out      (hw_out)
  );

  eqx_imem_writer u_imem_writer (
      .clk_i,
      .rst_ni,
      .addr_strobe_i(hw_out.IMEM_ADDR.index.swmod || hw_out.IMEM_ADDR.unit.swmod),
      .index_i      (hw_out.IMEM_ADDR.index.value),
      .unit_i       (hw_out.IMEM_ADDR.unit.value),
      .data_strobe_i(hw_out.IMEM_DATA.high.swmod),
      .word_i       ({hw_out.IMEM_DATA.high.value, hw_out.IMEM_DATA.low.value}),
      .we_o         (imem_we_o),
      .unit_o       (imem_unit_o),
      .addr_o       (imem_addr_o),
      .wdata_o      (imem_wdata_o)
  );

  assign accept_en_o   = hw_out.CTRL.accept_en.value;
  assign reject_mode_o = hw_out.CTRL.reject_mode.value;
  assign policy_o      = eqx_pkg::policy_e'(hw_out.POLICY.policy.value);
  assign train_rows_o  = hw_out.TRAIN_ROWS.rows.value;
  assign dma_timeout_o = hw_out.DMA_TIMEOUT.cycles.value;
  assign perf_enable_o = hw_out.PERF_CTRL.enable.value;
  assign perf_clear_o  = hw_out.PERF_CTRL.clear.value;
  assign perf_unit_o   = hw_out.PERF_SEL.unit.value;
  assign perf_index_o  = hw_out.PERF_SEL.index.value;

  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    assign svc_o[s].enable = hw_out.SVC[s].CTRL.enable.value;
    assign svc_o[s].pc_valid = hw_out.SVC[s].CTRL.pc_valid.value;
    assign svc_o[s].pc = {
      hw_out.SVC[s].PC1.st.value, hw_out.SVC[s].PC1.ld.value, hw_out.SVC[s].PC0.vpu.value, hw_out.SVC[s].PC0.mmu.value
    };
    assign svc_o[s].w_base = hw_out.SVC[s].BASE.w_base.value;
    assign svc_o[s].c_base = hw_out.SVC[s].BASE.c_base.value;
    assign svc_o[s].batch = hw_out.SVC[s].SHAPE.batch.value;
    assign svc_o[s].rx_lines = hw_out.SVC[s].SHAPE.rx_lines.value;
    assign svc_o[s].tx_lines = hw_out.SVC[s].SHAPE.tx_lines.value;
    assign svc_o[s].timeout = hw_out.SVC[s].TIMEOUT.cycles.value;
    assign svc_o[s].threshold = hw_out.SVC[s].THRESHOLD.waiting.value;
  end

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    assign ctx_cmd_o[c].start = hw_out.CTX[c].CMD.start.value;
    assign ctx_cmd_o[c].drain = hw_out.CTX[c].CMD.drain.value;
    assign ctx_cmd_o[c].kill = hw_out.CTX[c].CMD.kill.value;
    assign ctx_cmd_o[c].clear = hw_out.CTX[c].CMD.clear.value;
    assign ctx_cfg_o[c].vec_base = hw_out.CTX[c].BASE0.vec.value;
    assign ctx_cfg_o[c].acc_base = hw_out.CTX[c].BASE0.acc.value;
    assign ctx_cfg_o[c].actc_base = hw_out.CTX[c].BASE1.actc.value;
    assign ctx_cfg_o[c].pc_valid = hw_out.CTX[c].PCV.valid.value;
    assign ctx_cfg_o[c].pc = {
      hw_out.CTX[c].PC1.st.value, hw_out.CTX[c].PC1.ld.value, hw_out.CTX[c].PC0.vpu.value, hw_out.CTX[c].PC0.mmu.value
    };
    assign ctx_cfg_o[c].w_base = hw_out.CTX[c].BASE2.w_base.value;
    assign ctx_cfg_o[c].c_base = hw_out.CTX[c].BASE2.c_base.value;
    assign ctx_cfg_o[c].dram_base = hw_out.CTX[c].DRAM_BASE.bytes.value;
    assign ctx_cfg_o[c].iters = hw_out.CTX[c].ITERS.count.value;
    assign ctx_cfg_o[c].iter_mod = hw_out.CTX[c].ITER_MOD.modulo.value;
    assign ctx_cfg_o[c].sem_init = {hw_out.CTX[c].SEM1.init.value, hw_out.CTX[c].SEM0.init.value};
  end

  // Status of what this build does not have reads as zero.
  for (genvar s = 0; s < MAX_SVC; s++) begin : g_level
    if (s < SERVICES) begin : g_there
      assign hw_in.SVC[s].LEVEL.waiting.next = svc_level_i[s];
    end else begin : g_none
      assign hw_in.SVC[s].LEVEL.waiting.next = '0;
    end
  end
  for (genvar c = 0; c < MAX_CTX; c++) begin : g_sts
    eqx_pkg::ctx_sts_t sts;
    if (c < CTX) begin : g_there
      assign sts = ctx_sts_i[c];
    end else begin : g_none
      assign sts = '0;
    end
    assign hw_in.CTX[c].STATUS.state.next     = sts.state;
    assign hw_in.CTX[c].STATUS.err_cause.next = sts.err_cause;
    assign hw_in.CTX[c].STATUS.err_unit.next  = sts.err_unit;
    assign hw_in.CTX[c].STEPS.count.next      = sts.steps;
  end

  // Entering the error state, and a training context falling idle from running, are events.
  eqx_pkg::ctx_state_e state_q[CTX];
  logic ctx_err, ctx_done;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) for (int unsigned c = 0; c < CTX; c++) state_q[c] <= eqx_pkg::CTX_IDLE;
    else for (int unsigned c = 0; c < CTX; c++) state_q[c] <= ctx_sts_i[c].state;
  end
  always_comb begin
    ctx_err  = 1'b0;
    ctx_done = 1'b0;
    for (int unsigned c = 0; c < CTX; c++) begin
      if (ctx_sts_i[c].state == eqx_pkg::CTX_ERROR && state_q[c] != eqx_pkg::CTX_ERROR) ctx_err = 1'b1;
      if (c >= CFG.C_INF && ctx_sts_i[c].state == eqx_pkg::CTX_IDLE && state_q[c] == eqx_pkg::CTX_RUNNING)
        ctx_done = 1'b1;
    end
  end

  // A counter is two words wide: its high half is kept from the cycle in which the low half is read.
  logic [15:0] perf_high_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) perf_high_q <= '0;
    else if (hw_out.PERF_LO.value.swacc) perf_high_q <= perf_value_i[47:32];
  end

  assign hw_in.PARAMS.size_n.next = 8'(CFG.N);
  assign hw_in.PARAMS.size_m.next = 8'(CFG.M);
  assign hw_in.PARAMS.size_w.next = 8'(CFG.W);
  assign hw_in.PARAMS.c_inf.next = 4'(CFG.C_INF);
  assign hw_in.PARAMS.ctx.next = 4'(CTX);
  assign hw_in.PERF_LO.value.next = perf_value_i[31:0];
  assign hw_in.PERF_HI.value.next = perf_high_q;
  assign hw_in.DMA_STATUS.ld_lost.next = ld_lost_i;
  assign hw_in.DMA_STATUS.st_lost.next = st_lost_i;
  assign hw_in.IRQ_STATUS.ctx_err.hwset = ctx_err;
  assign hw_in.IRQ_STATUS.not_installed.hwset = evt_not_installed_i;
  assign hw_in.IRQ_STATUS.bad_length.hwset = evt_bad_length_i;
  assign hw_in.IRQ_STATUS.rejected.hwset = evt_rejected_i;
  assign hw_in.IRQ_STATUS.ctx_done.hwset = ctx_done;
  assign hw_in.CNT_ACCEPTED.count.incr = evt_accepted_i;
  assign hw_in.CNT_REJECTED.count.incr = evt_rejected_i;
  assign hw_in.CNT_NOT_INSTALLED.count.incr = evt_not_installed_i;
  assign hw_in.CNT_BAD_LENGTH.count.incr = evt_bad_length_i;
  assign hw_in.CNT_RESPONDED.count.incr = evt_responded_i;

  assign irq_o = (hw_out.IRQ_STATUS.ctx_err.value && hw_out.IRQ_ENABLE.ctx_err.value)
      || (hw_out.IRQ_STATUS.not_installed.value && hw_out.IRQ_ENABLE.not_installed.value)
      || (hw_out.IRQ_STATUS.bad_length.value && hw_out.IRQ_ENABLE.bad_length.value)
      || (hw_out.IRQ_STATUS.rejected.value && hw_out.IRQ_ENABLE.rejected.value)
      || (hw_out.IRQ_STATUS.ctx_done.value && hw_out.IRQ_ENABLE.ctx_done.value);
endmodule
