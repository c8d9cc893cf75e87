// Bench of the front end: clock, settings and inputs as flat vectors, one sampled vector with all outputs.
module tb_frontend #(
    parameter int unsigned CTX        = 3,
    parameter int unsigned C_INF      = 2,
    parameter int unsigned N          = 8,
    parameter int unsigned SERVICES   = 4,
    parameter int unsigned IMEM_DEPTH = 512,
    parameter int unsigned RX_SLOTS   = 64
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N), .C_INF(C_INF), .C_TRN(CTX - C_INF), .SERVICES(SERVICES), .IMEM_DEPTH(IMEM_DEPTH), .RX_SLOTS(RX_SLOTS)
  );
  localparam int unsigned SW = $clog2(RX_SLOTS);
  localparam int unsigned IB = eqx_isa_pkg::INSTR_BITS;

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );

  // Instruction memory: {write, unit, address, word}.
  logic [IB+18:0] imem = '0;

  // Settings.
  logic [SERVICES-1:0][3:0] svc_pc_valid = '0;
  logic [SERVICES-1:0][3:0][15:0] svc_pc = '0;
  logic [SERVICES-1:0][39:0] svc_rest = '0;  // {tx_lines, c_base, w_base}
  logic [CTX-1:0][3:0] ctx_pc_valid = '0;
  logic [SERVICES-1:0][31:0] svc_timeout = '0;
  logic [CTX-1:0][3:0][15:0] ctx_pc = '0;
  logic [CTX-1:0][31:0] ctx_iters = '0;
  logic [CTX-1:0][15:0] ctx_iter_mod = '0;
  logic [CTX-1:0][15:0][3:0] ctx_sem = '0;
  logic [CTX-1:0][111:0] ctx_rest = '0;  // {dram_base, c_base, w_base, actc_base, acc_base, vec_base}

  eqx_pkg::svc_cfg_t [SERVICES-1:0] svc;
  eqx_pkg::ctx_cfg_t [CTX-1:0] cfg;
  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    assign svc[s] = '{
            enable: 1'b1,
            pc_valid: svc_pc_valid[s],
            pc: svc_pc[s],
            w_base: svc_rest[s][15:0],
            c_base: svc_rest[s][31:16],
            batch: 8'(N),
            timeout: svc_timeout[s],
            threshold: '0,
            rx_lines: 8'd1,
            tx_lines: svc_rest[s][39:32]
        };
  end
  for (genvar c = 0; c < CTX; c++) begin : g_cfg
    assign cfg[c] = '{
            vec_base: ctx_rest[c][15:0],
            acc_base: ctx_rest[c][31:16],
            actc_base: ctx_rest[c][47:32],
            w_base: ctx_rest[c][63:48],
            c_base: ctx_rest[c][79:64],
            dram_base: ctx_rest[c][111:80],
            pc_valid: ctx_pc_valid[c],
            pc: ctx_pc[c],
            iters: ctx_iters[c],
            iter_mod: ctx_iter_mod[c],
            sem_init: ctx_sem[c]
        };
  end

  // Inputs of a cycle.
  localparam int unsigned ROW_BITS = $bits(eqx_pkg::batch_row_t);
  logic [   CTX-1:0][3:0] cmd = '0;
  logic [ROW_BITS:0]      row = '0;  // {valid, row}
  logic [ C_INF-1:0]      rsp_done = '0;
  logic [3:0][CTX-1:0] ready = '0, quiet = '1, done = '0, step = '0, err = '0;
  logic              [    3:0][CTX-1:0][15:0] done_signal = '0;
  logic              [    3:0][CTX-1:0][ 3:0] err_cause = '0;

  // Outputs.
  eqx_pkg::ctx_sts_t [CTX-1:0]                sts;
  logic [C_INF-1:0] idle, rsp_open, rsp_valid;
  logic                [RX_SLOTS-1:0]                free_mask;
  eqx_pkg::batch_end_t [   C_INF-1:0]                rsp;
  logic                [   C_INF-1:0][N-1:0][SW-1:0] row_slot;
  logic                                              late;
  logic [3:0][CTX-1:0] instr_valid, dep_wait, fetch_wait;
  logic               [    3:0][CTX-1:0][IB-1:0] instr;
  logic               [    3:0][CTX-1:0][  15:0] iter;
  eqx_pkg::ctx_env_t  [CTX-1:0]                  env;
  logic               [CTX-1:0]                  kill;

  // The unit interface, taken apart.
  eqx_pkg::unit_req_t [    3:0][CTX-1:0]         unit_req;
  eqx_pkg::unit_rsp_t [    3:0][CTX-1:0]         unit_rsp;
  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    assign env[c]  = unit_req[0][c].env;
    assign kill[c] = unit_req[0][c].kill;
    for (genvar u = 0; u < 4; u++) begin : g_unit
      assign instr_valid[u][c] = unit_req[u][c].instr_valid;
      assign instr[u][c] = unit_req[u][c].instr;
      assign iter[u][c] = unit_req[u][c].iter;
      assign unit_rsp[u][c] = '{
              instr_ready: ready[u][c],
              quiet: quiet[u][c],
              done_valid: done[u][c],
              done_signal: done_signal[u][c],
              done_step: step[u][c],
              err_valid: err[u][c],
              err_cause: err_cause[u][c],
              busy: 1'b0
          };
      a_same_told :
      assert property (@(posedge clk) disable iff (!live)
          {unit_req[u][c].kill, unit_req[u][c].env} == {kill[c], env[c]})
      else $error("context %0d: unit %0d is told another kill or environment than unit 0", c, u);
      c_same_told :
      cover property (@(posedge clk) disable iff (!live) unit_req[u][c].kill && unit_req[u][c].env != '0);
    end
  end

  eqx_frontend #(
      .CFG(CFG)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .imem_we_i(imem[IB+18]),
      .imem_unit_i(imem[IB+17:IB+16]),
      .imem_addr_i(imem[IB+15:IB]),
      .imem_wdata_i(imem[IB-1:0]),
      .svc_i(svc),
      .ctx_cfg_i(cfg),
      .ctx_cmd_i(cmd),
      .ctx_sts_o(sts),
      .ctx_idle_o(idle),
      .row_valid_i(row[ROW_BITS]),
      .row_i(row[ROW_BITS-1:0]),
      .free_mask_o(free_mask),
      .any_late_o(late),
      .rsp_open_o(rsp_open),
      .rsp_valid_o(rsp_valid),
      .rsp_o(rsp),
      .rsp_done_i(rsp_done),
      .row_slot_o(row_slot),
      .unit_req_o(unit_req),
      .unit_rsp_i(unit_rsp),
      .dep_wait_o(dep_wait),
      .fetch_wait_o(fetch_wait)
  );

  // An instruction word as the exclusive or of its 32-bit words.
  logic [3:0][CTX-1:0][31:0] fold;
  always_comb begin
    fold = '0;
    for (int u = 0; u < 4; u++)
    for (int c = 0; c < CTX; c++)
    if (instr_valid[u][c]) for (int w = 0; w < IB / 32; w++) fold[u][c] ^= instr[u][c][32*w+:32];
  end

  // What Python reads: sampled at the rising edge.
  localparam int unsigned MON_BITS = $bits(sts) + 1 + 3 * C_INF + RX_SLOTS + 4 * CTX * 3 + CTX + 4 * CTX * 48;
  logic                [MON_BITS-1:0]                mon_q;
  logic                [   C_INF-1:0][N-1:0][SW-1:0] row_slot_q;
  eqx_pkg::batch_end_t [   C_INF-1:0]                rsp_q;
  eqx_pkg::ctx_env_t   [     CTX-1:0]                env_q;
  always_ff @(posedge clk) begin
    mon_q <= {late, iter, fold, free_mask, rsp_valid, rsp_open, idle, kill, fetch_wait, dep_wait, instr_valid, sts};
    row_slot_q <= row_slot;
    rsp_q <= rsp;
    env_q <= env;
  end

  // The handshake law, unless the context is stopped: an instruction stays until it is taken. Of a training context it
  // may go for a while, as its word is at the memory's output; what comes then is the same.
  logic [3:0][CTX-1:0]         wait_q = '0;
  logic [3:0][CTX-1:0][IB-1:0] instr_q;
  always_ff @(posedge clk) begin
    for (int u = 0; u < 4; u++)
    for (int c = 0; c < CTX; c++) begin
      wait_q[u][c] <= rst_n && !kill[c] && (instr_valid[u][c] ? !ready[u][c] : c >= C_INF && wait_q[u][c]);
      if (instr_valid[u][c]) instr_q[u][c] <= instr[u][c];
      c_withdrawn : cover (rst_n && wait_q[u][c] && !kill[c]);
      a_withdrawn :
      assert (!(live && wait_q[u][c] && !kill[c]) || (instr_valid[u][c] ? instr[u][c] == instr_q[u][c] : c >= C_INF))
      else $error("instruction withdrawn");
    end
  end
endmodule
