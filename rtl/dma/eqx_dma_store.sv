// ST unit: executes STORE, SOB and SOF to DRAM (AXI4 master, write). Formats: isa.md; timing rules: dma.md.
// Contexts are arbitrated by segment (a panel, or up to K beats of lines); a segment's beats are gathered before its
// address is sent, so write data streams without gaps. One AXI id: responses come in the order of issue.
// Latency: instruction in cycle t, first buffer read in t+4; completion pulses one cycle after the last response.
// Handshake: bready_o is constant 1. A segment that was taken is always written, killed or not; but when the memory
// does not answer (dma_watchdog), segments whose address is not out yet are dropped.
module eqx_dma_store #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    parameter int unsigned MAX_OUTSTANDING = eqx_pkg::ST_OUTSTANDING,  // bursts, power of two
    localparam int unsigned K = CFG.K,
    localparam int unsigned L = CFG.L,
    localparam int unsigned BUS = CFG.BUS,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF,
    // a beat of the AXI4 channel W
    // verilog_lint: waive typedef-structs-unions (a parameter cannot be a typedef)
    localparam type axi_w_t = struct packed {
      logic [8*BUS-1:0] data;
      logic [BUS-1:0]   strb;
      logic             last;
    }
) (
    input logic clk_i,
    input logic rst_ni,
    // unit interface
    input eqx_pkg::unit_req_t [CTX-1:0] unit_req_i,
    output eqx_pkg::unit_rsp_t [CTX-1:0] unit_rsp_o,
    input eqx_pkg::mode_e mode_i,
    output eqx_pkg::stall_e stall_o,
    // watchdog
    input logic [31:0] timeout_i,  // cycles; 0: off
    output logic lost_o,  // written off, late answers are to come
    // AXI4 write master
    output logic awvalid_o,
    input logic awready_i,
    output eqx_pkg::axi_addr_t aw_o,
    output logic wvalid_o,
    input logic wready_i,
    output axi_w_t w_o,
    input logic bvalid_i,
    output logic bready_o,
    input eqx_pkg::axi_b_t b_i,
    // buffers, read latency 1
    output logic sob_re_o,
    output logic [15:0] sob_raddr_o,
    input logic [8*K+7:0] sob_rdata_i,
    output logic sof_re_o,
    output logic [15:0] sof_raddr_o,
    input logic [32*L-1:0] sof_rdata_i
);
  localparam int unsigned PAGE =
      (eqx_pkg::AXI_PAGE / BUS < eqx_pkg::AXI_BURST) ? eqx_pkg::AXI_PAGE / BUS : eqx_pkg::AXI_BURST;
  localparam int unsigned SLOTS = 2 * K + 2;  // one panel streams while the next is gathered
  localparam int unsigned SEGS = eqx_pkg::ST_SEGMENTS;  // between arbitration and their last address
  localparam int unsigned GW = $clog2(SEGS + 1);
  localparam int unsigned CW = (CTX > 1) ? $clog2(CTX) : 1;
  localparam int unsigned SW = $clog2(SLOTS);

  eqx_cfg_check #(
      .UNIT("dma_store"),
      .CFG (CFG)
  ) u_check ();

  // Contexts: instructions to runs to segments.
  logic [CTX-1:0] kill, ready, stop, runs_held, cut_held, walk_err, req, gnt, take;
  logic              [CTX-1:0][3:0] walk_cause;
  eqx_dma_pkg::seg_t [CTX-1:0]      seg;

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    logic run_valid, run_ready;
    eqx_dma_pkg::run_t run;
    eqx_dma_runs #(
        .OPCODE(eqx_isa_pkg::OP_STORE),
        .BUS   (BUS),
        .DEPTH ({17'd0, 17'd0, 17'(CFG.SOF_DEPTH), 17'(CFG.SOB_DEPTH)}),
        .LINES (4'(1 << eqx_isa_pkg::STS_SOF)),
        .RELOC ('0)
    ) u_runs (
        .clk_i,
        .rst_ni,
        .unit_req_i   (unit_req_i[c]),
        .instr_ready_o(ready[c]),
        .stop_i       (stop[c]),
        .held_o       (runs_held[c]),
        .err_valid_o  (walk_err[c]),
        .err_cause_o  (walk_cause[c]),
        .run_valid_o  (run_valid),
        .run_ready_i  (run_ready),
        .run_o        (run)
    );
    eqx_dma_store_cut #(
        .K  (K),
        .L  (L),
        .BUS(BUS)
    ) u_cut (
        .clk_i,
        .rst_ni,
        .stop_i     (stop[c]),
        .held_o     (cut_held[c]),
        .run_valid_i(run_valid),
        .run_ready_o(run_ready),
        .run_i      (run),
        .req_o      (req[c]),
        .take_i     (take[c]),
        .seg_o      (seg[c])
    );
    assign kill[c] = unit_req_i[c].kill;
  end

  // Arbitration; segs_q counts segments taken whose last address is not out.
  logic can_take, policy, seg_ready, seg_out;
  logic [GW-1:0] segs_q;
  logic [CW-1:0] gnt_idx;
  eqx_dma_pkg::seg_t pick;
  eqx_arb #(
      .CTX  (CTX),
      .C_INF(C_INF)
  ) u_arb (
      .clk_i,
      .rst_ni,
      .mode_i,
      .req_i (req),
      .take_i(can_take),
      .gnt_o (gnt),
      .held_o(policy)
  );
  assign can_take = !lost_o && seg_ready && segs_q != GW'(SEGS);
  assign take     = can_take ? gnt : '0;
  always_comb begin
    gnt_idx = '0;
    for (int unsigned c = 0; c < CTX; c++) if (gnt[c]) gnt_idx = CW'(c);
  end
  assign pick = seg[gnt_idx];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) segs_q <= '0;
    else segs_q <= lost_o ? '0 : segs_q + GW'(|take) - GW'(seg_out);
  end

  // Gather into the beat memory.
  typedef struct packed {
    logic [31:0]                   addr;
    logic [eqx_dma_pkg::SEG_W-1:0] beats;
    logic [CW-1:0]                 ctx;
    eqx_dma_pkg::tail_t            tail;
  } tag_t;
  tag_t tag, commit_tag, head;
  logic we, re, commit, head_valid;
  logic [SW-1:0] waddr, raddr;
  logic [8*BUS-1:0] wdata;

  assign tag = '{addr: pick.addr, beats: pick.beats, ctx: gnt_idx, tail: pick.tail};
  eqx_dma_store_gather #(
      .K    (K),
      .L    (L),
      .BUS  (BUS),
      .SLOTS(SLOTS),
      .TAG_W($bits(tag_t))
  ) u_gather (
      .clk_i,
      .rst_ni,
      .clear_i     (lost_o),
      .seg_valid_i (|take),
      .seg_ready_o (seg_ready),
      .seg_lines_i (pick.lines),
      .seg_laddr_i (pick.laddr),
      .seg_units_i (pick.count),
      .tag_i       (tag),
      .sob_re_o,
      .sob_raddr_o,
      .sob_rdata_i,
      .sof_re_o,
      .sof_raddr_o,
      .sof_rdata_i,
      .we_o        (we),
      .waddr_o     (waddr),
      .wdata_o     (wdata),
      .freed_i     (re),
      .commit_o    (commit),
      .commit_tag_o(commit_tag)
  );
  eqx_sram_1r1w #(
      .WIDTH(8 * BUS),
      .DEPTH(SLOTS)
  ) u_beats (
      .clk_i,
      .we_i   (we),
      .waddr_i(waddr),
      .wdata_i(wdata),
      .re_i   (re),
      .raddr_i(raddr),
      .rdata_o(w_o.data)
  );
  logic [$clog2(SEGS):0] unused_count;
  eqx_reg_fifo #(
      .WIDTH($bits(tag_t)),
      .DEPTH(SEGS)
  ) u_committed (
      .clk_i,
      .rst_ni,
      .push_i (commit),
      .wdata_i(commit_tag),
      .count_o(unused_count),
      .valid_o(head_valid),
      .ready_i(seg_out),
      .rdata_o(head)
  );

  // Send.
  logic b_valid, b_end;
  logic [CW-1:0] b_ctx, w_ctx;
  eqx_dma_pkg::tail_t b_tail;
  eqx_dma_store_issue #(
      .BUS  (BUS),
      .PAGE (PAGE),
      .SLOTS(SLOTS),
      .CTX  (CTX),
      .OUT  (MAX_OUTSTANDING)
  ) u_issue (
      .clk_i,
      .rst_ni,
      .drop_i     (lost_o),
      .seg_valid_i(head_valid),
      .seg_pop_o  (seg_out),
      .addr_i     (head.addr),
      .beats_i    (head.beats),
      .ctx_i      (head.ctx),
      .tail_i     (head.tail),
      .re_o       (re),
      .raddr_o    (raddr),
      .awvalid_o,
      .awready_i,
      .awaddr_o   (aw_o.addr),
      .awlen_o    (aw_o.len),
      .wvalid_o,
      .wready_i,
      .wlast_o    (w_o.last),
      .wctx_o     (w_ctx),
      .b_valid_o  (b_valid),
      .b_pop_i    (bvalid_i),
      .b_ctx_o    (b_ctx),
      .b_end_o    (b_end),
      .b_tail_o   (b_tail)
  );
  eqx_dma_watchdog u_watchdog (
      .clk_i,
      .rst_ni,
      .limit_i (timeout_i),
      .open_i  (b_valid),
      .answer_i(bvalid_i),
      .idle_i  (!b_valid && !head_valid),
      .lost_o
  );
  assign aw_o.id    = 1'b0;
  assign aw_o.size  = 3'($clog2(BUS));
  assign aw_o.burst = 2'b01;
  assign w_o.strb   = '1;
  assign bready_o   = 1'b1;

  // Reports.
  logic [CTX-1:0] b_owner, w_owner;
  assign b_owner = CTX'(bvalid_i && b_valid && !lost_o) << b_ctx;  // late answers have no owner
  assign w_owner = CTX'(wvalid_o && wready_i && !lost_o) << w_ctx;
  eqx_dma_status #(
      .CTX       (CTX),
      .FLIGHT_MAX(SEGS + MAX_OUTSTANDING)
  ) u_status (
      .clk_i,
      .rst_ni,
      .kill_i      (kill),
      .ready_i     (ready),
      .stop_o      (stop),
      .held_i      (runs_held | cut_held),
      .policy_i    (policy),
      .start_i     (take),
      .end_i       (b_end ? b_owner : '0),
      .finish_i    (b_tail.last ? b_owner : '0),
      .tail_i      (b_tail),
      .beat_i      (w_owner),
      .lost_i      (lost_o),
      .resp_err_i  (b_i.resp != 2'b00 ? b_owner : '0),
      .walk_err_i  (walk_err),
      .walk_cause_i(walk_cause),
      .unit_rsp_o,
      .stall_o
  );

  logic unused;
  assign unused = b_i.id;
endmodule
