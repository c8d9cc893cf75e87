// The VPU's lanes with the reduction tree and the control pipeline that goes along.
// Latency, counted from the cycle in which a line starts (stage 0; the memories' data are here in stage 1):
// SOF is written in stage 5, w_o is valid and VEC and TXB are written in the last stage, 10 + 2 log2(L).
// What completes is told VPU_AHEAD stages before.
module eqx_vpu_lanes #(
    parameter int unsigned L = 16,
    localparam int unsigned LEVELS = $clog2(L),
    localparam int unsigned REDUCE = eqx_pkg::REDUCE_LATENCY * LEVELS,
    localparam int unsigned LAST = eqx_vpu_pkg::line_stage(L)
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             valid_i,      // stage 0
    input  eqx_vpu_pkg::line_t               line_i,
    input  eqx_vpu_pkg::op_t                 op_i,
    input  logic               [ 15:0]       imm_i,
    input  logic               [L-1:0][15:0] vec_a_i,      // stage 1
    input  logic               [L-1:0][15:0] vec_b_i,
    input  logic               [L-1:0][15:0] vec_c_i,
    input  logic               [L-1:0][15:0] rxb_i,
    input  logic               [L-1:0][31:0] acc_i,
    input  logic               [L-1:0][31:0] stg_i,
    output logic                             sof_we_o,
    output logic               [ 15:0]       sof_waddr_o,
    output logic               [L-1:0][31:0] s_o,
    output logic                             valid_o,      // last stage
    output eqx_vpu_pkg::line_t               line_o,
    output logic               [L-1:0][15:0] w_o,
    output logic                             done_o,       // VPU_AHEAD stages before: completes its instruction,
    output logic               [  3:0]       done_ctx_o    // of this context
);
  // ---- Control
  logic [LAST:1]  valid_q;
  eqx_vpu_pkg::line_t line_q[LAST+1];  // index 0 unused
  eqx_vpu_pkg::op_t   op_q;
  logic [15:0]    imm_q;
  logic use_b_q, neg_q;  // stage 2

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[LAST-1:1], valid_i};
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      line_q[1] <= line_i;
      op_q      <= op_i;
      imm_q     <= imm_i;
    end
    if (valid_q[1]) begin
      use_b_q <= op_q.b_sp != eqx_isa_pkg::SRC_NONE;
      neg_q   <= op_q.p_neg;
    end
    for (int unsigned i = 2; i <= LAST; i++) if (valid_q[i-1]) line_q[i] <= line_q[i-1];
  end

  logic [9:2] use_d;
  always_comb begin
    for (int unsigned i = 2; i <= 9; i++) use_d[i] = valid_q[i] && line_q[i].use_d;
  end

  // ---- Lanes
  logic [L-1:0][15:0] u;
  for (genvar l = 0; l < L; l++) begin : g_lane
    eqx_vpu_lane u_lane (
        .clk_i,
        .valid1_i   (valid_q[1]),
        .op_i       (op_q),
        .vec_a_i    (vec_a_i[l]),
        .vec_b_i    (vec_b_i[l]),
        .vec_c_i    (vec_c_i[l]),
        .rxb_i      (rxb_i[l]),
        .acc_i      (acc_i[l]),
        .stg_i      (stg_i[l]),
        .imm_i      (imm_q),
        .valid_i    (valid_q[4:2]),
        .use_b_i    (use_b_q),
        .neg_i      (neg_q),
        .add_i      ({line_q[4].add, line_q[3].add}),
        .use_c_i    ({line_q[3].use_c, line_q[2].use_c}),
        .act_i      (line_q[5].act),
        .use_d_i    (use_d),
        .act_valid_i(valid_q[5] && line_q[5].need_w),
        .need_w_i   (valid_q[9] && line_q[9].need_w),
        .s_o        (s_o[l]),
        .u_o        (u[l])
    );
  end

  // ---- Reduction
  localparam int unsigned FIRST = eqx_pkg::VEC_STAGE;
  logic [REDUCE-1:0]    red_valid;
  logic [REDUCE:0][1:0] red;
  always_comb begin
    for (int unsigned i = 0; i < REDUCE; i++) red_valid[i] = valid_q[FIRST+i] && line_q[FIRST+i].need_w;
    for (int unsigned i = 0; i <= REDUCE; i++) red[i] = line_q[FIRST+i].red;
  end
  eqx_vpu_reduce #(
      .L(L)
  ) u_reduce (
      .clk_i,
      .valid_i(red_valid),
      .red_i  (red),
      .u_i    (u),
      .w_o
  );

  assign sof_we_o    = valid_q[5] && line_q[5].r_sp == eqx_isa_pkg::DST_SOF;
  assign sof_waddr_o = line_q[5].r_addr;
  assign valid_o     = valid_q[LAST];
  assign line_o      = line_q[LAST];

  localparam int unsigned DONE = LAST - eqx_pkg::VPU_AHEAD;
  assign done_o = valid_q[DONE] && line_q[DONE].tag.ilast && line_q[DONE].tag.mode == eqx_isa_pkg::CONV_NONE;
  assign done_ctx_o = line_q[DONE].tag.ctx;
endmodule
