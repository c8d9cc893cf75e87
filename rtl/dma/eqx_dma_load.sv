// LD unit: executes LOAD, DRAM (AXI4 master, read) to ACTD, WGTD, STG. Formats: isa.md; timing rules: dma.md.
// Bursts of several contexts are arbitrated one by one and share one AXI id, so data comes back in the order of issue.
// Latency: instruction in cycle t, ARVALID in t+4; a word is written, and completion pulses, one cycle after its last
// beat.
// Handshake: rready_o is constant 1. arready_i reaches the registers of the contexts (burst taken) combinationally.
module eqx_dma_load #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    parameter int unsigned MAX_OUTSTANDING = eqx_pkg::LD_OUTSTANDING,  // bursts, power of two
    parameter int unsigned MAX_BEATS = eqx_pkg::LD_BURST,  // beats a burst, power of two
    localparam int unsigned K = CFG.K,
    localparam int unsigned L = CFG.L,
    localparam int unsigned BUS = CFG.BUS,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF,
    // a beat of the AXI4 channel R
    // verilog_lint: waive typedef-structs-unions (a parameter cannot be a typedef)
    localparam type axi_r_t = struct packed {
      logic             id;
      logic [8*BUS-1:0] data;
      logic [1:0]       resp;
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
    // AXI4 read master
    output logic arvalid_o,
    input logic arready_i,
    output eqx_pkg::axi_addr_t ar_o,
    input logic rvalid_i,
    output logic rready_o,
    input axi_r_t r_i,
    // buffers
    output logic actd_we_o,
    output logic [15:0] actd_waddr_o,
    output logic wgtd_we_o,
    output logic [15:0] wgtd_waddr_o,
    output logic [8*K+7:0] blk_wdata_o,
    output logic stg_we_o,
    output logic [15:0] stg_waddr_o,
    output logic [32*L-1:0] stg_wdata_o
);
  localparam int unsigned BURST = (MAX_BEATS < eqx_pkg::AXI_PAGE / BUS) ? MAX_BEATS : eqx_pkg::AXI_PAGE / BUS;
  localparam int unsigned CW = (CTX > 1) ? $clog2(CTX) : 1;

  eqx_cfg_check #(
      .UNIT("dma_load"),
      .CFG (CFG)
  ) u_check ();
  if (MAX_BEATS < 1 || MAX_BEATS > eqx_pkg::AXI_BURST || (MAX_BEATS & (MAX_BEATS - 1)) != 0) begin : g_check
    $fatal(1, "dma_load: MAX_BEATS = %0d: legal is a power of two in 1..%0d", MAX_BEATS, eqx_pkg::AXI_BURST);
  end

  // Contexts: instructions to runs to bursts.
  logic [CTX-1:0] kill, ready, stop, runs_held, cut_held, walk_err, req, gnt, take;
  logic                [CTX-1:0][3:0] walk_cause;
  eqx_dma_pkg::burst_t [CTX-1:0]      burst;

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    logic run_valid, run_ready;
    eqx_dma_pkg::run_t run;
    eqx_dma_runs #(
        .OPCODE(eqx_isa_pkg::OP_LOAD),
        .BUS   (BUS),
        .DEPTH ({17'd0, 17'(CFG.STG_DEPTH), 17'(CFG.WGTD_DEPTH), 17'(CFG.ACTD_DEPTH)}),
        .LINES (4'(1 << eqx_isa_pkg::LDD_STG)),
        .RELOC (4'(1 << eqx_isa_pkg::LDD_WGTD))
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
    eqx_dma_load_cut #(
        .BUS  (BUS),
        .KB   (K / BUS),
        .LB   (4 * L / BUS),
        .BURST(BURST)
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
        .burst_o    (burst[c])
    );
    assign kill[c] = unit_req_i[c].kill;
  end

  // One burst a cycle goes to the address register and the queue of what is in flight.
  typedef struct packed {
    logic [CW-1:0]      ctx;
    logic               first;
    logic [15:0]        laddr;
    logic [11:0]        len;
    logic [1:0]         sp;
    eqx_dma_pkg::tail_t tail;
  } info_t;
  localparam int unsigned QW = $clog2(MAX_OUTSTANDING);

  logic can_take, policy, head_valid;
  logic                [  QW:0] count;
  logic                [CW-1:0] gnt_idx;
  eqx_dma_pkg::burst_t          pick;
  info_t                        head;

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
  assign can_take = !lost_o && (!arvalid_o || arready_i) && count != (QW + 1)'(MAX_OUTSTANDING);
  assign take     = can_take ? gnt : '0;
  always_comb begin
    gnt_idx = '0;
    for (int unsigned c = 0; c < CTX; c++) if (gnt[c]) gnt_idx = CW'(c);
  end
  assign pick = burst[gnt_idx];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) arvalid_o <= 1'b0;
    else arvalid_o <= (|take) || (arvalid_o && !arready_i);
  end
  logic [31:0] addr_q;
  logic [ 7:0] len_q;
  always_ff @(posedge clk_i) begin
    if (|take) begin
      addr_q <= pick.addr;
      len_q  <= 8'(pick.beats - 9'd1);
    end
  end
  assign ar_o     = '{id: 1'b0, addr: addr_q, len: len_q, size: 3'($clog2(BUS)), burst: 2'b01};
  assign rready_o = 1'b1;

  logic burst_over;
  assign burst_over = rvalid_i && r_i.last;
  eqx_reg_fifo #(
      .WIDTH($bits(info_t)),
      .DEPTH(MAX_OUTSTANDING)
  ) u_flight (
      .clk_i,
      .rst_ni,
      .push_i (|take),
      .wdata_i({gnt_idx, pick.first, pick.laddr, pick.len, pick.sp, pick.tail}),
      .count_o(count),
      .valid_o(head_valid),
      .ready_i(burst_over),
      .rdata_o(head)
  );

  eqx_dma_watchdog u_watchdog (
      .clk_i,
      .rst_ni,
      .limit_i (timeout_i),
      .open_i  (head_valid),
      .answer_i(burst_over),
      .idle_i  (!head_valid),
      .lost_o
  );

  // Data. Late answers have no owner.
  logic [CTX-1:0] owner, resp_err;
  logic [15:0] waddr;
  assign owner    = CTX'(rvalid_i && head_valid && !lost_o) << head.ctx;
  assign resp_err = (r_i.resp != 2'b00) ? owner : '0;

  eqx_dma_load_data #(
      .CFG(CFG)
  ) u_data (
      .clk_i,
      .rst_ni,
      .beat_i     (rvalid_i),
      .last_i     (r_i.last),
      .drop_i     (lost_o || |(owner & (stop | resp_err))),
      .data_i     (r_i.data),
      .ctx_i      (head.ctx),
      .run_first_i(head.first),
      .laddr_i    (head.laddr),
      .len_i      (head.len),
      .sp_i       (head.sp),
      .actd_we_o,
      .wgtd_we_o,
      .stg_we_o,
      .waddr_o    (waddr),
      .blk_wdata_o,
      .stg_wdata_o
  );
  assign actd_waddr_o = waddr;
  assign wgtd_waddr_o = waddr;
  assign stg_waddr_o  = waddr;

  eqx_dma_status #(
      .CTX       (CTX),
      .FLIGHT_MAX(MAX_OUTSTANDING)
  ) u_status (
      .clk_i,
      .rst_ni,
      .kill_i      (kill),
      .ready_i     (ready),
      .stop_o      (stop),
      .held_i      (runs_held | cut_held),
      .policy_i    (policy),
      .start_i     (take),
      .end_i       (burst_over ? owner : '0),
      .finish_i    (burst_over && head.tail.last ? owner : '0),
      .tail_i      (head.tail),
      .beat_i      (owner),
      .lost_i      (lost_o),
      .resp_err_i  (resp_err),
      .walk_err_i  (walk_err),
      .walk_cause_i(walk_cause),
      .unit_rsp_o,
      .stall_o
  );

  logic unused;
  assign unused = r_i.id;
endmodule
