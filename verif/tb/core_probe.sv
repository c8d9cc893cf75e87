// What simulations see of the core's insides. A testbench binds it into equinox_core; it alone names what is in there,
// once each, in its first part (`make lint` refuses it elsewhere). The rest works on these wires, and the bench on
// the rest.
//  - Events: each is a change of a toggle, with what happened beside it.
//  - What training does, for the covergroup of the operating space.
//  - Hangs: who waits, what moves, and once nothing has for too long, where everything stands.
module core_probe #(
    parameter int unsigned C_INF    = 2,
    parameter int unsigned CTX      = 3,
    parameter int unsigned SERVICES = 4
) (
    input logic clk_i,
    input logic rst_ni,
    input logic excused_i  // the bench itself holds the core: no progress is no hang
);
  localparam int unsigned UNITS = eqx_isa_pkg::UNITS;
  localparam int unsigned MMU = int'(eqx_isa_pkg::UNIT_MMU);
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);

  // ---- the core's names
  // scheduling
  eqx_pkg::mode_e mode;
  eqx_pkg::policy_e policy;
  eqx_pkg::svc_cfg_t [SERVICES-1:0] svc;
  logic [SERVICES-1:0][15:0] level;  // waiting requests
  eqx_pkg::ctx_cmd_t [CTX-1:0] ctx_cmd;
  eqx_pkg::ctx_sts_t [CTX-1:0] ctx_sts;
  logic row_valid, accept_en, ans_valid;
  eqx_pkg::batch_row_t row;
  logic [31:0] free_slots;
  assign mode = equinox_core.mode;
  assign policy = equinox_core.policy_sel;
  assign svc = equinox_core.svc;
  assign level = equinox_core.svc_level;
  assign ctx_cmd = equinox_core.ctx_cmd;
  assign ctx_sts = equinox_core.ctx_sts;
  assign row_valid = equinox_core.row_valid;
  assign row = equinox_core.row;
  assign accept_en = equinox_core.accept_en;
  assign ans_valid = equinox_core.ans_valid;
  assign free_slots = 32'($countones(
      equinox_core.u_request_dispatcher.u_pool.free_q
  )) + 32'(equinox_core.u_request_dispatcher.slot_valid);

  // units
  logic [UNITS-1:0][CTX-1:0] busy, quiet, issue, done, dep_wait, fetch_wait;
  for (genvar u = 0; u < UNITS; u++) begin : g_unit
    for (genvar c = 0; c < CTX; c++) begin : g_ctx
      assign quiet[u][c] = equinox_core.unit_rsp[u][c].quiet;
      assign issue[u][c] = equinox_core.unit_req[u][c].instr_valid && equinox_core.unit_rsp[u][c].instr_ready;
      assign done[u][c]  = equinox_core.unit_rsp[u][c].done_valid;
    end
  end
  assign busy = equinox_core.busy;
  assign dep_wait = equinox_core.dep_wait;
  assign fetch_wait = equinox_core.fetch_wait;

  // MMU, VPU, DMA; class 0 inference, 1 training
  logic [1:0] tile_valid, tile_last, row_take, seg_valid, turn;
  logic [1:0][1:0] seg_conv;
  logic [CTX-1:0] loading, ld_req, st_req;
  logic load_wait;
  assign tile_valid = equinox_core.u_mmu.front_valid;
  assign tile_last = {equinox_core.u_mmu.front[1].rows == 16'd1, equinox_core.u_mmu.front[0].rows == 16'd1};
  assign row_take = equinox_core.u_mmu.take;
  assign loading = equinox_core.u_mmu.loading | equinox_core.u_mmu.tile_take;
  assign load_wait = equinox_core.u_mmu.u_checks.inf_wait_i;
  assign seg_valid = equinox_core.u_vpu.u_issue.valid;
  assign seg_conv = {equinox_core.u_vpu.u_issue.seg_of[1].op.v_mode, equinox_core.u_vpu.u_issue.seg_of[0].op.v_mode};
  assign turn = equinox_core.u_vpu.u_issue.turn;
  assign ld_req = equinox_core.u_dma_load.req;
  assign st_req = equinox_core.u_dma_store.req;

  // streams of instructions, and semaphores
  logic [CTX-1:0][UNITS-1:0][16:0] pc;  // of the head, or of the instruction to be fetched; counted in the memory
  logic [CTX-1:0][UNITS-1:0] head_valid;
  logic [CTX-1:0][UNITS-1:0][15:0] head_waits;  // semaphores that the head is to wait for
  logic [CTX-1:0][15:0] nonzero;
  logic [CTX-1:0][15:0][3:0] sem;
  for (genvar c = 0; c < CTX; c++) begin : g_stream
    for (genvar u = 0; u < UNITS; u++) begin : g_unit
      assign pc[c][u] = equinox_core.u_frontend.g_unit[u].u_front.g_ctx[c].u_stream.pc;
      assign head_valid[c][u] = equinox_core.u_frontend.g_unit[u].u_front.g_ctx[c].u_stream.full_q;
      assign head_waits[c][u] = equinox_core.u_frontend.g_unit[u].u_front.g_ctx[c].u_stream.head.wait_mask;
    end
    assign nonzero[c] = equinox_core.u_frontend.nonzero[c];
    assign sem[c] = equinox_core.u_frontend.g_ctx[c].u_sem.sem_q;
  end

  // performance counters: what they are told, at its sources
  logic perf_enable, perf_clear;
  eqx_pkg::stall_e [UNITS-1:0] stall;
  logic [UNITS-1:0][CTX-1:0] told_busy, told_dep, told_fetch;
  assign perf_enable = equinox_core.perf_enable;
  assign perf_clear = equinox_core.perf_clear;
  assign stall = {
    equinox_core.u_dma_store.stall_o,
    equinox_core.u_dma_load.stall_o,
    equinox_core.u_vpu.stall_o,
    equinox_core.u_mmu.stall_o
  };
  for (genvar c = 0; c < CTX; c++) begin : g_told
    assign told_busy[0][c] = equinox_core.u_mmu.unit_rsp_o[c].busy;
    assign told_busy[1][c] = equinox_core.u_vpu.unit_rsp_o[c].busy;
    assign told_busy[2][c] = equinox_core.u_dma_load.unit_rsp_o[c].busy;
    assign told_busy[3][c] = equinox_core.u_dma_store.unit_rsp_o[c].busy;
  end
  assign told_dep   = equinox_core.u_frontend.dep_wait_o;
  assign told_fetch = equinox_core.u_frontend.fetch_wait_o;

  // the first training context's MMU stream
  logic pc_first;  // at the first instruction
  logic [15:0] pc_next, pc_base;
  logic [31:0] pc_turns;
  assign pc_first = equinox_core.u_frontend.g_unit[MMU].u_front.g_ctx[C_INF].u_stream.g_count.at_base_q;
  assign pc_next  = 16'(equinox_core.u_frontend.g_unit[MMU].u_front.g_ctx[C_INF].u_stream.pc_q);
  assign pc_turns = equinox_core.u_frontend.g_unit[MMU].u_front.g_ctx[C_INF].u_stream.iters;
  assign pc_base  = equinox_core.u_frontend.g_unit[MMU].u_base[C_INF];

  // writes of registers
  logic wr_valid;
  logic [10:0] wr_addr;
  logic [31:0] wr_data, wr_bits;
  assign wr_valid = equinox_core.u_csr.u_regs.cpuif_req_masked && equinox_core.u_csr.u_regs.cpuif_req_is_wr;
  assign wr_addr  = equinox_core.u_csr.u_regs.cpuif_addr;
  assign wr_data  = equinox_core.u_csr.u_regs.cpuif_wr_data;
  assign wr_bits  = equinox_core.u_csr.u_regs.cpuif_wr_biten;

  // the streams and the memory port, at the core
  logic req_valid, req_ready, rsp_moves, dram_moves;
  assign req_valid = equinox_core.s_tvalid_i;
  assign req_ready = equinox_core.s_tready_o;
  assign rsp_moves = equinox_core.m_tvalid_o && equinox_core.m_tready_i;
  assign dram_moves = (equinox_core.arvalid_o && equinox_core.arready_i)
      || (equinox_core.rvalid_i && equinox_core.rready_o) || (equinox_core.awvalid_o && equinox_core.awready_i)
      || (equinox_core.wvalid_o && equinox_core.wready_i) || (equinox_core.bvalid_i && equinox_core.bready_o);

  // ---- what training does
  logic [CTX-1:0] train_drain, train_idle;
  for (genvar c = 0; c < CTX; c++) begin : g_train
    assign train_drain[c] = ctx_cmd[c].drain;
    assign train_idle[c]  = ctx_sts[c].state == eqx_pkg::CTX_IDLE;
  end
  logic [9:0] train;
  operating_cg #(
      .UNITS(UNITS),
      .CTX  (CTX),
      .C_INF(C_INF)
  ) u_operating_cg (
      .clk_i,
      .rst_ni,
      .mode_i(mode),
      .busy_i(busy),
      .quiet_i(quiet),
      .drain_i(train_drain),
      .idle_i(train_idle),
      .tile_valid_i(tile_valid),
      .tile_last_i(tile_last),
      .row_take_i(row_take),
      .loading_i(loading),
      .load_wait_i(load_wait),
      .seg_valid_i(seg_valid),
      .seg_conv_i(seg_conv),
      .turn_i(turn),
      .ld_req_i(ld_req),
      .st_req_i(st_req),
      .draining_o(train[9]),
      .mmu_o(train[8:7]),
      .vpu_o(train[6:4]),
      .ld_o(train[3:2]),
      .st_o(train[1:0])
  );

  // ---- performance counters, counted again
  logic [UNITS-1:0][15:0][31:0] perf_count;
  logic [UNITS-1:0][CTX-1:0][31:0] perf_dep, perf_fetch;
  perf_watch #(
      .UNITS(UNITS),
      .CTX  (CTX)
  ) u_perf_watch (
      .clk_i,
      .rst_ni,
      .enable_i(perf_enable),
      .clear_i(perf_clear),
      .busy_i(told_busy),
      .stall_i(stall),
      .dep_wait_i(told_dep),
      .fetch_wait_i(told_fetch),
      .count_o(perf_count),
      .dep_count_o(perf_dep),
      .fetch_count_o(perf_fetch)
  );

  // ---- events
  logic batch_toggle = 1'b0;  // a batch was handed to a context
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
  eqx_pkg::ctx_seen_t [CTX-1:0] ctx_now, ctx_seen;
  logic csr_toggle = 1'b0;  // a register was written: the new value shows in the cycle after this edge
  logic [10:0] csr_addr;
  logic [31:0] csr_data;
  logic [3:0] csr_strobe;

  always_comb begin
    steps = '0;
    for (int unsigned c = 0; c < CTX; c++)
    ctx_now[c] = '{err_unit: ctx_sts[c].err_unit, err_cause: ctx_sts[c].err_cause, state: ctx_sts[c].state};
    for (int unsigned c = C_INF; c < CTX; c++) steps += ctx_sts[c].steps;
  end

  always_ff @(posedge clk_i) begin
    if (row_valid && row.last) begin
      batch_toggle <= !batch_toggle;
      batch_ctx    <= row.ctx;
      batch_svc    <= row.svc;
      batch_rows   <= row.rows;
      batch_mode   <= mode;
      batch_policy <= policy;
      batch_train  <= train;
      batch_train_pc <= pc_first ? ((pc_turns == '0) ? '0 : '1) : pc_next - pc_base - 16'd1;
      for (int unsigned c = 0; c < CTX; c++) batch_busy[c] <= ctx_sts[c].state != eqx_pkg::CTX_IDLE;
    end
    if (ctx_now != ctx_seen) begin
      state_toggle <= !state_toggle;
      ctx_seen     <= ctx_now;
    end
    if (wr_valid) begin
      csr_toggle <= !csr_toggle;
      csr_addr   <= wr_addr;
      csr_data   <= wr_data;
      for (int b = 0; b < 4; b++) csr_strobe[b] <= wr_bits[8*b];
    end
    if (unit_probe && |done) begin
      unit_toggle <= !unit_toggle;
      unit_done   <= done;
    end
  end

  // ---- hangs
  // cycles without progress, beside the longest batch timeout that a waiting request has; 0: not watched
  int unsigned hang_limit = 0;
  logic stuck;  // rises once
  logic [1:0] stuck_who;  // 0 inference, 1 training
  logic stuck_catch;  // stuck is about to rise: what is seen now is kept
  logic [SERVICES-1:0][15:0] stuck_level;
  logic [SERVICES-1:0][31:0] stuck_timeout;
  logic [31:0] stuck_free;  // payload slots
  logic [CTX-1:0][UNITS-1:0][16:0] stuck_pc;
  // 0 stream over or none, 1 fetches, 2 waits for semaphores, 3 for its unit
  logic [CTX-1:0][UNITS-1:0][1:0] stuck_head;
  logic [CTX-1:0][UNITS-1:0][15:0] stuck_lacks;  // semaphores that the head waits for
  logic [CTX-1:0][15:0][3:0] stuck_sem;
  logic [UNITS-1:0][CTX-1:0] stuck_quiet;
  logic [1:0] stuck_stream;  // request stream: valid, ready

  localparam logic [31:0] ENDLESS = 32'd1 << 24;  // a batch timeout from here on is none
  logic [CTX-1:0] ctx_works, ctx_moves;
  logic [31:0] longest;
  logic        queued;
  always_comb begin
    longest = '0;
    queued  = 1'b0;  // requests that need no other to go
    for (int unsigned s = 0; s < SERVICES; s++)
    if (svc[s].enable && level[s] != '0) begin
      queued |= level[s] >= 16'(svc[s].batch) || svc[s].timeout < ENDLESS;
      if (svc[s].timeout > longest && svc[s].timeout < ENDLESS) longest = svc[s].timeout;
    end
    ctx_moves = '0;
    for (int unsigned c = 0; c < CTX; c++) begin
      ctx_works[c] = ctx_sts[c].state != eqx_pkg::CTX_IDLE && ctx_sts[c].state != eqx_pkg::CTX_ERROR;
      for (int unsigned u = 0; u < UNITS; u++) ctx_moves[c] |= busy[u][c] || issue[u][c] || done[u][c];
    end
  end
  hang_watch u_hang_watch (
      .clk_i,
      .rst_ni,
      .limit_i((hang_limit == 0) ? 32'd0 : hang_limit + longest),
      .excused_i,
      .waits_i({
        |(ctx_works & ~INF_MASK) && mode != eqx_pkg::MODE_INF_ONLY,
        (req_valid && accept_en) || queued || |(ctx_works & INF_MASK) || ans_valid
      }),
      .moves_i({
        |(ctx_moves & ~INF_MASK) || dram_moves || ctx_now != ctx_seen,
        |(ctx_moves & INF_MASK) || (req_valid && req_ready) || row_valid || rsp_moves
      }),
      .stuck_o(stuck),
      .who_o(stuck_who),
      .catch_o(stuck_catch)
  );
  always_ff @(posedge clk_i)
    if (stuck_catch) begin
      stuck_level <= level;
      for (int unsigned s = 0; s < SERVICES; s++) stuck_timeout[s] <= svc[s].timeout;
      stuck_free   <= free_slots;
      stuck_quiet  <= quiet;
      stuck_stream <= {req_valid, req_ready};
      stuck_pc     <= pc;
      stuck_sem    <= sem;
      for (int unsigned c = 0; c < CTX; c++)
      for (int unsigned u = 0; u < UNITS; u++) begin
        stuck_head[c][u]  <= !head_valid[c][u] ? {1'b0, fetch_wait[u][c]} : {1'b1, !dep_wait[u][c]};
        stuck_lacks[c][u] <= head_waits[c][u] & ~nonzero[c];
      end
    end
endmodule
