// Bench of the DMA units: both units, their buffers, a front end that plays programs, and the DRAM model
// (or, with ext, a memory in Python at m_axi_*). Events are logged with their cycle.
// Streams are numbered s = unit*CTX + context, unit 0 = LD, 1 = ST.
module tb_dma #(
    parameter int unsigned N = 8,
    parameter int unsigned M = 2,
    parameter int unsigned W = 4,
    parameter int unsigned CTX = 3,
    parameter int unsigned C_INF = 2,
    parameter int unsigned ACTD_DEPTH = 384,
    parameter int unsigned WGTD_DEPTH = 768,
    parameter int unsigned STG_DEPTH = 192,
    parameter int unsigned SOB_DEPTH = 768,
    parameter int unsigned SOF_DEPTH = 192,
    parameter int unsigned BYTES = 262144,
    parameter int unsigned LATENCY = 60,
    parameter int unsigned GAP = 0
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N),
      .M(M),
      .W(W),
      .C_INF(C_INF),
      .C_TRN(CTX - C_INF),
      .ACTD_DEPTH(ACTD_DEPTH),
      .WGTD_DEPTH(WGTD_DEPTH),
      .STG_DEPTH(STG_DEPTH),
      .SOB_DEPTH(SOB_DEPTH),
      .SOF_DEPTH(SOF_DEPTH)
  );
  localparam int unsigned K = CFG.K, L = CFG.L, BUS = CFG.BUS, S = 2 * CTX;
  localparam int unsigned PROG = 32, LOG = 4096;

  logic clk = 1'b0;
  logic own_clock = 1'b1;  // 0: Python drives clk
  always #5 if (own_clock) clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );
  int unsigned cycle;
  always_ff @(posedge clk or negedge rst_n) cycle <= !rst_n ? 0 : cycle + 1;

  // Settings.
  logic               go = 1'b0;
  logic               ext = 1'b0;  // the memory is Python's
  logic               folded = 1'b0;  // the memory sees addresses modulo BYTES: any address is one of its own
  logic               fe_reset = 1'b0;  // front end and logs start anew, the units do not notice
  logic        [ 1:0] mode = eqx_pkg::MODE_PRIO;
  logic        [31:0] seed = 1;
  int unsigned        timeout = 0;  // of the watchdogs, cycles; 0: off
  logic ld_lost, st_lost;
  int unsigned max_gap = 0;  // idle cycles between instructions: 0..max_gap
  int unsigned max_react = 0;  // cycles from an error to the kill: 1..max_react+1
  int unsigned kill_at                                                            [S];  // cycle of a kill, 0: none
  logic [31:0] dram_base[CTX], w_base[CTX];
  logic [eqx_isa_pkg::INSTR_BITS-1:0] prog[S*PROG];
  logic [15:0] prog_iter[S*PROG];
  int unsigned prog_len[S];

  logic [31:0] rnd_q;
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) rnd_q <= seed | 1;
    else rnd_q <= {rnd_q[30:0], rnd_q[31] ^ rnd_q[21] ^ rnd_q[1] ^ rnd_q[0]};
  end

  // Front end.
  logic fe_rst_n;
  assign fe_rst_n = rst_n && !fe_reset;
  logic [S-1:0] valid, ready, kill_q, dead_q, quiet, done, step, err;
  logic [S-1:0][383:0] instr;
  logic [S-1:0][15:0] iter, signal;
  logic              [  S-1:0][3:0] cause;
  logic              [  S-1:0]      busy;
  eqx_pkg::stall_e                  stall [2];
  eqx_pkg::ctx_env_t [CTX-1:0]      env;
  int unsigned head[S], wait_q[S], react_q[S], open_q[S];
  logic [S-1:0] over;

  always_comb
    for (int c = 0; c < CTX; c++) begin
      env[c]           = '1;
      env[c].w_base    = 16'(w_base[c]);
      env[c].dram_base = dram_base[c];
    end

  // The unit interface, taken apart.
  eqx_pkg::unit_req_t [S-1:0] unit_req;
  eqx_pkg::unit_rsp_t [S-1:0] unit_rsp;
  for (genvar s = 0; s < S; s++) begin : g_unit
    assign unit_req[s] = '{
            kill: kill_q[s],
            env: env[s%CTX],
            instr_valid: valid[s],
            iter: iter[s],
            instr: instr[s]
        };
    assign ready[s] = unit_rsp[s].instr_ready;
    assign quiet[s] = unit_rsp[s].quiet;
    assign done[s] = unit_rsp[s].done_valid;
    assign signal[s] = unit_rsp[s].done_signal;
    assign step[s] = unit_rsp[s].done_step;
    assign err[s] = unit_rsp[s].err_valid;
    assign cause[s] = unit_rsp[s].err_cause;
    assign busy[s] = unit_rsp[s].busy;
  end

  for (genvar s = 0; s < S; s++) begin : g_stream
    assign valid[s] = go && !kill_q[s] && !dead_q[s] && wait_q[s] == 0 && head[s] < prog_len[s];
    assign instr[s] = prog[s*PROG+head[s]%PROG];
    assign iter[s]  = prog_iter[s*PROG+head[s]%PROG];
    assign over[s]  = (dead_q[s] ? !kill_q[s] : head[s] == prog_len[s]) && quiet[s] && !err[s] && react_q[s] == 0;
    always_ff @(posedge clk or negedge fe_rst_n) begin
      if (!fe_rst_n) begin
        head[s] <= 0;
        wait_q[s] <= 0;
        react_q[s] <= 0;
        open_q[s] <= 0;
        kill_q[s] <= 1'b0;
        dead_q[s] <= 1'b0;
      end else begin
        if (wait_q[s] != 0) wait_q[s] <= wait_q[s] - 1;
        if (valid[s] && ready[s]) begin
          head[s]   <= head[s] + 1;
          wait_q[s] <= 32'(rnd_q >> s) % (max_gap + 1);
        end
        open_q[s] <= open_q[s] + 32'(valid[s] && ready[s]) - 32'(done[s]);
        if (err[s]) react_q[s] <= 1 + 32'(rnd_q >> s) % (max_react + 1);
        else if (react_q[s] != 0) react_q[s] <= react_q[s] - 1;
        if (react_q[s] == 1 || (kill_at[s] != 0 && cycle == kill_at[s])) begin
          kill_q[s] <= 1'b1;
          dead_q[s] <= 1'b1;
        end else if (kill_q[s] && quiet[s]) kill_q[s] <= 1'b0;
        a_done :
        assert (!live || !done[s] || open_q[s] != 0)
        else $error("stream %0d: done without an instruction", s);
        c_done : cover (done[s]);
        a_after :
        assert (!live || !(done[s] || err[s]) || !(kill_q[s] || react_q[s] != 0))
        else $error("stream %0d: report after its end", s);
        c_after : cover (kill_q[s] || react_q[s] != 0);
        a_ready :
        assert (!live || !(kill_q[s] && ready[s]))
        else $error("stream %0d: ready while killed", s);
        c_ready : cover (kill_q[s]);
        a_quiet :
        assert (!live || !(quiet[s] && busy[s]))
        else $error("stream %0d: busy while quiet", s);
        c_quiet : cover (quiet[s]);
      end
    end
  end
  logic finished;
  assign finished = go && (&over);
  always @(posedge clk)
    if (live) begin
      a_busy_ld :
      assert ($onehot0(busy[CTX-1:0]))
      else $error("LD busy for two");
      c_busy_ld : cover (busy[CTX-1:0] != '0);
      a_busy_st :
      assert ($onehot0(busy[S-1:CTX]))
      else $error("ST busy for two");
      c_busy_st : cover (busy[S-1:CTX] != '0);
    end

  // Units. The memory's signals: of the model (d_*) or of Python (m_axi_*).
  logic m_axi_arvalid, m_axi_rready, m_axi_awvalid, m_axi_wvalid, m_axi_wlast, m_axi_bready;
  logic m_axi_arready = 0, m_axi_rvalid = 0, m_axi_rlast = 0, m_axi_awready = 0, m_axi_wready = 0, m_axi_bvalid = 0;
  logic [31:0] m_axi_araddr, m_axi_awaddr;
  logic [7:0] m_axi_arlen, m_axi_awlen;
  logic [2:0] m_axi_arsize, m_axi_awsize;
  logic [1:0] m_axi_arburst, m_axi_awburst, m_axi_rresp = 0, m_axi_bresp = 0;
  logic [0:0] m_axi_arid, m_axi_awid, m_axi_rid = 0, m_axi_bid = 0;
  logic [8*BUS-1:0] m_axi_rdata = 0, m_axi_wdata;
  logic [BUS-1:0] m_axi_wstrb;
  logic d_arready, d_rvalid, d_rlast, d_awready, d_wready, d_bvalid;
  logic arready, rvalid, rlast, awready, wready, bvalid;
  logic [1:0] d_rresp, d_bresp, rresp, bresp;
  logic [0:0] d_rid, d_bid, rid, bid;
  logic [8*BUS-1:0] d_rdata, rdata;
  assign {arready, rvalid, rlast, rresp, rid, awready, wready, bvalid, bresp, bid} = ext ?
      {m_axi_arready, m_axi_rvalid, m_axi_rlast, m_axi_rresp, m_axi_rid,
       m_axi_awready, m_axi_wready, m_axi_bvalid, m_axi_bresp, m_axi_bid} :
      {d_arready, d_rvalid, d_rlast, d_rresp, d_rid, d_awready, d_wready, d_bvalid, d_bresp, d_bid};
  assign rdata = ext ? m_axi_rdata : d_rdata;

  logic actd_we, wgtd_we, stg_we, sob_re, sof_re;
  logic [15:0] actd_wa, wgtd_wa, stg_wa, sob_ra, sof_ra;
  logic [8*K+7:0] blk_wd, sob_rd;
  logic [32*L-1:0] stg_wd, sof_rd;

  eqx_dma_load #(
      .CFG(CFG)
  ) u_load (
      .clk_i(clk),
      .rst_ni(rst_n),
      .unit_req_i(unit_req[CTX-1:0]),
      .unit_rsp_o(unit_rsp[CTX-1:0]),
      .mode_i(eqx_pkg::mode_e'(mode)),
      .stall_o(stall[0]),
      .timeout_i(timeout),
      .lost_o(ld_lost),
      .arvalid_o(m_axi_arvalid),
      .arready_i(arready),
      .ar_o({m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst}),
      .rvalid_i(rvalid),
      .rready_o(m_axi_rready),
      .r_i('{id: rid, data: rdata, resp: rresp, last: rlast}),
      .actd_we_o(actd_we),
      .actd_waddr_o(actd_wa),
      .wgtd_we_o(wgtd_we),
      .wgtd_waddr_o(wgtd_wa),
      .blk_wdata_o(blk_wd),
      .stg_we_o(stg_we),
      .stg_waddr_o(stg_wa),
      .stg_wdata_o(stg_wd)
  );
  eqx_dma_store #(
      .CFG(CFG)
  ) u_store (
      .clk_i(clk),
      .rst_ni(rst_n),
      .unit_req_i(unit_req[S-1:CTX]),
      .unit_rsp_o(unit_rsp[S-1:CTX]),
      .mode_i(eqx_pkg::mode_e'(mode)),
      .stall_o(stall[1]),
      .timeout_i(timeout),
      .lost_o(st_lost),
      .awvalid_o(m_axi_awvalid),
      .awready_i(awready),
      .aw_o({m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst}),
      .wvalid_o(m_axi_wvalid),
      .wready_i(wready),
      .w_o({m_axi_wdata, m_axi_wstrb, m_axi_wlast}),
      .bvalid_i(bvalid),
      .bready_o(m_axi_bready),
      .b_i('{id: bid, resp: bresp}),
      .sob_re_o(sob_re),
      .sob_raddr_o(sob_ra),
      .sob_rdata_i(sob_rd),
      .sof_re_o(sof_re),
      .sof_raddr_o(sof_ra),
      .sof_rdata_i(sof_rd)
  );
  axi_dram #(
      .K(BUS),
      .BYTES(BYTES),
      .LATENCY(LATENCY),
      .GAP(GAP)
  ) u_dram (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(m_axi_arvalid && !ext),
      .arready_o(d_arready),
      .araddr_i(folded ? m_axi_araddr % BYTES : m_axi_araddr),
      .arlen_i(m_axi_arlen),
      .arsize_i(m_axi_arsize),
      .arburst_i(m_axi_arburst),
      .arid_i(m_axi_arid),
      .rvalid_o(d_rvalid),
      .rready_i(m_axi_rready),
      .rdata_o(d_rdata),
      .rresp_o(d_rresp),
      .rlast_o(d_rlast),
      .rid_o(d_rid),
      .awvalid_i(m_axi_awvalid && !ext),
      .awready_o(d_awready),
      .awaddr_i(folded ? m_axi_awaddr % BYTES : m_axi_awaddr),
      .awlen_i(m_axi_awlen),
      .awsize_i(m_axi_awsize),
      .awburst_i(m_axi_awburst),
      .awid_i(m_axi_awid),
      .wvalid_i(m_axi_wvalid && !ext),
      .wready_o(d_wready),
      .wdata_i(m_axi_wdata),
      .wstrb_i(m_axi_wstrb),
      .wlast_i(m_axi_wlast),
      .bvalid_o(d_bvalid),
      .bready_i(m_axi_bready),
      .bresp_o(d_bresp),
      .bid_o(d_bid)
  );
  axi_checker #(
      .K(BUS),
      .NAME("dma")
  ) u_check (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(m_axi_arvalid),
      .arready_i(arready),
      .araddr_i(m_axi_araddr),
      .arlen_i(m_axi_arlen),
      .arsize_i(m_axi_arsize),
      .arburst_i(m_axi_arburst),
      .arid_i(m_axi_arid),
      .rvalid_i(rvalid),
      .rready_i(m_axi_rready),
      .rdata_i(rdata),
      .rresp_i(rresp),
      .rlast_i(rlast),
      .rid_i(rid),
      .awvalid_i(m_axi_awvalid),
      .awready_i(awready),
      .awaddr_i(m_axi_awaddr),
      .awlen_i(m_axi_awlen),
      .awsize_i(m_axi_awsize),
      .awburst_i(m_axi_awburst),
      .awid_i(m_axi_awid),
      .wvalid_i(m_axi_wvalid),
      .wready_i(wready),
      .wdata_i(m_axi_wdata),
      .wstrb_i(m_axi_wstrb),
      .wlast_i(m_axi_wlast),
      .bvalid_i(bvalid),
      .bready_i(m_axi_bready),
      .bresp_i(bresp),
      .bid_i(bid)
  );

  // Buffers.
  logic [8*K+7:0] actd[ACTD_DEPTH], wgtd[WGTD_DEPTH], sob[SOB_DEPTH];
  logic [32*L-1:0] stg[STG_DEPTH], sof[SOF_DEPTH];
  // All of them from and to files, when Python says so.
  logic load_buffers = 1'b0, dump_buffers = 1'b0;
  always @(posedge load_buffers) begin
    $readmemh("actd.hex", actd);
    $readmemh("wgtd.hex", wgtd);
    $readmemh("stg.hex", stg);
    $readmemh("sob.hex", sob);
    $readmemh("sof.hex", sof);
  end
  always @(posedge dump_buffers) begin
    $writememh("actd.hex", actd);
    $writememh("wgtd.hex", wgtd);
    $writememh("stg.hex", stg);
    $writememh("sob.hex", sob);
    $writememh("sof.hex", sof);
  end
  always @(posedge clk) begin
    if (actd_we) actd[actd_wa%ACTD_DEPTH] <= blk_wd;
    if (wgtd_we) wgtd[wgtd_wa%WGTD_DEPTH] <= blk_wd;
    if (stg_we) stg[stg_wa%STG_DEPTH] <= stg_wd;
    if (sob_re) sob_rd <= sob[sob_ra%SOB_DEPTH];
    if (sof_re) sof_rd <= sof[sof_ra%SOF_DEPTH];
    if (live) begin
      a_actd :
      assert (!actd_we || actd_wa < ACTD_DEPTH)
      else $error("ACTD address");
      c_actd : cover (actd_we);
      a_wgtd :
      assert (!wgtd_we || wgtd_wa < WGTD_DEPTH)
      else $error("WGTD address");
      c_wgtd : cover (wgtd_we);
      a_stg :
      assert (!stg_we || stg_wa < STG_DEPTH)
      else $error("STG address");
      c_stg : cover (stg_we);
      a_sob :
      assert (!sob_re || sob_ra < SOB_DEPTH)
      else $error("SOB address");
      c_sob : cover (sob_re);
      a_sof :
      assert (!sof_re || sof_ra < SOF_DEPTH)
      else $error("SOF address");
      c_sof : cover (sof_re);
      a_one :
      assert ($onehot0({actd_we, wgtd_we, stg_we}))
      else $error("LD writes twice in a cycle");
      c_one : cover (actd_we || wgtd_we || stg_we);
      a_seen :
      assert (!(|done[CTX-1:0]) || actd_we || wgtd_we || stg_we)
      else $error("LD done is not with its last write");
      c_seen : cover (|done[CTX-1:0]);
    end
  end

  // Logs.
  int unsigned issue_n[S], done_n[S], err_n[S], busy_n[S], stall_n[8];
  int unsigned issue_log[S*PROG], done_log[S*PROG], done_what[S*PROG], err_log[S*4], err_what[S*4];
  int unsigned word_n;  // words that LD has written
  int unsigned ar_n, aw_n, r_n, w_n, r_first, r_last, w_first, w_last;
  int unsigned ar_log[LOG], ar_addr[LOG], ar_len[LOG], aw_log[LOG], aw_addr[LOG], aw_len[LOG];
  logic ar_old_q, aw_old_q;  // this address has been logged
  for (genvar s = 0; s < S; s++) begin : g_log
    always_ff @(posedge clk or negedge fe_rst_n) begin
      if (!fe_rst_n) begin
        issue_n[s] <= 0;
        done_n[s]  <= 0;
        err_n[s]   <= 0;
        busy_n[s]  <= 0;
      end else begin
        if (valid[s] && ready[s]) begin
          issue_log[s*PROG+issue_n[s]%PROG] <= cycle;
          issue_n[s] <= issue_n[s] + 1;
        end
        if (done[s]) begin
          done_log[s*PROG+done_n[s]%PROG] <= cycle;
          done_what[s*PROG+done_n[s]%PROG] <= {15'd0, step[s], signal[s]};
          done_n[s] <= done_n[s] + 1;
        end
        if (err[s]) begin
          err_log[s*4+err_n[s]%4] <= cycle;
          err_what[s*4+err_n[s]%4] <= 32'(cause[s]);
          err_n[s] <= err_n[s] + 1;
        end
        if (busy[s]) busy_n[s] <= busy_n[s] + 1;
      end
    end
  end
  always_ff @(posedge clk or negedge fe_rst_n) begin
    if (!fe_rst_n) begin
      {ar_n, aw_n, r_n, w_n, r_first, r_last, w_first, w_last} <= '0;
      {ar_old_q, aw_old_q} <= '0;
      word_n <= 0;
      stall_n <= '{default: 0};
    end else begin
      if (actd_we || wgtd_we || stg_we) word_n <= word_n + 1;
      ar_old_q <= m_axi_arvalid && !arready;
      aw_old_q <= m_axi_awvalid && !awready;
      if (m_axi_arvalid && !ar_old_q) begin
        ar_log[ar_n%LOG] <= cycle;
        ar_addr[ar_n%LOG] <= m_axi_araddr;
        ar_len[ar_n%LOG] <= 32'(m_axi_arlen);
        ar_n <= ar_n + 1;
      end
      if (m_axi_awvalid && !aw_old_q) begin
        aw_log[aw_n%LOG] <= cycle;
        aw_addr[aw_n%LOG] <= m_axi_awaddr;
        aw_len[aw_n%LOG] <= 32'(m_axi_awlen);
        aw_n <= aw_n + 1;
      end
      if (rvalid && m_axi_rready) begin
        if (r_n == 0) r_first <= cycle;
        r_last <= cycle;
        r_n <= r_n + 1;
      end
      if (m_axi_wvalid && wready) begin
        if (w_n == 0) w_first <= cycle;
        w_last <= cycle;
        w_n <= w_n + 1;
      end
      if (busy[CTX-1:0] == '0) stall_n[stall[0]] <= stall_n[stall[0]] + 1;
      if (busy[S-1:CTX] == '0) stall_n[4+stall[1]] <= stall_n[4+stall[1]] + 1;
    end
  end
endmodule
