// Bench of the VPU: memories (filled and dumped through files), and a front end per context that plays a list of
// instructions with gaps and barriers, kills the context after a fault or when told, and logs the time of every event.
module tb_vpu #(
    parameter int unsigned N          = 8,
    parameter int unsigned M          = 2,
    parameter int unsigned W          = 4,
    parameter int unsigned CTX        = 3,
    parameter int unsigned C_INF      = 2,
    parameter int unsigned VEC_DEPTH  = 512,
    parameter int unsigned ACC_DEPTH  = 256,
    parameter int unsigned STG_DEPTH  = 256,
    parameter int unsigned SOF_DEPTH  = 256,
    parameter int unsigned ACTC_DEPTH = 512,
    parameter int unsigned WGTC_DEPTH = 512,
    parameter int unsigned SOB_DEPTH  = 512,
    parameter int unsigned RX_SLOTS   = 16,
    parameter int unsigned RX_LINES   = 8,
    parameter int unsigned TX_LINES   = 4,
    parameter int unsigned IMAX       = 512,  // instructions a context
    parameter int unsigned MMAX       = 8192  // changes of the mode
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N),
      .M(M),
      .W(W),
      .C_INF(C_INF),
      .C_TRN(CTX - C_INF),
      .VEC_DEPTH(VEC_DEPTH),
      .ACC_DEPTH(ACC_DEPTH),
      .STG_DEPTH(STG_DEPTH),
      .SOF_DEPTH(SOF_DEPTH),
      .ACTC_DEPTH(ACTC_DEPTH),
      .WGTC_DEPTH(WGTC_DEPTH),
      .SOB_DEPTH(SOB_DEPTH),
      .RX_SLOTS(RX_SLOTS),
      .RX_LINES(RX_LINES),
      .TX_LINES(TX_LINES)
  );
  localparam int unsigned L = M * N;
  localparam int unsigned K = N * W;
  localparam int unsigned SW = $clog2(RX_SLOTS);
  localparam int unsigned RXB_DEPTH = RX_SLOTS * RX_LINES;
  localparam int unsigned TXB_DEPTH = C_INF * N * TX_LINES;

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );

  // Set by the bench
  logic go = 1'b0, load = 1'b0, dump = 1'b0;
  logic [      1:0]                                        mode = eqx_pkg::MODE_PRIO;
  logic                                                    mode_random = 1'b0;
  logic                                                    kill_random = 1'b0;
  logic [  CTX-1:0][                         15:0]         n_instr = '0;
  logic [  CTX-1:0][$bits(eqx_pkg::ctx_env_t)-1:0]         env = '0;
  logic [C_INF-1:0][                        N-1:0][SW-1:0] slots = '0;

  // Read by the bench
  logic                                                    finished;
  logic [  CTX-1:0][                         15:0]         bad_done;  // completions out of order or unexpected
  logic [31:0] cycle, first_busy, last_busy, busy_count, busy_bad, stall_bad;
  logic [CTX-1:0][31:0] lines;
  logic [CTX-1:0][31:0] kills;
  logic [   31:0]       n_modes;
  logic [31:0] in_rows, in_cols;  // inference lines amid a training block, a training tile
  logic [31:0] longest;  // wait of inference for a tile

  // ---- Lists and logs: instruction, {kill here, barrier, gap}; cycles, outcome
  logic [383:0] imem[CTX*IMAX];
  logic [31:0] ictl[CTX*IMAX];
  logic [31:0] log_issue[CTX*IMAX];
  logic [31:0] log_done[CTX*IMAX];
  logic [31:0] log_mode[MMAX];  // {cycle, new mode}
  logic [7:0] log_how[CTX*IMAX];  // 0 never issued, 1 done, 2 killed, 16 + cause: fault

  // ---- DUT
  logic [CTX-1:0] instr_valid, instr_ready, kill, quiet, done_valid, done_step, err_valid, busy;
  logic            [CTX-1:0][383:0] instr;
  logic            [CTX-1:0][ 15:0] done_signal;
  logic            [CTX-1:0][  3:0] err_cause;
  eqx_pkg::stall_e                  stall;
  logic            [    1:0]        mode_now;

  logic acc_re, stg_re, rxb_re, txb_we, sof_we, actc_we, wgtc_we, sob_we;
  logic [15:0] acc_raddr, stg_raddr, rxb_raddr, txb_waddr, sof_waddr, actc_waddr, wgtc_waddr, sob_waddr;
  logic [32*L-1:0] acc_rdata, stg_rdata, sof_wdata;
  logic [16*L-1:0] rxb_rdata, txb_wdata;
  logic [8*K+7:0] blk_wdata;

  // The unit interface, taken apart.
  eqx_pkg::unit_req_t [CTX-1:0] unit_req;
  eqx_pkg::unit_rsp_t [CTX-1:0] unit_rsp;
  for (genvar c = 0; c < CTX; c++) begin : g_unit
    assign unit_req[c] = '{kill: kill[c], env: env[c], instr_valid: instr_valid[c], iter: '0, instr: instr[c]};
    assign instr_ready[c] = unit_rsp[c].instr_ready;
    assign quiet[c] = unit_rsp[c].quiet;
    assign done_valid[c] = unit_rsp[c].done_valid;
    assign done_signal[c] = unit_rsp[c].done_signal;
    assign done_step[c] = unit_rsp[c].done_step;
    assign err_valid[c] = unit_rsp[c].err_valid;
    assign err_cause[c] = unit_rsp[c].err_cause;
    assign busy[c] = unit_rsp[c].busy;
  end

  eqx_vpu #(
      .CFG(CFG)
  ) u_vpu (
      .clk_i(clk),
      .rst_ni(rst_n),
      .unit_req_i(unit_req),
      .unit_rsp_o(unit_rsp),
      .mode_i(eqx_pkg::mode_e'(mode_now)),
      .stall_o(stall),
      .slots_i(slots),
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
      .blk_wdata_o(blk_wdata)
  );

  // ---- Memories
  logic [32*L-1:0] acc [ ACC_DEPTH];
  logic [32*L-1:0] stg [ STG_DEPTH];
  logic [32*L-1:0] sof [ SOF_DEPTH];
  logic [16*L-1:0] rxb [ RXB_DEPTH];
  logic [16*L-1:0] txb [ TXB_DEPTH];
  logic [ 8*K+7:0] actc[ACTC_DEPTH];
  logic [ 8*K+7:0] wgtc[WGTC_DEPTH];
  logic [ 8*K+7:0] sob [ SOB_DEPTH];

  always_ff @(posedge clk) begin
    if (acc_re) acc_rdata <= acc[acc_raddr];
    if (stg_re) stg_rdata <= stg[stg_raddr];
    if (rxb_re) rxb_rdata <= rxb[rxb_raddr];
    if (txb_we) txb[txb_waddr] <= txb_wdata;
    if (sof_we) sof[sof_waddr] <= sof_wdata;
    if (actc_we) actc[actc_waddr] <= blk_wdata;
    if (wgtc_we) wgtc[wgtc_waddr] <= blk_wdata;
    if (sob_we) sob[sob_waddr] <= blk_wdata;
    if (live) begin
      c_depth : cover (acc_re || stg_re || rxb_re || txb_we || sof_we || actc_we || wgtc_we || sob_we);
      a_depth :
      assert (!(acc_re && acc_raddr >= ACC_DEPTH || stg_re && stg_raddr >= STG_DEPTH || rxb_re && rxb_raddr >= RXB_DEPTH
          || txb_we && txb_waddr >= TXB_DEPTH || sof_we && sof_waddr >= SOF_DEPTH
          || actc_we && actc_waddr >= ACTC_DEPTH || wgtc_we && wgtc_waddr >= WGTC_DEPTH
          || sob_we && sob_waddr >= SOB_DEPTH))
      else $error("tb_vpu: access beyond a memory");
      c_one : cover (actc_we || wgtc_we || sob_we);
      a_one :
      assert ($countones({actc_we, wgtc_we, sob_we}) <= 1)
      else $error("tb_vpu: a block for two memories");
    end
  end

  always @(posedge load) begin
    $readmemh("vec.hex", u_vpu.u_vec.g_copy[0].u_mem.mem_q);
    $readmemh("vec.hex", u_vpu.u_vec.g_copy[1].u_mem.mem_q);
    $readmemh("vec.hex", u_vpu.u_vec.g_copy[2].u_mem.mem_q);
    $readmemh("acc.hex", acc);
    $readmemh("stg.hex", stg);
    $readmemh("sof.hex", sof);
    $readmemh("rxb.hex", rxb);
    $readmemh("txb.hex", txb);
    $readmemh("actc.hex", actc);
    $readmemh("wgtc.hex", wgtc);
    $readmemh("sob.hex", sob);
    $readmemh("imem.hex", imem);
    $readmemh("ictl.hex", ictl);
    for (int i = 0; i < CTX * IMAX; i++) begin
      log_how[i]   = 8'd0;
      log_issue[i] = '0;
      log_done[i]  = '0;
    end
  end
  always @(posedge dump) begin
    $writememh("vec.out", u_vpu.u_vec.g_copy[0].u_mem.mem_q);
    $writememh("vec1.out", u_vpu.u_vec.g_copy[1].u_mem.mem_q);
    $writememh("vec2.out", u_vpu.u_vec.g_copy[2].u_mem.mem_q);
    $writememh("acc.out", acc);
    $writememh("stg.out", stg);
    $writememh("sof.out", sof);
    $writememh("rxb.out", rxb);
    $writememh("txb.out", txb);
    $writememh("actc.out", actc);
    $writememh("wgtc.out", wgtc);
    $writememh("sob.out", sob);
    $writememh("issue.out", log_issue);
    $writememh("done.out", log_done);
    $writememh("how.out", log_how);
    $writememh("mode.out", log_mode);
  end

  // ---- Front ends
  logic [CTX-1:0][15:0] issued, retired, gap;
  logic [CTX-1:0] killing, kill_q, over, started;

  assign kill = kill_q;
  always_comb begin
    for (int c = 0; c < CTX; c++) begin
      over[c]  = retired[c] == n_instr[c] && !killing[c];
      instr[c] = imem[c*IMAX+issued[c]];
    end
  end
  assign finished = started[0] && &over && &quiet;

  for (genvar c = 0; c < CTX; c++) begin : g_fe
    logic [31:0] ctl;
    logic        blocked;
    assign ctl     = ictl[c*IMAX+issued[c]];
    assign blocked = ctl[16] && issued[c] != retired[c];  // a barrier waits for all before it
    always_ff @(posedge clk or negedge rst_n) begin
      if (!rst_n) begin
        issued[c]      <= '0;
        retired[c]     <= '0;
        gap[c]         <= '0;
        killing[c]     <= 1'b0;
        kill_q[c]      <= 1'b0;
        instr_valid[c] <= 1'b0;
        bad_done[c]    <= '0;
        started[c]     <= 1'b0;
        kills[c]       <= '0;
      end else begin
        started[c] <= started[c] || go;
        if (instr_valid[c] && instr_ready[c]) begin
          log_issue[c*IMAX+issued[c]] <= cycle;
          issued[c] <= issued[c] + 16'd1;
          instr_valid[c] <= 1'b0;
          gap[c] <= '0;
          // an instruction without gap and barrier follows at once
          if (issued[c] + 16'd1 < n_instr[c] && ictl[c*IMAX+issued[c]+1][16:0] == '0 && !kill_q[c])
            instr_valid[c] <= 1'b1;
        end else if (!instr_valid[c] && go && issued[c] < n_instr[c] && !killing[c]) begin
          if (gap[c] < ctl[15:0]) gap[c] <= gap[c] + 16'd1;
          else if (!blocked) instr_valid[c] <= 1'b1;
        end
        if (done_valid[c]) begin
          log_done[c*IMAX+retired[c]] <= cycle;
          log_how[c*IMAX+retired[c]] <= 8'd1;
          retired[c] <= retired[c] + 16'd1;
          if (retired[c] >= issued[c] || done_signal[c] != imem[c*IMAX+retired[c]][39:24]
              || done_step[c] != imem[c*IMAX+retired[c]][5])
            bad_done[c] <= bad_done[c] + 16'd1;
        end
        // Faults and kills: kill, wait for quiet, go on behind the instructions that are lost.
        if (err_valid[c]) killing[c] <= 1'b1;
        if (kill_random && !killing[c] && go && !over[c] && $urandom_range(0, 79) == 0) begin
          killing[c] <= 1'b1;
          kills[c]   <= kills[c] + 1;
        end
        if (killing[c]) begin
          kill_q[c] <= 1'b1;
          if (kill_q[c]) instr_valid[c] <= 1'b0;
        end
        if (kill_q[c] && quiet[c] && !instr_valid[c]) begin
          kill_q[c]  <= 1'b0;
          killing[c] <= 1'b0;
          gap[c]     <= '0;
          if (faulty[c] != 8'd0) begin  // all before it have completed
            log_how[c*IMAX+retired[c]] <= 8'd16 + faulty[c];
            retired[c] <= retired[c] + 16'd1;
            issued[c] <= retired[c] + 16'd1;
          end else begin
            for (int i = 0; i < 24; i++) if (retired[c] + 16'(i) < issued[c]) log_how[c*IMAX+retired[c]+16'(i)] <= 8'd2;
            retired[c] <= issued[c];
          end
        end
      end
    end
  end

  // Cause of the fault that the context is being killed for; 0: killed at random.
  logic [CTX-1:0][7:0] faulty;
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) faulty <= '0;
    else
      for (int c = 0; c < CTX; c++) begin
        if (err_valid[c]) faulty[c] <= 8'(err_cause[c]);
        else if (kill_q[c] && quiet[c] && !instr_valid[c]) faulty[c] <= '0;
      end
  end

  // A quiet context has no line in the pipeline, no tile, no block; and nothing completes after a fault is reported.
  localparam int unsigned LAST = eqx_vpu_pkg::line_stage(L);
  logic [3:0] block2_ctx;  // whose block is written
  always_ff @(posedge clk) if (u_vpu.u_converter.valid1_q) block2_ctx <= u_vpu.u_converter.finish_ctx_q;
  always_ff @(posedge clk or negedge rst_n) begin
    if (live) begin
      for (int c = 0; c < CTX; c++) begin
        c_quiet_line : cover (quiet[c] && u_vpu.u_lanes.valid_q[LAST]);
        c_quiet_tile : cover (quiet[c] && |u_vpu.tile_held);
        c_quiet_block : cover (quiet[c] && (u_vpu.u_converter.valid1_q || u_vpu.u_converter.valid2_q));
        c_quiet_idle : cover (quiet[c] && |busy);
        if (quiet[c]) begin
          for (int i = 1; i <= LAST; i++)
          a_quiet_line :
          assert (!(u_vpu.u_lanes.valid_q[i] && u_vpu.u_lanes.line_q[i].tag.ctx == 4'(c)))
          else $error("tb_vpu: context %0d is quiet, but has a line in stage %0d", c, i);
          for (int i = 0; i < 2; i++)
          a_quiet_tile :
          assert (!(u_vpu.tile_held[i] && u_vpu.tile_ctx[i] == 4'(c)))
          else $error("tb_vpu: context %0d is quiet, but has a tile", c);
          a_quiet_block :
          assert (!(u_vpu.u_converter.valid1_q && u_vpu.u_converter.finish_ctx_q == 4'(c)
              || u_vpu.u_converter.valid2_q && block2_ctx == 4'(c)))
          else $error("tb_vpu: context %0d is quiet, but has a block", c);
          a_quiet_idle :
          assert (!busy[c] && !done_valid[c])
          else $error("tb_vpu: context %0d is quiet, but works", c);
        end
        c_after_fault : cover (faulty[c] != 8'd0 || err_valid[c]);
        a_after_fault :
        assert (!(done_valid[c] && (faulty[c] != 8'd0 || err_valid[c])))
        else $error("tb_vpu: completion after a fault was reported");
      end
    end
  end

  logic [1:0] mode_seen;
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      n_modes   <= '0;
      mode_seen <= 2'd3;
      in_rows   <= '0;
      in_cols   <= '0;
      longest   <= '0;
    end else begin
      if (u_vpu.u_issue.u_checks.wait_q > longest) longest <= u_vpu.u_issue.u_checks.wait_q;
      mode_seen <= mode_now;
      if (mode_now != mode_seen) begin
        c_modes : cover (1'b1);
        a_modes :
        assert (!live || n_modes != MMAX)
        else $error("tb_vpu: too many changes of the mode");
        log_mode[n_modes] <= {cycle[29:0], mode_now};
        n_modes <= n_modes + 1;
      end
      if (|busy[C_INF-1:0] && u_vpu.u_issue.valid[1]) begin
        if (u_vpu.u_issue.seg_of[1].op.v_mode == eqx_isa_pkg::CONV_ROWS &&
            u_vpu.u_issue.g_class[1].u_segment.grp_q != '0)
          in_rows <= in_rows + 1;
        if (u_vpu.u_issue.seg_of[1].op.v_mode == eqx_isa_pkg::CONV_COLS && !u_vpu.u_issue.first_of[1])
          in_cols <= in_cols + 1;
      end
    end
  end

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      cycle      <= '0;
      first_busy <= '0;
      last_busy  <= '0;
      busy_count <= '0;
      busy_bad   <= '0;
      stall_bad  <= '0;
      lines      <= '0;
      mode_now   <= eqx_pkg::MODE_PRIO;
    end else begin
      cycle <= cycle + 1;
      if (!mode_random) mode_now <= mode;
      else if ($urandom_range(0, 63) == 0) mode_now <= 2'($urandom_range(0, 2));
      if (|busy) begin
        if (busy_count == 0) first_busy <= cycle;
        last_busy  <= cycle;
        busy_count <= busy_count + 1;
      end
      if ($countones(busy) > 1) busy_bad <= busy_bad + 1;
      if (|busy && stall != eqx_pkg::STALL_NONE) stall_bad <= stall_bad + 1;
      for (int c = 0; c < CTX; c++) if (busy[c]) lines[c] <= lines[c] + 1;
    end
  end
endmodule
