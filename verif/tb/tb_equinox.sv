// Top of all chip-level simulations: clock, core, DRAM, and a probe that turns activity into rare events.
// Only the signals of this module (and the DRAM's memory) are visible to the bench. A clock period is 10 time units.
module tb_equinox #(
    parameter int unsigned N            = 8,
    parameter int unsigned M            = 2,
    parameter int unsigned W            = 4,
    parameter int unsigned C_INF        = 2,
    parameter int unsigned C_TRN        = 1,
    parameter int unsigned SERVICES     = 4,
    parameter int unsigned QUEUE_DEPTH  = 32,
    parameter int unsigned RX_SLOTS     = 64,
    parameter int unsigned RX_LINES     = 16,
    parameter int unsigned TX_LINES     = 4,
    parameter int unsigned IMEM_DEPTH   = 512,
    parameter int unsigned ACTC_DEPTH   = 4096,
    parameter int unsigned ACTD_DEPTH   = 4096,
    parameter int unsigned WGTC_DEPTH   = 4096,
    parameter int unsigned WGTD_DEPTH   = 8192,
    parameter int unsigned VEC_DEPTH    = 4096,
    parameter int unsigned ACC_DEPTH    = 2048,
    parameter int unsigned STG_DEPTH    = 2048,
    parameter int unsigned SOF_DEPTH    = 1024,
    parameter int unsigned SOB_DEPTH    = 2048,
    parameter int unsigned DRAM_BYTES   = 4194304,
    parameter int unsigned DRAM_LATENCY = 60,
    parameter int unsigned DRAM_GAP     = 0
);
  localparam int unsigned K = N * W;
  localparam int unsigned L = M * N;
  localparam int unsigned CTX = C_INF + C_TRN;
  localparam int unsigned UNITS = eqx_isa_pkg::UNITS;

  if (DRAM_LATENCY < 1 || DRAM_LATENCY > 100000) begin : g_latency
    $fatal(1, "tb_equinox: LATENCY = %0d: legal is 1..100000", DRAM_LATENCY);
  end
  if (DRAM_GAP > 1000) begin : g_gap
    $fatal(1, "tb_equinox: GAP = %0d: legal is 0..1000", DRAM_GAP);
  end
  if (DRAM_BYTES < 4096 || DRAM_BYTES > 2 ** 31 || DRAM_BYTES % K != 0) begin : g_bytes
    $fatal(1, "tb_equinox: BYTES = %0d: legal is a multiple of K = %0d in 4096..2147483648", DRAM_BYTES, K);
  end

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic irq;

  // ---- control
  logic s_axil_awvalid, s_axil_awready, s_axil_wvalid, s_axil_wready, s_axil_bvalid, s_axil_bready;
  logic s_axil_arvalid, s_axil_arready, s_axil_rvalid, s_axil_rready;
  logic [10:0] s_axil_awaddr, s_axil_araddr;
  logic [31:0] s_axil_wdata, s_axil_rdata;
  logic [3:0] s_axil_wstrb;
  logic [1:0] s_axil_bresp, s_axil_rresp;

  logic awv, awr, wv, wr, bv, br, arv, arr, rv, rr;  // behind the gates, at the core

  // ---- requests and responses
  logic req_valid, req_ready;  // behind the gate, at the core
  logic s_tvalid, s_tready, s_tlast, m_tvalid, m_tready, m_tlast;
  logic [16*L-1:0] s_tdata, m_tdata;

  // ---- DRAM
  logic arvalid, arready, rvalid, rready, rlast, awvalid, awready, wvalid, wready, wlast, bvalid, bready;
  logic [31:0] araddr, awaddr;
  logic [7:0] arlen, awlen;
  logic [2:0] arsize, awsize;
  logic [1:0] arburst, awburst, rresp, bresp;
  logic [8*K-1:0] rdata, wdata;
  logic [K-1:0] wstrb;
  logic [0:0] arid, rid, awid, bid;

  equinox_core #(
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
  ) u_core (
      .clk_i(clk),
      .rst_ni(rst_n),
      .irq_o(irq),
      .s_axil_awvalid_i(awv),
      .s_axil_awready_o(awr),
      .s_axil_awaddr_i(s_axil_awaddr),
      .s_axil_wvalid_i(wv),
      .s_axil_wready_o(wr),
      .s_axil_wdata_i(s_axil_wdata),
      .s_axil_wstrb_i(s_axil_wstrb),
      .s_axil_bvalid_o(bv),
      .s_axil_bready_i(br),
      .s_axil_bresp_o(s_axil_bresp),
      .s_axil_arvalid_i(arv),
      .s_axil_arready_o(arr),
      .s_axil_araddr_i(s_axil_araddr),
      .s_axil_rvalid_o(rv),
      .s_axil_rready_i(rr),
      .s_axil_rdata_o(s_axil_rdata),
      .s_axil_rresp_o(s_axil_rresp),
      .s_tvalid_i(req_valid),
      .s_tready_o(req_ready),
      .s_tdata_i(s_tdata),
      .s_tlast_i(s_tlast),
      .m_tvalid_o(m_tvalid),
      .m_tready_i(m_tready),
      .m_tdata_o(m_tdata),
      .m_tlast_o(m_tlast),
      .arvalid_o(arvalid),
      .arready_i(arready),
      .araddr_o(araddr),
      .arlen_o(arlen),
      .arsize_o(arsize),
      .arburst_o(arburst),
      .arid_o(arid),
      .rid_i(rid),
      .awid_o(awid),
      .bid_i(bid),
      .rvalid_i(rvalid),
      .rready_o(rready),
      .rdata_i(rdata ^ {flip, {8 * K - 1{1'b0}}}),
      .rresp_i(rresp),
      .rlast_i(rlast),
      .awvalid_o(awvalid),
      .awready_i(awready),
      .awaddr_o(awaddr),
      .awlen_o(awlen),
      .awsize_o(awsize),
      .awburst_o(awburst),
      .wvalid_o(wvalid),
      .wready_i(wready),
      .wdata_o(wdata),
      .wstrb_o(wstrb),
      .wlast_o(wlast),
      .bvalid_i(bvalid),
      .bready_o(bready),
      .bresp_i(bresp)
  );

  axi_dram #(
      .K(K),
      .BYTES(DRAM_BYTES),
      .LATENCY(DRAM_LATENCY),
      .GAP(DRAM_GAP)
  ) u_dram (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(arvalid),
      .arready_o(arready),
      .araddr_i(araddr),
      .arlen_i(arlen),
      .arsize_i(arsize),
      .arburst_i(arburst),
      .arid_i(arid),
      .rvalid_o(rvalid),
      .rready_i(rready),
      .rdata_o(rdata),
      .rresp_o(rresp),
      .rlast_o(rlast),
      .rid_o(rid),
      .awvalid_i(awvalid),
      .awready_o(awready),
      .awaddr_i(awaddr),
      .awlen_i(awlen),
      .awsize_i(awsize),
      .awburst_i(awburst),
      .awid_i(awid),
      .wvalid_i(wvalid),
      .wready_o(wready),
      .wdata_i(wdata),
      .wstrb_i(wstrb),
      .wlast_i(wlast),
      .bvalid_o(bvalid),
      .bready_i(bready),
      .bresp_o(bresp),
      .bid_o(bid)
  );

  axi_checker #(
      .K(K),
      .NAME("dram")
  ) u_checker (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(arvalid),
      .arready_i(arready),
      .araddr_i(araddr),
      .arlen_i(arlen),
      .arsize_i(arsize),
      .arburst_i(arburst),
      .arid_i(arid),
      .rvalid_i(rvalid),
      .rready_i(rready),
      .rdata_i(rdata),
      .rresp_i(rresp),
      .rlast_i(rlast),
      .rid_i(rid),
      .awvalid_i(awvalid),
      .awready_i(awready),
      .awaddr_i(awaddr),
      .awlen_i(awlen),
      .awsize_i(awsize),
      .awburst_i(awburst),
      .awid_i(awid),
      .wvalid_i(wvalid),
      .wready_i(wready),
      .wdata_i(wdata),
      .wstrb_i(wstrb),
      .wlast_i(wlast),
      .bvalid_i(bvalid),
      .bready_i(bready),
      .bresp_i(bresp),
      .bid_i(bid)
  );

  // ---- random stalls of the request stream and of every channel of the registers, in percent of cycles
  int unsigned req_stall_pct = 0, csr_stall_pct = 0, req_held, csr_held, csr_held_by[5];
  logic [31:0] gate_seed = 1;
  stream_gate u_gate_req (
      .clk_i  (clk),
      .seed_i (gate_seed),
      .pct_i  (req_stall_pct),
      .valid_i(s_tvalid),
      .ready_o(s_tready),
      .valid_o(req_valid),
      .ready_i(req_ready),
      .held_o (req_held)
  );
  stream_gate u_gate_aw (
      .clk_i  (clk),
      .seed_i (gate_seed ^ 32'h1111),
      .pct_i  (csr_stall_pct),
      .valid_i(s_axil_awvalid),
      .ready_o(s_axil_awready),
      .valid_o(awv),
      .ready_i(awr),
      .held_o (csr_held_by[0])
  );
  stream_gate u_gate_w (
      .clk_i  (clk),
      .seed_i (gate_seed ^ 32'h2222),
      .pct_i  (csr_stall_pct),
      .valid_i(s_axil_wvalid),
      .ready_o(s_axil_wready),
      .valid_o(wv),
      .ready_i(wr),
      .held_o (csr_held_by[1])
  );
  stream_gate u_gate_b (
      .clk_i  (clk),
      .seed_i (gate_seed ^ 32'h4444),
      .pct_i  (csr_stall_pct),
      .valid_i(bv),
      .ready_o(br),
      .valid_o(s_axil_bvalid),
      .ready_i(s_axil_bready),
      .held_o (csr_held_by[2])
  );
  stream_gate u_gate_ar (
      .clk_i  (clk),
      .seed_i (gate_seed ^ 32'h8888),
      .pct_i  (csr_stall_pct),
      .valid_i(s_axil_arvalid),
      .ready_o(s_axil_arready),
      .valid_o(arv),
      .ready_i(arr),
      .held_o (csr_held_by[3])
  );
  stream_gate u_gate_r (
      .clk_i  (clk),
      .seed_i (gate_seed ^ 32'hffff),
      .pct_i  (csr_stall_pct),
      .valid_i(rv),
      .ready_o(rr),
      .valid_o(s_axil_rvalid),
      .ready_i(s_axil_rready),
      .held_o (csr_held_by[4])
  );
  always_comb begin
    csr_held = 0;
    for (int n = 0; n < 5; n++) csr_held += csr_held_by[n];
  end

  // ---- random back-pressure on responses, in percent of cycles
  int unsigned rsp_stall_pct = 0;
  int unsigned stall_rng_q = 32'h1;
  logic rsp_stall_q = 1'b0;
  always_ff @(posedge clk) begin
    if (rsp_stall_pct != 0) begin
      stall_rng_q <= stall_rng_q * 32'd1664525 + 32'd1013904223;
      rsp_stall_q <= (32'(stall_rng_q[31:16]) % 32'd100) < rsp_stall_pct;
    end else rsp_stall_q <= 1'b0;
  end
  logic plant_late = 1'b0;  // a planted fault for the checks' own test: the next response comes one cycle late
  logic planted_q = 1'b0;
  always_ff @(posedge clk) planted_q <= plant_late && (planted_q || m_tvalid);
  assign m_tready = !rsp_stall_q && !(plant_late && m_tvalid && !planted_q);

  int unsigned rsp_held = 0;  // cycles in which a response beat was held back
  always_ff @(posedge clk) if (m_tvalid && !m_tready) rsp_held <= rsp_held + 1;

  // ---- planted faults for the random programs' own test (verif/random/run.py)
  int unsigned plant_read = 0;  // +plant_read=n: the last beat of each read burst of n beats has its highest bit wrong
  int unsigned beats_q = 0;  // beats of the read burst so far
  logic        flip;
  initial if (!$value$plusargs("plant_read=%d", plant_read)) plant_read = 0;
  always_ff @(posedge clk) if (rvalid && rready) beats_q <= rlast ? 0 : beats_q + 1;
  assign flip = rvalid && rlast && beats_q + 1 == plant_read;

  // ---- probe: each event is a change of a toggle, with what happened beside it
  int unsigned cycle = 0;  // rising edges so far
  logic        batch_toggle = 1'b0;  // a batch was handed to a context
  logic [7:0] batch_ctx, batch_svc, batch_rows;
  logic [CTX-1:0] batch_busy;  // contexts at work when it was
  eqx_pkg::mode_e batch_mode;  // how the units then chose between contexts
  eqx_pkg::policy_e batch_policy;
  logic [9:0] batch_train;  // what training did then: operating_cg's outputs
  logic [15:0] batch_train_pc;  // its MATMUL issued last, counted from the stream's first; all ones: the stream's last
  logic [31:0] steps;  // training steps done, all training contexts
  logic unit_toggle = 1'b0;  // some unit completed an instruction; only when unit_probe is set
  logic [UNITS-1:0][CTX-1:0] unit_done;
  logic unit_probe = 1'b0;
  logic state_toggle = 1'b0;  // some context's state or error changed, and shows since the last cycle
  eqx_pkg::ctx_seen_t [CTX-1:0] ctx_seen;
  logic csr_toggle = 1'b0;  // a register was written: the new value shows in the cycle after this edge
  logic [10:0] csr_addr;
  logic [31:0] csr_data;
  logic [3:0] csr_strobe;

  eqx_pkg::ctx_seen_t [CTX-1:0] ctx_now;
  always_comb begin
    steps = '0;
    for (int unsigned c = 0; c < CTX; c++)
    ctx_now[c] = '{
        err_unit: u_core.ctx_sts[c].err_unit,
        err_cause: u_core.ctx_sts[c].err_cause,
        state: u_core.ctx_sts[c].state
    };
    for (int unsigned c = C_INF; c < CTX; c++) steps += u_core.ctx_sts[c].steps;
  end

  logic [CTX-1:0] train_drain, train_idle;
  for (genvar c = 0; c < CTX; c++) begin : g_train
    assign train_drain[c] = u_core.ctx_cmd[c].drain;
    assign train_idle[c]  = u_core.ctx_sts[c].state == eqx_pkg::CTX_IDLE;
  end
  logic [9:0] train;
  operating_cg #(
      .UNITS(UNITS),
      .CTX  (CTX),
      .C_INF(C_INF)
  ) u_operating_cg (
      .clk_i(clk),
      .rst_ni(rst_n),
      .mode_i(u_core.mode),
      .busy_i(u_core.busy),
      .quiet_i(u_core.quiet),
      .drain_i(train_drain),
      .idle_i(train_idle),
      .tile_valid_i(u_core.u_mmu.front_valid),
      .tile_last_i({u_core.u_mmu.front[1].rows == 16'd1, u_core.u_mmu.front[0].rows == 16'd1}),
      .row_take_i(u_core.u_mmu.take),
      .loading_i(u_core.u_mmu.loading | u_core.u_mmu.tile_take),
      .load_wait_i(u_core.u_mmu.u_checks.inf_wait_i),
      .seg_valid_i(u_core.u_vpu.u_issue.valid),
      .seg_conv_i({u_core.u_vpu.u_issue.seg_of[1].op.v_mode, u_core.u_vpu.u_issue.seg_of[0].op.v_mode}),
      .turn_i(u_core.u_vpu.u_issue.turn),
      .ld_req_i(u_core.u_dma_load.req),
      .st_req_i(u_core.u_dma_store.req),
      .draining_o(train[9]),
      .mmu_o(train[8:7]),
      .vpu_o(train[6:4]),
      .ld_o(train[3:2]),
      .st_o(train[1:0])
  );
  localparam int unsigned MMU = int'(eqx_isa_pkg::UNIT_MMU);
  logic pc_first;
  logic [15:0] pc_next, pc_base;
  logic [31:0] pc_turns;
  assign pc_first = u_core.u_frontend.g_unit[MMU].u_front.g_ctx[C_INF].u_stream.at_base_q;
  assign pc_next  = u_core.u_frontend.g_unit[MMU].u_front.g_ctx[C_INF].u_stream.pc_q[15:0];
  assign pc_turns = u_core.u_frontend.g_unit[MMU].u_front.g_ctx[C_INF].u_stream.iters_q;
  assign pc_base  = u_core.u_frontend.g_unit[MMU].u_base[C_INF];

  // ---- hangs: who waits, what moves, and once nothing has for too long, where everything stands
  // cycles without progress, beside the longest batch timeout that a waiting request has; 0: not watched
  int unsigned hang_limit = 0;
  logic stuck;  // rises once
  logic [1:0] stuck_who;  // 0 inference, 1 training
  logic stuck_catch;
  logic [SERVICES-1:0][15:0] stuck_level;
  logic [SERVICES-1:0][31:0] stuck_timeout;
  logic [31:0] stuck_free;  // payload slots
  logic [CTX-1:0][UNITS-1:0][16:0] stuck_pc;  // of the head, or of the instruction to be fetched; counted in the memory
  // 0 stream over or none, 1 fetches, 2 waits for semaphores, 3 for its unit
  logic [CTX-1:0][UNITS-1:0][1:0] stuck_head;
  logic [CTX-1:0][UNITS-1:0][15:0] stuck_lacks;  // semaphores that the head waits for
  logic [CTX-1:0][15:0][3:0] stuck_sem;
  logic [UNITS-1:0][CTX-1:0] stuck_quiet;
  logic [31:0] stuck_reads, stuck_writes, stuck_replies;  // bursts at the DRAM
  logic [1:0] stuck_stream;  // request stream: valid, ready; at the core

  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);
  localparam logic [31:0] ENDLESS = 32'd1 << 24;  // a batch timeout from here on is none
  logic [CTX-1:0] ctx_works, ctx_moves;
  logic [31:0] longest;
  logic        queued;
  logic        dram_moves;
  assign dram_moves = (arvalid && arready) || (rvalid && rready) || (awvalid && awready) ||
      (wvalid && wready) || (bvalid && bready);
  always_comb begin
    longest = '0;
    queued  = 1'b0;  // requests that need no other to go
    for (int unsigned s = 0; s < SERVICES; s++)
    if (u_core.svc[s].enable && u_core.svc_level[s] != '0) begin
      queued |= u_core.svc_level[s] >= 16'(u_core.svc[s].batch) || u_core.svc[s].timeout < ENDLESS;
      if (u_core.svc[s].timeout > longest && u_core.svc[s].timeout < ENDLESS) longest = u_core.svc[s].timeout;
    end
    ctx_moves = '0;
    for (int unsigned c = 0; c < CTX; c++) begin
      ctx_works[c] = u_core.ctx_sts[c].state != eqx_pkg::CTX_IDLE && u_core.ctx_sts[c].state != eqx_pkg::CTX_ERROR;
      for (int unsigned u = 0; u < UNITS; u++)
      ctx_moves[c] |= u_core.busy[u][c] || (u_core.instr_valid[u][c] && u_core.instr_ready[u][c]) ||
          u_core.done_valid[u][c];
    end
  end
  hang_watch u_hang_watch (
      .clk_i(clk),
      .rst_ni(rst_n),
      .limit_i((hang_limit == 0) ? 32'd0 : hang_limit + longest),
      .excused_i(u_dram.err_mute != '0 || rsp_stall_pct >= 100),
      .waits_i({
        |(ctx_works & ~INF_MASK) && u_core.mode != eqx_pkg::MODE_INF_ONLY,
        (req_valid && u_core.accept_en) || queued || |(ctx_works & INF_MASK) || u_core.ans_valid
      }),
      .moves_i({
        |(ctx_moves & ~INF_MASK) || dram_moves || ctx_now != ctx_seen,
        |(ctx_moves & INF_MASK) || (req_valid && req_ready) || u_core.row_valid || (m_tvalid && m_tready)
      }),
      .stuck_o(stuck),
      .who_o(stuck_who),
      .catch_o(stuck_catch)
  );
  for (genvar c = 0; c < CTX; c++) begin : g_stuck
    for (genvar u = 0; u < UNITS; u++) begin : g_unit
      always_ff @(posedge clk)
        if (stuck_catch) begin
          stuck_pc[c][u] <= u_core.u_frontend.g_unit[u].u_front.g_ctx[c].u_stream.pc;
          stuck_head[c][u] <= !u_core.u_frontend.g_unit[u].u_front.g_ctx[c].u_stream.full_q ?
              {1'b0, u_core.fetch_wait[u][c]} : {1'b1, !u_core.dep_wait[u][c]};
          stuck_lacks[c][u] <=
              u_core.u_frontend.g_unit[u].u_front.g_ctx[c].u_stream.head.wait_mask & ~u_core.u_frontend.nonzero[c];
        end
    end
    always_ff @(posedge clk) if (stuck_catch) stuck_sem[c] <= u_core.u_frontend.g_ctx[c].u_sem.sem_q;
  end
  always_ff @(posedge clk)
    if (stuck_catch) begin
      stuck_level <= u_core.svc_level;
      for (int unsigned s = 0; s < SERVICES; s++) stuck_timeout[s] <= u_core.svc[s].timeout;
      stuck_free <= 32'($countones(
          u_core.u_request_dispatcher.u_pool.free_q
      )) + 32'(u_core.u_request_dispatcher.slot_valid);
      stuck_quiet <= u_core.quiet;
      stuck_reads <= u_dram.rq_n;
      stuck_writes <= u_dram.wq_n;
      stuck_replies <= u_dram.bq_n;
      stuck_stream <= {req_valid, req_ready};
    end

  always_ff @(posedge clk) begin
    cycle <= cycle + 1;
    if (u_core.row_valid && u_core.row.last) begin
      batch_toggle <= !batch_toggle;
      batch_ctx    <= u_core.row.ctx;
      batch_svc    <= u_core.row.svc;
      batch_rows   <= u_core.row.rows;
      batch_mode   <= u_core.mode;
      batch_policy <= u_core.policy_sel;
      batch_train  <= train;
      batch_train_pc <= pc_first ? ((pc_turns == '0) ? '0 : '1) : pc_next - pc_base - 16'd1;
      for (int unsigned c = 0; c < CTX; c++) batch_busy[c] <= u_core.ctx_sts[c].state != eqx_pkg::CTX_IDLE;
    end
    if (ctx_now != ctx_seen) begin
      state_toggle <= !state_toggle;
      ctx_seen     <= ctx_now;
    end
    if (u_core.u_csr.u_regs.cpuif_req_masked && u_core.u_csr.u_regs.cpuif_req_is_wr) begin
      csr_toggle <= !csr_toggle;
      csr_addr   <= u_core.u_csr.u_regs.cpuif_addr;
      csr_data   <= u_core.u_csr.u_regs.cpuif_wr_data;
      for (int b = 0; b < 4; b++) csr_strobe[b] <= u_core.u_csr.u_regs.cpuif_wr_biten[8*b];
    end
    if (unit_probe && |u_core.done_valid) begin
      unit_toggle <= !unit_toggle;
      unit_done   <= u_core.done_valid;
    end
  end
endmodule
