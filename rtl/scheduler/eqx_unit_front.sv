// A unit's share of the front end: its instruction memory and the stream of every context.
// The memory does one read a cycle, round robin over the contexts that want one. Latency: as in instr_stream.
// Memory and streams are as wide as the unit's instructions; the unit gets zeros for the bits above.
// An inference context keeps its instruction, so that nobody else's fetch delays it. A training context's waits at the
// memory's output, and is read again when another context has read since (instr_stream's KEEP).
module eqx_unit_front #(
    parameter int unsigned CTX = 3,
    parameter int unsigned C_INF = 2,  // contexts below are inference: their programs run once
    parameter int unsigned IMEM_DEPTH = 512,
    parameter int unsigned IB = eqx_isa_pkg::INSTR_BITS,  // bits of the unit's instructions
    localparam int unsigned AW = (IMEM_DEPTH > 1) ? $clog2(IMEM_DEPTH) : 1
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic                               imem_we_i,
    input  logic               [   15:0]       imem_addr_i,
    input  logic               [ IB-1:0]       imem_wdata_i,
    input  logic               [CTX-1:0]       run_i,
    input  logic               [CTX-1:0]       valid_i,
    input  logic               [CTX-1:0]       load_i,         // inference: base_i is the next run's
    input  logic               [CTX-1:0][15:0] base_i,
    input  logic               [CTX-1:0][31:0] limit_i,
    input  logic               [CTX-1:0][15:0] iter_mod_i,
    output logic               [CTX-1:0][31:0] iters_o,
    output logic               [CTX-1:0]       ended_o,
    output logic               [CTX-1:0]       range_err_o,
    input  logic               [CTX-1:0][15:0] sem_i,
    output logic               [CTX-1:0][15:0] take_o,
    output logic               [CTX-1:0]       nop_o,
    output logic               [CTX-1:0][15:0] nop_signal_o,
    output logic               [CTX-1:0]       nop_step_o,
    input  logic               [CTX-1:0]       kill_i,
    input  eqx_pkg::ctx_env_t  [CTX-1:0]       env_i,
    output eqx_pkg::unit_req_t [CTX-1:0]       unit_req_o,
    input  logic               [CTX-1:0]       instr_ready_i,
    output logic               [CTX-1:0]       dep_wait_o,
    output logic               [CTX-1:0]       fetch_wait_o
);
  logic [CTX-1:0] req, gnt, own;
  logic [CTX-1:0][15:0] addr;
  logic [   15:0]       raddr;
  logic [ IB-1:0]       rdata;

  eqx_rr_arb #(
      .WIDTH(CTX)
  ) u_arb (
      .clk_i,
      .rst_ni,
      .req_i (req),
      .take_i(1'b1),
      .gnt_o (gnt),
      .last_o(own)
  );
  always_comb begin
    raddr = '0;
    for (int unsigned c = 0; c < CTX; c++) if (gnt[c]) raddr = raddr | addr[c];
  end

  eqx_sram_1r1w #(
      .WIDTH(IB),
      .DEPTH(IMEM_DEPTH)
  ) u_imem (
      .clk_i,
      .we_i   (imem_we_i && 32'(imem_addr_i) < IMEM_DEPTH),
      .waddr_i(imem_addr_i[AW-1:0]),
      .wdata_i(imem_wdata_i),
      .re_i   (|gnt),
      .raddr_i(raddr[AW-1:0]),
      .rdata_o(rdata)
  );

  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    logic [IB-1:0] instr;
    assign unit_req_o[c].kill  = kill_i[c];
    assign unit_req_o[c].env   = env_i[c];
    assign unit_req_o[c].instr = eqx_isa_pkg::INSTR_BITS'(instr);
    eqx_instr_stream #(
        .IMEM_DEPTH(IMEM_DEPTH),
        .IB        (IB),
        .ONCE      (c < C_INF),
        .KEEP      (c < C_INF)
    ) u_stream (
        .clk_i,
        .rst_ni,
        .run_i        (run_i[c]),
        .valid_i      (valid_i[c]),
        .load_i       (load_i[c]),
        .base_i       (base_i[c]),
        .limit_i      (limit_i[c]),
        .iter_mod_i   (iter_mod_i[c]),
        .iters_o      (iters_o[c]),
        .ended_o      (ended_o[c]),
        .req_o        (req[c]),
        .addr_o       (addr[c]),
        .gnt_i        (gnt[c]),
        .rdata_i      (rdata),
        .own_i        (own[c]),
        .range_err_o  (range_err_o[c]),
        .sem_i        (sem_i[c]),
        .take_o       (take_o[c]),
        .nop_o        (nop_o[c]),
        .nop_signal_o (nop_signal_o[c]),
        .nop_step_o   (nop_step_o[c]),
        .instr_valid_o(unit_req_o[c].instr_valid),
        .instr_ready_i(instr_ready_i[c]),
        .instr_o      (instr),
        .iter_o       (unit_req_o[c].iter),
        .dep_wait_o   (dep_wait_o[c]),
        .fetch_wait_o (fetch_wait_o[c])
    );
  end
endmodule
