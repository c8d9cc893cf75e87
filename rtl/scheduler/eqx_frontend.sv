// Front end: instruction memories, fetch, semaphores, the life of contexts (see docs/scheduler.md).
// Contexts 0..C_INF-1 run batches, C_INF..CTX-1 run training programs on command.
// Latency: last row of a batch, or start command, in cycle t: first instructions offered from t+3 (t+1 running, fetch).
// Cuts: kill, env, iter and inference's instr of unit_req_o, and rsp_*, come from registers, training's instr from the
// output of a memory; instr_valid from registers through a semaphore test. instr_ready of training passes to the fetch.
// Index order of all unit ports: [unit][context], unit as eqx_isa_pkg::unit_e.
module eqx_frontend #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF,
    localparam int unsigned SERVICES = CFG.SERVICES,
    localparam int unsigned RX_SLOTS = CFG.RX_SLOTS
) (
    input logic clk_i,
    input logic rst_ni,
    // instruction memories, write port
    input logic imem_we_i,
    input logic [1:0] imem_unit_i,
    input logic [15:0] imem_addr_i,
    // verilator lint_off UNUSEDSIGNAL
    input logic [eqx_isa_pkg::INSTR_BITS-1:0] imem_wdata_i,  // no unit has the highest bits
    // verilator lint_on UNUSEDSIGNAL
    // settings, commands, status
    input eqx_pkg::svc_cfg_t [SERVICES-1:0] svc_i,
    input eqx_pkg::ctx_cfg_t [CTX-1:0] ctx_cfg_i,
    input eqx_pkg::ctx_cmd_t [CTX-1:0] ctx_cmd_i,
    output eqx_pkg::ctx_sts_t [CTX-1:0] ctx_sts_o,
    // batches, from the request dispatcher
    output logic [C_INF-1:0] ctx_idle_o,
    input logic row_valid_i,
    input eqx_pkg::batch_row_t row_i,
    output logic [RX_SLOTS-1:0] free_mask_o,
    output logic any_late_o,  // a batch at work has a request that is older than its timeout
    // batches, to the responder
    output logic [C_INF-1:0] rsp_open_o,  // pulse: the context holds a batch from now on
    output logic [C_INF-1:0] rsp_valid_o,  // the batch is to be answered
    output eqx_pkg::batch_end_t [C_INF-1:0] rsp_o,  // svc is valid from rsp_open_o on
    input logic [C_INF-1:0] rsp_done_i,
    // payload slots of each row, for the VPU
    output logic [C_INF-1:0][N-1:0][CFG.SLOTW-1:0] row_slot_o,
    // units
    output eqx_pkg::unit_req_t [3:0][CTX-1:0] unit_req_o,
    // verilator lint_off UNUSEDSIGNAL
    input eqx_pkg::unit_rsp_t [3:0][CTX-1:0] unit_rsp_i,  // busy is counted elsewhere
    // verilator lint_on UNUSEDSIGNAL
    // observation
    output logic [3:0][CTX-1:0] dep_wait_o,  // an instruction waits for a semaphore
    output logic [3:0][CTX-1:0] fetch_wait_o  // the stream runs, but has no instruction yet
);
  // More contexts than the registers have room for are no matter here.
  eqx_param_check #(
      .UNIT("frontend"),
      .N(N),
      .C_INF(C_INF),
      .SERVICES(SERVICES),
      .IMEM_DEPTH(CFG.IMEM_DEPTH),
      .RX_SLOTS(RX_SLOTS)
  ) u_check ();

  localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1;

  // What runs in each context.
  logic [CTX-1:0] run, init;
  /* verilator lint_off UNUSEDSIGNAL */  // training contexts do not respond
  logic [CTX-1:0] respond, ok, free;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [CTX-1:0] row_here, load;  // load: the first row
  logic [  CTX-1:0][   31:0]       limit;
  logic [  CTX-1:0][    3:0]       pc_valid;
  logic [C_INF-1:0]                late;
  logic [  CTX-1:0][    3:0][15:0] pc;
  logic [  CTX-1:0][   15:0][ 3:0] sem_init;

  // Streams, [unit][context].
  /* verilator lint_off UNUSEDSIGNAL */  // only training contexts count them
  logic [      3:0][CTX-1:0][31:0] iters;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [3:0][CTX-1:0] ended, range_err, nop, nop_step;
  logic [3:0][CTX-1:0][15:0] take, nop_signal;
  logic              [  CTX-1:0][        15:0] nonzero;
  logic              [  CTX-1:0][        15:0] iter_mod;
  eqx_pkg::ctx_env_t [  CTX-1:0]               env;
  logic              [  CTX-1:0]               kill;

  eqx_pkg::svc_cfg_t                           row_svc;
  logic              [C_INF-1:0][RX_SLOTS-1:0] free_mask;
  logic              [     31:0]               row_left;
  assign row_svc  = svc_i[row_i.svc[VW-1:0]];
  assign row_left = (row_svc.timeout > row_i.age) ? row_svc.timeout - row_i.age : '0;
  always_comb begin
    free_mask_o = '0;
    for (int unsigned c = 0; c < C_INF; c++) free_mask_o = free_mask_o | free_mask[c];
  end

  assign any_late_o = |late;

  for (genvar u = 0; u < 4; u++) begin : g_unit
    logic [CTX-1:0] u_valid, u_ready;
    logic [CTX-1:0][15:0] u_base;
    for (genvar c = 0; c < CTX; c++) begin : g_ctx
      assign u_valid[c] = pc_valid[c][u];
      assign u_base[c]  = pc[c][u];
      assign u_ready[c] = unit_rsp_i[u][c].instr_ready;
    end
    eqx_unit_front #(
        .CTX       (CTX),
        .C_INF     (C_INF),
        .IMEM_DEPTH(CFG.IMEM_DEPTH),
        .IB        (eqx_isa_pkg::UNIT_BITS[u])
    ) u_front (
        .clk_i,
        .rst_ni,
        .imem_we_i    (imem_we_i && imem_unit_i == 2'(u)),
        .imem_addr_i,
        .imem_wdata_i (imem_wdata_i[eqx_isa_pkg::UNIT_BITS[u]-1:0]),
        .run_i        (run),
        .valid_i      (u_valid),
        .load_i       (load),
        .base_i       (u_base),
        .limit_i      (limit),
        .iter_mod_i   (iter_mod),
        .iters_o      (iters[u]),
        .ended_o      (ended[u]),
        .range_err_o  (range_err[u]),
        .sem_i        (nonzero),
        .take_o       (take[u]),
        .nop_o        (nop[u]),
        .nop_signal_o (nop_signal[u]),
        .nop_step_o   (nop_step[u]),
        .kill_i       (kill),
        .env_i        (env),
        .unit_req_o   (unit_req_o[u]),
        .instr_ready_i(u_ready),
        .dep_wait_o   (dep_wait_o[u]),
        .fetch_wait_o (fetch_wait_o[u])
    );
  end

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    logic [3:0] c_ended, c_quiet, c_done, c_step, c_nop, c_nop_step, c_err, c_range;
    logic [3:0][15:0] c_take, c_signal, c_nop_signal;
    logic [3:0][3:0] c_cause;
    logic overflow, rsp_done;
    logic [1:0] overflow_unit;
    for (genvar u = 0; u < 4; u++) begin : g_unit
      assign c_ended[u]      = ended[u][c];
      assign c_quiet[u]      = unit_rsp_i[u][c].quiet;
      assign c_done[u]       = unit_rsp_i[u][c].done_valid;
      assign c_signal[u]     = unit_rsp_i[u][c].done_signal;
      assign c_step[u]       = unit_rsp_i[u][c].done_valid && unit_rsp_i[u][c].done_step;
      assign c_nop[u]        = nop[u][c];
      assign c_nop_signal[u] = nop_signal[u][c];
      assign c_nop_step[u]   = nop[u][c] && nop_step[u][c];
      assign c_take[u]       = take[u][c];
      assign c_err[u]        = unit_rsp_i[u][c].err_valid;
      assign c_cause[u]      = unit_rsp_i[u][c].err_cause;
      assign c_range[u]      = range_err[u][c];
    end

    eqx_semaphores u_sem (
        .clk_i,
        .rst_ni,
        .init_i         (init[c]),
        .init_val_i     (sem_init[c]),
        .take_i         (c_take),
        .done_i         (c_done),
        .done_signal_i  (c_signal),
        .nop_i          (c_nop),
        .nop_signal_i   (c_nop_signal),
        .nonzero_o      (nonzero[c]),
        .overflow_o     (overflow),
        .overflow_unit_o(overflow_unit)
    );
    eqx_ctx_control #(
        .INFERENCE(c < C_INF)
    ) u_control (
        .clk_i,
        .rst_ni,
        .start_i        (ctx_cmd_i[c].start),
        .kill_i         (ctx_cmd_i[c].kill),
        .clear_i        (ctx_cmd_i[c].clear),
        .sts_o          (ctx_sts_o[c]),
        .row_i          (row_here[c]),
        .row_last_i     (row_i.last),
        .respond_o      (respond[c]),
        .ok_o           (ok[c]),
        .free_o         (free[c]),
        .rsp_done_i     (rsp_done),
        .init_o         (init[c]),
        .run_o          (run[c]),
        .kill_o         (kill[c]),
        .ended_i        (c_ended),
        .quiet_i        (c_quiet),
        .step_i         (c_step),
        .nop_step_i     (c_nop_step),
        .err_i          (c_err),
        .err_cause_i    (c_cause),
        .overflow_i     (overflow),
        .overflow_unit_i(overflow_unit),
        .range_err_i    (c_range)
    );

    if (c < C_INF) begin : g_inf
      logic old;
      logic [7:0] svc, rows, tx_lines;
      logic [15:0] w_base, c_base;
      eqx_batch_store #(
          .N       (N),
          .RX_SLOTS(RX_SLOTS)
      ) u_batch (
          .clk_i,
          .rst_ni,
          .row_valid_i(row_here[c]),
          .row_i,
          .svc_i      (row_svc),
          .left_i     (row_left),
          .free_i     (free[c]),
          .free_mask_o(free_mask[c]),
          .late_o     (old),
          .open_o     (rsp_open_o[c]),
          .svc_o      (svc),
          .rows_o     (rows),
          .tx_lines_o (tx_lines),
          .pc_valid_o (pc_valid[c]),
          .w_base_o   (w_base),
          .c_base_o   (c_base),
          .slot_o     (row_slot_o[c])
      );
      assign late[c] = old && (ctx_sts_o[c].state == eqx_pkg::CTX_LOADING || run[c]);
      assign row_here[c] = row_valid_i && row_i.ctx == 8'(c);
      assign load[c] = row_here[c] && row_i.row == '0;
      assign pc[c] = row_svc.pc;
      assign rsp_done = rsp_done_i[c];
      assign ctx_idle_o[c] = ctx_sts_o[c].state == eqx_pkg::CTX_IDLE;
      assign rsp_valid_o[c] = respond[c];
      assign rsp_o[c] = '{
              status: ok[c] ? eqx_isa_pkg::STATUS_OK : eqx_isa_pkg::STATUS_CTX_ERROR,
              svc: svc,
              rows: rows,
              tx_lines: tx_lines
          };
      assign limit[c] = 32'd1;
      assign sem_init[c] = '0;
      assign iter_mod[c] = 16'd1;
      assign env[c] = '{
              rows: rows,
              vec_base: ctx_cfg_i[c].vec_base,
              acc_base: ctx_cfg_i[c].acc_base,
              actc_base: ctx_cfg_i[c].actc_base,
              w_base: w_base,
              c_base: c_base,
              dram_base: ctx_cfg_i[c].dram_base
          };
    end else begin : g_trn
      logic [3:0][31:0] c_iters;
      for (genvar u = 0; u < 4; u++) begin : g_iters
        assign c_iters[u] = iters[u][c];
      end
      eqx_iter_limit u_limit (
          .clk_i,
          .rst_ni,
          .start_i       (init[c]),
          .iters_i       (ctx_cfg_i[c].iters),
          .drain_i       (ctx_cmd_i[c].drain),
          .stream_iters_i(c_iters),
          .limit_o       (limit[c])
      );
      assign row_here[c] = 1'b0;
      assign load[c] = 1'b0;
      assign rsp_done = 1'b0;
      assign pc_valid[c] = ctx_cfg_i[c].pc_valid;
      assign pc[c] = ctx_cfg_i[c].pc;
      assign sem_init[c] = ctx_cfg_i[c].sem_init;
      assign iter_mod[c] = ctx_cfg_i[c].iter_mod;
      assign env[c] = '{
              rows: '0,
              vec_base: ctx_cfg_i[c].vec_base,
              acc_base: ctx_cfg_i[c].acc_base,
              actc_base: ctx_cfg_i[c].actc_base,
              w_base: ctx_cfg_i[c].w_base,
              c_base: ctx_cfg_i[c].c_base,
              dram_base: ctx_cfg_i[c].dram_base
          };
    end
  end

  eqx_frontend_checks #(
      .CTX(CTX)
  ) u_checks (
      .clk_i,
      .rst_ni,
      .unit_req_i(unit_req_o),
      .unit_rsp_i
  );
endmodule
