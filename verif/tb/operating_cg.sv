// Covergroup of the core's operating space that needs a look at every cycle, and a snapshot of what training does, for
// the covergroup of the same name that Python samples when a batch is dispatched (verif/env/coverage_operating.py).
// A label is <point>__<bin>: verif/lib/coverage.py sorts the hits by it. Cover properties cost nothing without
// coverage.
module operating_cg #(
    parameter int unsigned UNITS = 4,
    parameter int unsigned CTX   = 3,
    parameter int unsigned C_INF = 2
) (
    input logic clk_i,
    input logic rst_ni,
    input eqx_pkg::mode_e mode_i,
    input logic [UNITS-1:0][CTX-1:0] busy_i,
    input logic [UNITS-1:0][CTX-1:0] quiet_i,
    input logic [CTX-1:0] drain_i,  // commands
    input logic [CTX-1:0] idle_i,
    // MMU; class 0 inference, 1 training
    input logic [1:0] tile_valid_i,  // a loaded tile is at the front
    input logic [1:0] tile_last_i,  // one row of it is left
    input logic [1:0] row_take_i,
    input logic [CTX-1:0] loading_i,  // whose tile the load port loads
    input logic load_wait_i,  // an inference tile waits for a training tile's load
    // VPU
    input logic [1:0] seg_valid_i,
    input logic [1:0][1:0] seg_conv_i,  // eqx_isa_pkg::conv_e
    input logic [1:0] turn_i,
    // DMA: contexts that want the bus
    input logic [CTX-1:0] ld_req_i,
    input logic [CTX-1:0] st_req_i,
    // what training does now
    output logic draining_o,
    output logic [1:0] mmu_o,  // 0 nothing, 1 loads its front tile, 2 a tile before its first row, 3 amid its rows
    output logic [2:0] vpu_o,  // 0 nothing, 1 + conv_e of the segment
    output logic [1:0] ld_o,  // 0 nothing, 1 wants the bus, 2 works otherwise
    output logic [1:0] st_o
);
  localparam logic [CTX-1:0] TRN_MASK = ~CTX'((1 << C_INF) - 1);
  localparam int unsigned MMU = int'(eqx_isa_pkg::UNIT_MMU);
  localparam int unsigned VPU = int'(eqx_isa_pkg::UNIT_VPU);
  localparam int unsigned LD = int'(eqx_isa_pkg::UNIT_LD);
  localparam int unsigned ST = int'(eqx_isa_pkg::UNIT_ST);

  logic amid_q, drain_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) amid_q <= 1'b0;
    else if (row_take_i[1]) amid_q <= !tile_last_i[1];
    else if (!tile_valid_i[1]) amid_q <= 1'b0;
    if (!rst_ni || (|(TRN_MASK & idle_i))) drain_q <= 1'b0;
    else if (|(TRN_MASK & drain_i)) drain_q <= 1'b1;
  end
  assign draining_o = drain_q;

  always_comb begin
    if (tile_valid_i[1]) mmu_o = amid_q ? 2'd3 : 2'd2;
    else mmu_o = (|(loading_i & TRN_MASK)) ? 2'd1 : 2'd0;
    vpu_o = seg_valid_i[1] ? 3'd1 + 3'(seg_conv_i[1]) : 3'd0;
    ld_o  = (|(ld_req_i & TRN_MASK)) ? 2'd1 : (|(~quiet_i[LD] & TRN_MASK)) ? 2'd2 : 2'd0;
    st_o  = (|(st_req_i & TRN_MASK)) ? 2'd1 : (|(~quiet_i[ST] & TRN_MASK)) ? 2'd2 : 2'd0;
  end

  default clocking @(posedge clk_i);
  endclocking
  default disable iff (!rst_ni);
  logic prio, row, line, compute, bus;
  logic [1:0] conv;
  assign prio    = mode_i == eqx_pkg::MODE_PRIO;
  assign row     = row_take_i[0] && tile_valid_i[1];  // an inference row enters, a loaded training tile does not
  assign line    = turn_i[0] && seg_valid_i[1];  // an inference line starts, a training segment is suspended
  assign conv    = seg_conv_i[1];
  assign compute = |((busy_i[MMU] | busy_i[VPU]) & TRN_MASK);
  assign bus     = |((busy_i[LD] | busy_i[ST]) & TRN_MASK);

  // Where training was when inference passed it. A segment's first line is never passed: it follows its grant
  // (vpu_checks).
  cr_mmu_passed__fair__before_first_row :
  cover property (mode_i == eqx_pkg::MODE_FAIR && row && !amid_q);
  cr_mmu_passed__priority__before_first_row :
  cover property (prio && row && !amid_q);
  cr_mmu_passed__priority__amid_rows :
  cover property (prio && row && amid_q && !tile_last_i[1]);
  cr_mmu_passed__priority__before_last_row :
  cover property (prio && row && amid_q && tile_last_i[1]);
  cr_mmu_passed__inference_only__before_first_row :
  cover property (mode_i == eqx_pkg::MODE_INF_ONLY && row && !amid_q);
  cr_mmu_passed__inference_only__amid_rows :
  cover property (mode_i == eqx_pkg::MODE_INF_ONLY && row && amid_q);
  cp_vpu_passed__plain :
  cover property (prio && line && conv == eqx_isa_pkg::CONV_NONE);
  cp_vpu_passed__rows :
  cover property (prio && line && conv == eqx_isa_pkg::CONV_ROWS);
  cp_vpu_passed__cols :
  cover property (prio && line && conv == eqx_isa_pkg::CONV_COLS);
  cp_load_port__training_before_waiting_inference :
  cover property (prio && load_wait_i);
  cp_load_port__training_under_inference_rows :
  cover property ((|(loading_i & TRN_MASK)) && row_take_i[0]);
  cp_load_port__inference_under_training_rows :
  cover property ((|(loading_i & ~TRN_MASK)) && row_take_i[1]);

  // Who works where at the same time.
  cp_together__mmu_inference_vpu_training :
  cover property ((|(busy_i[MMU] & ~TRN_MASK)) && (|(busy_i[VPU] & TRN_MASK)));
  cp_together__mmu_training_vpu_inference :
  cover property ((|(busy_i[MMU] & TRN_MASK)) && (|(busy_i[VPU] & ~TRN_MASK)));
  cp_together__both_inference :
  cover property ((|(busy_i[MMU] & ~TRN_MASK)) && (|(busy_i[VPU] & ~TRN_MASK)));
  cp_together__both_training :
  cover property ((|(busy_i[MMU] & TRN_MASK)) && (|(busy_i[VPU] & TRN_MASK)));
  cp_together__training_computes_and_moves_data :
  cover property (compute && bus);
endmodule
