// The MATMUL loops of one context: takes instructions, gives tiles in the order chunk, g, k.
// Timing: an instruction taken in cycle x offers its first tile in x+2; a tile follows the taken one in the next cycle,
// also across instructions (one is held ready behind the running one).
// Faults: reported in order, when all earlier work of the context has left the unit; then nothing is taken until kill.
module eqx_mmu_thread #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    parameter int unsigned CTX_ID = 0
) (
    input logic clk_i,
    input logic rst_ni,
    // verilator lint_off UNUSEDSIGNAL
    input eqx_pkg::unit_req_t unit_req_i,  // iter, and relocations of other units
    // verilator lint_on UNUSEDSIGNAL
    output logic instr_ready_o,
    input logic [11:0] train_rows_i,
    // next tile, and the first line of its weights
    output logic tile_valid_o,
    output eqx_mmu_pkg::tile_t tile_o,
    output logic b_sp_o,
    output logic [15:0] b_line_o,
    input logic tile_take_i,
    // a row of an earlier tile is out of range: drop_o asks for the removal of the context's tiles
    input logic row_fault_i,
    output logic drop_o,
    input logic outside_i,  // tiles, loads or rows of this context are in the unit
    output logic held_o,  // an instruction (or its fault) is held
    output logic err_valid_o,
    output eqx_isa_pkg::err_e err_cause_o
);
  localparam int unsigned N = CFG.N;
  localparam int unsigned M = CFG.M;
  localparam int unsigned MW = $clog2(M);
  localparam bit IS_TRAIN = CTX_ID >= CFG.C_INF;

  typedef enum logic [1:0] {
    RUN   = 2'd0,
    FAULT = 2'd1,  // to be reported
    DEAD  = 2'd2   // reported: wait for kill
  } state_e;

  state_e            state_q;
  eqx_isa_pkg::err_e cause_q;
  logic              drop_q;
  logic pend_q, act_q;

  // ---- waiting instruction: relocation and checks
  // verilator lint_off UNUSEDSIGNAL
  eqx_isa_pkg::matmul_t ins_q;  // padding, and header fields that the front end has used
  // verilator lint_on UNUSEDSIGNAL

  logic [15:0] rows, chunk;
  logic [16:0] a0, c0, b0_blk;
  logic bad;

  assign rows   = (ins_q.dyn_rows != 1'b0) ? 16'(unit_req_i.env.rows) : ins_q.rows;
  assign a0     = 17'(ins_q.a_base) + ((ins_q.a_sp == eqx_isa_pkg::ASP_ACTC) ? 17'(unit_req_i.env.actc_base) : '0);
  assign b0_blk = 17'(ins_q.b_base) + ((ins_q.b_sp == eqx_isa_pkg::BSP_WGTD) ? 17'(unit_req_i.env.w_base) : '0);
  assign c0     = 17'(ins_q.c_base) + 17'(unit_req_i.env.acc_base);
  assign chunk  = IS_TRAIN ? ((train_rows_i == '0) ? 16'd1 : 16'(train_rows_i)) : rows;

  if (M == 1) begin : g_one
    assign bad = rows == '0 || ins_q.n_g == '0 || ins_q.n_k == '0 || (IS_TRAIN && ins_q.dyn_rows != 1'b0);
  end else begin : g_many
    assign bad = rows == '0 || ins_q.n_g == '0 || ins_q.n_k == '0 || (IS_TRAIN && ins_q.dyn_rows != 1'b0)
        || b0_blk[MW-1:0] != '0 || ins_q.b_base[MW-1:0] != '0 || ins_q.b_sg[MW-1:0] != '0 || ins_q.b_sk[MW-1:0] != '0;
  end

  // ---- running instruction
  logic [15:0] rows_left_q, chunk_q, signal_q;
  logic accum_q, a_sp_q, b_sp_q, step_q, k_first_q;
  logic [11:0] n_g_q, n_k_q, g_left_q, k_left_q;  // left: after this one
  logic [11:0] a_sr_q, a_sk_q, c_sr_q, c_sg_q;
  logic [16:0] b_sg_q, b_sk_q, a_step_q, c_step_q;  // steps of a chunk
  logic [16:0] b0_q, bg_q, bk_q;  // lines: of the instruction, of g, of the tile
  logic [16:0] a0_q, ak_q, c0_q, cg_q;  // of the chunk, of the tile

  logic k_end, g_end, chunk_end, done, advance, start, b_bad;
  assign k_end = k_left_q == '0;
  assign g_end = g_left_q == '0;
  assign chunk_end = rows_left_q <= chunk_q;
  assign done = k_end && g_end && chunk_end;
  assign advance = tile_take_i;
  assign b_bad = bk_q > ((b_sp_q == eqx_isa_pkg::BSP_WGTD) ? 17'(CFG.WGTD_DEPTH / M - N) : 17'(CFG.WGTC_DEPTH / M - N));
  assign start = pend_q && (!act_q || (advance && done));

  assign instr_ready_o = state_q == RUN && !unit_req_i.kill && !pend_q;
  assign tile_valid_o = state_q == RUN && !unit_req_i.kill && act_q && !b_bad;
  assign b_sp_o = b_sp_q;
  assign b_line_o = bk_q[15:0];

  always_comb begin
    tile_o.ctx         = eqx_mmu_pkg::CTX_BITS'(CTX_ID);
    tile_o.last        = done;
    tile_o.step        = step_q;
    tile_o.signal_mask = signal_q;
    tile_o.accum       = accum_q || !k_first_q;
    tile_o.a_sp        = a_sp_q;
    tile_o.rows        = chunk_end ? rows_left_q : chunk_q;
    tile_o.a_addr      = ak_q;
    tile_o.a_sr        = a_sr_q;
    tile_o.c_addr      = cg_q;
    tile_o.c_sr        = c_sr_q;
  end

  logic [16:0] a0_next, c0_next, bg_next;
  assign a0_next = eqx_mmu_pkg::sat_add(a0_q, a_step_q);
  assign c0_next = eqx_mmu_pkg::sat_add(c0_q, c_step_q);
  assign bg_next = eqx_mmu_pkg::sat_add(bg_q, b_sg_q);

  always_ff @(posedge clk_i) begin
    if (unit_req_i.instr_valid && instr_ready_o) ins_q <= unit_req_i.instr;
    if (start) begin
      {accum_q, a_sp_q, b_sp_q, step_q} <= {ins_q.accum, ins_q.a_sp, ins_q.b_sp, ins_q.step};
      signal_q <= ins_q.signal_mask;
      rows_left_q <= rows;
      chunk_q <= chunk;
      {n_g_q, g_left_q} <= {2{ins_q.n_g - 12'd1}};
      {n_k_q, k_left_q} <= {2{ins_q.n_k - 12'd1}};
      {a_sr_q, a_sk_q, c_sr_q, c_sg_q} <= {ins_q.a_sr, ins_q.a_sk, ins_q.c_sr, ins_q.c_sg};
      b_sg_q <= 17'(ins_q.b_sg >> MW);
      b_sk_q <= 17'(ins_q.b_sk >> MW);
      {b0_q, bg_q, bk_q} <= {3{b0_blk >> MW}};
      {a0_q, ak_q} <= {2{a0}};
      {c0_q, cg_q} <= {2{c0}};
      k_first_q <= 1'b1;
      if (IS_TRAIN) begin  // other contexts have one chunk
        a_step_q <= eqx_mmu_pkg::sat_mul(chunk[11:0], ins_q.a_sr);
        c_step_q <= eqx_mmu_pkg::sat_mul(chunk[11:0], ins_q.c_sr);
      end else begin
        a_step_q <= '0;
        c_step_q <= '0;
      end
    end else if (advance) begin
      k_first_q <= k_end;
      k_left_q  <= k_end ? n_k_q : k_left_q - 12'd1;
      if (!k_end) begin
        ak_q <= eqx_mmu_pkg::sat_add(ak_q, 17'(a_sk_q));
        bk_q <= eqx_mmu_pkg::sat_add(bk_q, b_sk_q);
      end else if (!g_end) begin
        g_left_q <= g_left_q - 12'd1;
        ak_q <= a0_q;
        {bg_q, bk_q} <= {2{bg_next}};
        cg_q <= eqx_mmu_pkg::sat_add(cg_q, 17'(c_sg_q));
      end else begin
        g_left_q <= n_g_q;
        rows_left_q <= rows_left_q - chunk_q;
        {a0_q, ak_q} <= {2{a0_next}};
        {bg_q, bk_q} <= {2{b0_q}};
        {c0_q, cg_q} <= {2{c0_next}};
      end
    end
  end

  // ---- control
  assign held_o      = pend_q || act_q || state_q == FAULT;
  assign drop_o      = unit_req_i.kill || drop_q;
  assign err_valid_o = state_q == FAULT && !outside_i && !unit_req_i.kill;
  assign err_cause_o = cause_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= RUN;
      cause_q <= eqx_isa_pkg::ERR_NONE;
      drop_q  <= 1'b0;
      pend_q  <= 1'b0;
      act_q   <= 1'b0;
    end else if (unit_req_i.kill) begin
      state_q <= RUN;
      cause_q <= eqx_isa_pkg::ERR_NONE;
      drop_q  <= 1'b0;
      pend_q  <= 1'b0;
      act_q   <= 1'b0;
    end else if (row_fault_i && !drop_q) begin  // earlier than any fault that this thread has found
      state_q <= FAULT;
      cause_q <= eqx_isa_pkg::ERR_OPERAND;
      drop_q  <= 1'b1;
      pend_q  <= 1'b0;
      act_q   <= 1'b0;
    end else if (state_q == RUN) begin
      if (unit_req_i.instr_valid && instr_ready_o) pend_q <= 1'b1;
      else if (start) pend_q <= 1'b0;
      if (start) act_q <= 1'b1;
      else if (advance && done) act_q <= 1'b0;
      if (act_q && b_bad || start && (ins_q.op != eqx_isa_pkg::OP_MATMUL || bad)) begin
        state_q <= FAULT;
        cause_q <= (start && ins_q.op != eqx_isa_pkg::OP_MATMUL) ?
            eqx_isa_pkg::ERR_ILLEGAL_OP : eqx_isa_pkg::ERR_OPERAND;
        pend_q <= 1'b0;
        act_q <= 1'b0;
      end
    end else if (err_valid_o) begin
      state_q <= DEAD;
    end
  end
endmodule
