// The VPU's lanes with the reduction tree and the control pipeline that goes along.
// Latency, counted from the cycle in which a line starts (stage 0; the memories' data are here in stage 1):
// SOF is written in stage 4, w_o is valid and VEC and TXB are written in stage 8 + log2(L), the last one.
module eqx_vpu_lanes #(
    parameter int unsigned L = 16,
    localparam int unsigned LEVELS = $clog2(L),
    localparam int unsigned LAST = eqx_pkg::VEC_STAGE + LEVELS
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
    output logic               [L-1:0][15:0] w_o
);
  // ---- Control
  logic [LAST:1]  valid_q;
  eqx_vpu_pkg::line_t line_q[LAST+1];  // index 0 unused
  eqx_vpu_pkg::op_t   op_q;
  logic [15:0]    imm_q;

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
    for (int unsigned i = 2; i <= LAST; i++) if (valid_q[i-1]) line_q[i] <= line_q[i-1];
  end

  logic [7:2] use_d;
  logic [7:4] need_w;
  logic [7:4] plain;
  always_comb begin
    for (int unsigned i = 2; i <= 7; i++) use_d[i] = valid_q[i] && line_q[i].use_d;
    for (int unsigned i = 4; i <= 7; i++) begin
      need_w[i] = valid_q[i] && line_q[i].need_w;
      plain[i]  = need_w[i] && line_q[i].act == eqx_isa_pkg::ACT_NONE;
    end
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
        .valid_i    (valid_q[3:2]),
        .add_i      ({line_q[3].add, line_q[2].add}),
        .use_c_i    (line_q[2].use_c),
        .act_valid_i(need_w[4] && !plain[4]),
        .act_i      (line_q[4].act),
        .plain_i    (plain),
        .use_d_i    (use_d),
        .need_w_i   (need_w[7]),
        .s_o        (s_o[l]),
        .u_o        (u[l])
    );
  end

  // ---- Reduction
  logic [LEVELS-1:0]    red_valid;
  logic [LEVELS:0][1:0] red;
  always_comb begin
    for (int unsigned i = 0; i < LEVELS; i++) red_valid[i] = valid_q[8+i] && line_q[8+i].need_w;
    for (int unsigned i = 0; i <= LEVELS; i++) red[i] = line_q[8+i].red;
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

  assign sof_we_o    = valid_q[4] && line_q[4].r_sp == eqx_isa_pkg::DST_SOF;
  assign sof_waddr_o = line_q[4].r_addr;
  assign valid_o     = valid_q[LAST];
  assign line_o      = line_q[LAST];
endmodule
