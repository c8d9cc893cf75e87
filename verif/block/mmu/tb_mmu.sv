// Bench of the MMU: memories filled from files, an instruction feeder a context, a log of all events, and a check that
// the last line of an instruction is in the accumulator in the cycle after its completion.
module tb_mmu #(
    parameter int unsigned N = 4,
    parameter int unsigned M = 1,
    parameter int unsigned W = 2,
    parameter int unsigned CTX = 4,
    parameter int unsigned C_INF = 2,
    parameter int unsigned ACTC_DEPTH = 512,
    parameter int unsigned ACTD_DEPTH = 384,
    parameter int unsigned WGTC_DEPTH = 256,
    parameter int unsigned WGTD_DEPTH = 512,
    parameter int unsigned ACC_DEPTH = 512
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N),
      .M(M),
      .W(W),
      .C_INF(C_INF),
      .C_TRN(CTX - C_INF),
      .ACTC_DEPTH(ACTC_DEPTH),
      .ACTD_DEPTH(ACTD_DEPTH),
      .WGTC_DEPTH(WGTC_DEPTH),
      .WGTD_DEPTH(WGTD_DEPTH),
      .ACC_DEPTH(ACC_DEPTH)
  );
  localparam int unsigned K = N * W;
  localparam int unsigned L = N * M;
  localparam int unsigned BW = 8 * K + 8;
  localparam int unsigned PROG = 512;  // instructions a context
  localparam int unsigned EVENTS = 1 << 20;
  localparam int unsigned ENV = $bits(eqx_pkg::ctx_env_t);
  localparam int unsigned INSTR = eqx_isa_pkg::INSTR_BITS;

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );

  // ---- controlled by Python
  logic [CTX-1:0][ENV-1:0] env = '0;
  logic [1:0] mode_fix = eqx_pkg::MODE_PRIO;
  logic mode_rand = 1'b0;
  logic [5:0] kill_wait = '0;  // cycles from an error to the kill that answers it
  logic [11:0] train_rows = 12'd8;
  logic [CTX-1:0] kill_req = '0;
  logic [CTX-1:0][15:0] prog_len = '0;  // feeding runs from the present place up to here
  logic load_go = 1'b0, prog_go = 1'b0, dump_go = 1'b0, log_go = 1'b0;
  logic dump_done = 1'b0;
  logic run = 1'b0;

  // ---- memories
  logic [BW-1:0] actc_mem[ACTC_DEPTH], actd_mem[ACTD_DEPTH];
  logic [M*BW-1:0] wgtc_mem[WGTC_DEPTH/M], wgtd_mem[WGTD_DEPTH/M];
  logic        [INSTR+15:0] prog_mem  [ CTX*PROG];  // {gap before it is offered, instruction}
  logic        [ 32*L+31:0] chk_mem   [ CTX*PROG];  // {check it, 15'b0, line, value}
  logic        [  ENV+12:0] set_mem   [ CTX*PROG];  // {offer it to a quiet context, train_rows, environment}
  logic        [  32*L-1:0] dump_mem  [ACC_DEPTH];
  logic        [      63:0] log_mem   [   EVENTS];
  int unsigned              log_n = 0;

  always @(load_go)
    if (load_go) begin
      $readmemh("actc.hex", actc_mem);
      $readmemh("actd.hex", actd_mem);
      $readmemh("wgtc.hex", wgtc_mem);
      $readmemh("wgtd.hex", wgtd_mem);
    end
  always @(prog_go)
    if (prog_go) begin
      $readmemh("prog.hex", prog_mem);
      $readmemh("chk.hex", chk_mem);
      $readmemh("set.hex", set_mem);
    end
  always @(log_go) if (log_go) $writememh("log.hex", log_mem, 0, log_n == 0 ? 0 : log_n - 1);

  // ---- DUT
  logic [CTX-1:0] instr_valid, instr_ready, kill, quiet, done_valid, done_step, err_valid, busy;
  logic [CTX-1:0][INSTR-1:0] instr;
  logic [CTX-1:0][15:0] done_signal;
  logic [CTX-1:0][3:0] err_cause;
  eqx_pkg::stall_e stall;
  eqx_pkg::mode_e mode;
  logic actc_re, actd_re, wgtc_re, wgtd_re, acc_re;
  logic [15:0] actc_raddr, actd_raddr, wgtc_raddr, wgtd_raddr, acc_raddr;
  logic [BW-1:0] actc_rdata, actd_rdata;
  logic [M-1:0][BW-1:0] wgtc_rdata, wgtd_rdata;
  logic [32*L-1:0] acc_rdata;

  // The unit interface, taken apart.
  eqx_pkg::unit_req_t [CTX-1:0] unit_req;
  eqx_pkg::unit_rsp_t [CTX-1:0] unit_rsp;
  for (genvar c = 0; c < CTX; c++) begin : g_unit
    assign unit_req[c] = '{kill: kill[c], env: env_q[c], instr_valid: instr_valid[c], iter: '0, instr: instr[c]};
    assign instr_ready[c] = unit_rsp[c].instr_ready;
    assign quiet[c] = unit_rsp[c].quiet;
    assign done_valid[c] = unit_rsp[c].done_valid;
    assign done_signal[c] = unit_rsp[c].done_signal;
    assign done_step[c] = unit_rsp[c].done_step;
    assign err_valid[c] = unit_rsp[c].err_valid;
    assign err_cause[c] = unit_rsp[c].err_cause;
    assign busy[c] = unit_rsp[c].busy;
  end

  eqx_mmu #(
      .CFG(CFG)
  ) u_mmu (
      .clk_i(clk),
      .rst_ni(rst_n),
      .unit_req_i(unit_req),
      .unit_rsp_o(unit_rsp),
      .mode_i(mode),
      .stall_o(stall),
      .train_rows_i(train_rows_q),
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

  // Data are there for one cycle only; then junk.
  always_ff @(posedge clk) begin
    actc_rdata <= actc_re ? actc_mem[actc_raddr] : ~actc_rdata;
    actd_rdata <= actd_re ? actd_mem[actd_raddr] : ~actd_rdata;
    wgtc_rdata <= wgtc_re ? wgtc_mem[wgtc_raddr] : ~wgtc_rdata;
    wgtd_rdata <= wgtd_re ? wgtd_mem[wgtd_raddr] : ~wgtd_rdata;
  end
  a_actc :
  assert property (@(posedge clk) disable iff (!live) actc_re |-> 32'(actc_raddr) < ACTC_DEPTH);
  c_actc :
  cover property (@(posedge clk) disable iff (!live) actc_re);
  a_actd :
  assert property (@(posedge clk) disable iff (!live) actd_re |-> 32'(actd_raddr) < ACTD_DEPTH);
  c_actd :
  cover property (@(posedge clk) disable iff (!live) actd_re);
  a_wgtc :
  assert property (@(posedge clk) disable iff (!live) wgtc_re |-> 32'(wgtc_raddr) < WGTC_DEPTH / M);
  c_wgtc :
  cover property (@(posedge clk) disable iff (!live) wgtc_re);
  a_wgtd :
  assert property (@(posedge clk) disable iff (!live) wgtd_re |-> 32'(wgtd_raddr) < WGTD_DEPTH / M);
  c_wgtd :
  cover property (@(posedge clk) disable iff (!live) wgtd_re);
  a_busy :
  assert property (@(posedge clk) disable iff (!live) $onehot0(busy));
  c_busy :
  cover property (@(posedge clk) disable iff (!live) busy != '0);
  a_one_space :
  assert property (@(posedge clk) disable iff (!live) !(wgtc_re && wgtd_re) && !(actc_re && actd_re));
  c_one_space :
  cover property (@(posedge clk) disable iff (!live) (wgtc_re || wgtd_re) && (actc_re || actd_re));
  for (genvar c = 0; c < CTX; c++) begin : g_law
    a_quiet :
    assert property (@(posedge clk) disable iff (!live) quiet[c] |-> !busy[c] && !done_valid[c] && !err_valid[c]);
    c_quiet :
    cover property (@(posedge clk) disable iff (!live) quiet[c]);
    a_kill :
    assert property (@(posedge clk) disable iff (!live) kill[c] |-> !instr_ready[c] && !err_valid[c] && !busy[c]);
    c_kill :
    cover property (@(posedge clk) disable iff (!live) kill[c]);
  end

  // ---- feeders; an error is answered with kill until the context is quiet
  // An instruction that is alone is offered once its context is quiet, with an environment and train_rows of its own:
  // the contract keeps both stable while a context runs. Unlike others it is not left out after an error before it.
  logic [CTX-1:0][15:0] place;
  logic [CTX-1:0] alone, settled;
  logic [CTX-1:0][ENV-1:0] env_q;
  logic [11:0] train_rows_q;
  logic [CTX-1:0][15:0] gap;
  logic [CTX-1:0] kill_auto;
  logic [CTX-1:0][5:0] kill_in;  // cycles to that kill
  logic [63:0] cycle;
  assign kill = kill_req | kill_auto;
  always_comb
    for (int c = 0; c < CTX; c++) begin
      alone[c] = place[c] != prog_len[c] && set_mem[c*PROG+32'(place[c])][ENV+12];
      instr_valid[c] = run && place[c] != prog_len[c] && gap[c] == '0 && !kill[c] && (!alone[c] || settled[c]);
      instr[c] = instr_valid[c] ? prog_mem[c*PROG+32'(place[c])][INSTR-1:0] : {INSTR{cycle[0]}};
    end
  always_ff @(posedge clk or negedge rst_n)
    if (!rst_n) begin
      cycle <= '0;
      place <= '0;
      gap <= '0;
      kill_auto <= '0;
      kill_in <= '0;
      settled <= '0;
      mode <= eqx_pkg::MODE_PRIO;
    end else begin
      cycle <= cycle + 1;
      if (!mode_rand) mode <= eqx_pkg::mode_e'(mode_fix);
      else if ($urandom_range(31) == 0) mode <= eqx_pkg::mode_e'(2'($urandom_range(2)));
      for (int c = 0; c < CTX; c++) begin
        if (kill_in[c] != '0) kill_in[c] <= kill_in[c] - 1'b1;
        if (err_valid[c] && kill_wait != '0) kill_in[c] <= kill_wait;
        else if (err_valid[c] || kill_in[c] == 6'd1) kill_auto[c] <= 1'b1;
        else if (kill_auto[c] && quiet[c]) kill_auto[c] <= 1'b0;
        if (!run) begin
          env_q[c] <= env[c];
          train_rows_q <= train_rows;
        end else if (alone[c] && quiet[c] && !kill[c] && !settled[c]) begin
          env_q[c]   <= set_mem[c*PROG+32'(place[c])][ENV-1:0];
          settled[c] <= 1'b1;
          if (c >= C_INF) train_rows_q <= set_mem[c*PROG+32'(place[c])][ENV+:12];
        end else if (instr_valid[c] && instr_ready[c]) settled[c] <= 1'b0;
        if (!run) gap[c] <= prog_mem[c*PROG][INSTR+15:INSTR];
        else if (kill[c] && !alone[c]) begin
          place[c] <= prog_len[c];
          gap[c]   <= '0;
        end else if (gap[c] != '0) gap[c] <= gap[c] - 1;
        else if (instr_valid[c] && instr_ready[c]) begin
          place[c] <= place[c] + 1;
          gap[c]   <= prog_mem[c*PROG+(32'(place[c])+1)%PROG][INSTR+15:INSTR];
        end
      end
    end
  logic all_fed, finished;
  always_comb begin
    all_fed = 1'b1;
    for (int c = 0; c < CTX; c++) all_fed &= place[c] == prog_len[c];
  end
  assign finished = run && all_fed && (&quiet) && kill_auto == '0 && kill_in == '0;

  // ---- completed instructions: their last line, read in the next cycle
  logic [CTX-1:0][15:0] completed;
  logic look1, look2;
  int unsigned look_at, look_at2;
  int unsigned looked = 0;
  int unsigned dump_addr;
  logic dumping = 1'b0;
  assign acc_re = look1 || dumping;
  assign acc_raddr = dumping ? 16'(dump_addr) : 16'(chk_mem[look_at][32*L+15:32*L]);
  always_ff @(posedge clk or negedge rst_n)
    if (!rst_n) begin
      completed <= '0;
      look1 <= 1'b0;
      look2 <= 1'b0;
    end else begin
      look1 <= |done_valid;
      look2 <= look1 && chk_mem[look_at][32*L+31];
      look_at2 <= look_at;
      for (int c = 0; c < CTX; c++) begin
        if (done_valid[c]) begin
          look_at <= c * PROG + 32'(completed[c]);
          completed[c] <= completed[c] + 1;
        end
        if (kill[c] && quiet[c]) completed[c] <= alone[c] ? place[c] : prog_len[c];
      end
      if (look2) begin
        looked <= looked + 1;
        c_last_line : cover (1'b1);
        a_last_line :
        assert (!live || acc_rdata == chk_mem[look_at2][32*L-1:0])
        else
          $error(
              "context %0d instruction %0d: last line is 0x%h, expected 0x%h",
              look_at2 / PROG,
              look_at2 % PROG,
              acc_rdata,
              chk_mem[look_at2][32*L-1:0]
          );
      end
    end

  always @(dump_go)
    if (dump_go) begin
      for (int i = 0; i <= ACC_DEPTH; i++) begin
        @(negedge clk);  // verilog_lint: waive suspicious-semicolon
        if (i > 0) dump_mem[i-1] = acc_rdata;
        dump_addr = i;
        dumping   = i < ACC_DEPTH;
      end
      $writememh("acc.hex", dump_mem);
      dump_done = ~dump_done;
    end

  // ---- log: {kind, context, payload, cycle}; kinds: 1 instruction taken, 2 row, 3 done, 4 error, 5 mode, 6 kill up, 7
  // kill down, 8 weight line, 9 stall
  eqx_pkg::mode_e mode_q;
  logic [CTX-1:0] kill_q;
  task automatic note(input logic [7:0] kind, input logic [7:0] ctx, input logic [15:0] payload);
    if (log_n < EVENTS) log_mem[log_n] = {kind, ctx, payload, cycle[31:0]};
    log_n = log_n + 1;
  endtask
  always @(posedge clk) begin
    mode_q <= mode;
    kill_q <= kill;
    if (rst_n && run) begin
      if (mode != mode_q) note(5, 0, 16'(mode));
      for (int c = 0; c < CTX; c++) begin
        if (kill[c] && !kill_q[c]) note(6, 8'(c), 0);
        if (!kill[c] && kill_q[c]) note(7, 8'(c), 0);
        if (instr_valid[c] && instr_ready[c]) note(1, 8'(c), 16'(place[c]));
        if (busy[c]) note(2, 8'(c), actc_re ? actc_raddr : actd_raddr);
        if (done_valid[c]) note(3, 8'(c) | {7'b0, done_step[c]} << 7, done_signal[c]);
        if (err_valid[c]) note(4, 8'(c), 16'(err_cause[c]));
      end
      if (wgtc_re) note(8, 0, wgtc_raddr);
      if (wgtd_re) note(8, 1, wgtd_raddr);
      if (busy == '0 && stall != eqx_pkg::STALL_NONE) note(9, 0, 16'(stall));
    end
  end
endmodule
