// Top of all chip-level simulations: clock, core with its probe, DRAM, gates that hold streams back. The bench sees the
// signals of this module, and what verif/env/simulate.py names of the probe and the DRAM. A clock period is 10 time
// units.
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
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.N(N), .M(M), .W(W));
  localparam int unsigned L = CFG.L;
  localparam int unsigned BUS = CFG.BUS;

  if (DRAM_LATENCY < 1 || DRAM_LATENCY > 100000) begin : g_latency
    $fatal(1, "tb_equinox: LATENCY = %0d: legal is 1..100000", DRAM_LATENCY);
  end
  if (DRAM_GAP > 1000) begin : g_gap
    $fatal(1, "tb_equinox: GAP = %0d: legal is 0..1000", DRAM_GAP);
  end
  if (DRAM_BYTES < 4096 || DRAM_BYTES > 2 ** 31 || DRAM_BYTES % BUS != 0) begin : g_bytes
    $fatal(1, "tb_equinox: BYTES = %0d: legal is a multiple of %0d in 4096..2147483648", DRAM_BYTES, BUS);
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
  logic [8*BUS-1:0] rdata, wdata;
  logic [BUS-1:0] wstrb;
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
      .rdata_i(rdata),
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
      .K(BUS),
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
      .K(BUS),
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
  assign m_tready = !rsp_stall_q;

  int unsigned rsp_held = 0;  // cycles in which a response beat was held back
  always_ff @(posedge clk) if (m_tvalid && !m_tready) rsp_held <= rsp_held + 1;

  // ---- what is seen of the core's insides: u_core.u_probe, and nothing else
  bind equinox_core core_probe #(
      .C_INF(C_INF),
      .CTX(CTX),
      .SERVICES(SERVICES)
  ) u_probe (
      .clk_i,
      .rst_ni,
      .excused_i(tb_equinox.core_held)
  );
  int unsigned cycle = 0;  // rising edges so far
  logic        core_held;  // by the bench, for good
  logic [31:0] stuck_reads, stuck_writes, stuck_replies;  // bursts at the DRAM in a hang
  assign core_held = u_dram.err_mute != '0 || rsp_stall_pct >= 100;
  always_ff @(posedge clk) begin
    cycle <= cycle + 1;
    if (u_core.u_probe.stuck_catch) begin
      stuck_reads   <= u_dram.rq_n;
      stuck_writes  <= u_dram.wq_n;
      stuck_replies <= u_dram.bq_n;
    end
  end
endmodule
