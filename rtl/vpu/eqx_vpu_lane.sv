// One lane of the VPU: the VECTOR equation of docs/isa.md up to u, one line a cycle.
// Latency, counted from the cycle in which the memories' data are here (stage 1): s_o in stage 4, u_o in stage 8.
// Stages: 1 multiply, 2-3 add or maximum, 4-6 activation, 7 multiply. Registers move only where a line needs them.
module eqx_vpu_lane (
    input  logic                    clk_i,
    // Stage 1: operands as read, and what to do with them.
    input  logic                    valid1_i,
    input  eqx_vpu_pkg::op_t        op_i,         // valid in stage 1 only
    input  logic             [15:0] vec_a_i,
    input  logic             [15:0] vec_b_i,
    input  logic             [15:0] vec_c_i,
    input  logic             [15:0] rxb_i,
    input  logic             [31:0] acc_i,
    input  logic             [31:0] stg_i,
    input  logic             [15:0] imm_i,
    // Later stages, index = stage; all but add_i, use_c_i and act_i imply that the stage holds a line.
    input  logic             [ 3:2] valid_i,
    input  logic             [ 3:2] add_i,
    input  logic                    use_c_i,      // stage 2
    input  logic                    act_valid_i,  // stage 4: there is an activation function,
    input  logic             [ 3:0] act_i,        // namely
    input  logic             [ 7:4] plain_i,      // there is none, but a bf16 result
    input  logic             [ 7:2] use_d_i,
    input  logic                    need_w_i,     // stage 7: there is a bf16 result
    output logic             [31:0] s_o,
    output logic             [15:0] u_o
);
  // Not every field of the operation matters here.
  // verilator lint_off UNUSEDSIGNAL
  eqx_vpu_pkg::op_t op;
  // verilator lint_on UNUSEDSIGNAL
  assign op = op_i;

  // Source operand as fp32, subnormals flushed and NaN canonical.
  function automatic logic [31:0] widen(input logic [2:0] space, input logic [15:0] vec, input logic [15:0] rxb,
                                        input logic [31:0] acc, input logic [31:0] stg);
    logic [31:0] wide;
    case (space)
      eqx_isa_pkg::SRC_VEC, eqx_isa_pkg::SRC_CST: wide = {vec, 16'd0};
      eqx_isa_pkg::SRC_RXB:                       wide = {rxb, 16'd0};
      eqx_isa_pkg::SRC_ACC:                       wide = acc;
      eqx_isa_pkg::SRC_STG:                       wide = stg;
      default:                                    wide = 32'd0;
    endcase
    return eqx_fp_pkg::fp32_is_nan(wide) ? eqx_fp_pkg::FP32_NAN : eqx_fp_pkg::fp32_flush(wide);
  endfunction

  // ---- Stages 1 to 3
  logic [31:0] p_q, z_q, pass_q, s_q;
  eqx_fp_pkg::add_mid_t        sum_q;
  logic                 [31:0] p;

  always_comb begin
    p = 32'd0;
    if (valid1_i) begin
      p = widen(op.a_sp, vec_a_i, rxb_i, acc_i, stg_i);
      if (op.b_sp != eqx_isa_pkg::SRC_NONE)
        p = eqx_fp_pkg::bf16_mul(eqx_fp_pkg::fp32_to_bf16(p), (op.b_sp == eqx_isa_pkg::SRC_IMM) ? imm_i : vec_b_i);
      if (op.p_neg) p = eqx_fp_pkg::fp32_neg(p);
    end
  end

  logic [31:0] z;
  always_comb begin
    z = 32'd0;
    if (valid1_i && op.c_sp != eqx_isa_pkg::SRC_NONE) begin
      z = widen(op.c_sp, vec_c_i, rxb_i, acc_i, stg_i);
      if (op.c_neg) z = eqx_fp_pkg::fp32_neg(z);
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid1_i) p_q <= p;
    if (valid1_i && op.c_sp != eqx_isa_pkg::SRC_NONE) z_q <= z;
    if (valid_i[2] && add_i[2]) sum_q <= eqx_fp_pkg::fp32_add_align(p_q, z_q);
    if (valid_i[2] && !add_i[2]) pass_q <= use_c_i ? eqx_fp_pkg::fp32_max(p_q, z_q) : p_q;
    if (valid_i[3]) s_q <= add_i[3] ? eqx_fp_pkg::fp32_add_round(sum_q) : pass_q;
  end
  assign s_o = s_q;

  // ---- D waits for stage 7
  logic [7:2][15:0] d_q;
  always_ff @(posedge clk_i) begin
    if (valid1_i && op.d_sp != eqx_isa_pkg::SRC_NONE)
      d_q[2] <= eqx_fp_pkg::fp32_to_bf16(widen(op.d_sp, vec_c_i, rxb_i, acc_i, stg_i));
    for (int unsigned i = 3; i <= 7; i++) if (use_d_i[i-1]) d_q[i] <= d_q[i-1];
  end

  // ---- Stages 4 to 7
  logic [15:0] x, t_act, t, u_q;
  logic [7:5][15:0] plain_q;
  assign x = eqx_fp_pkg::fp32_to_bf16(s_q);

  eqx_bf16_act u_act (
      .clk_i,
      .valid_i(act_valid_i),
      .fn_i   (act_i),
      .x_i    (x),
      .y_o    (t_act)
  );

  assign t = plain_i[7] ? plain_q[7] : t_act;
  always_ff @(posedge clk_i) begin
    if (plain_i[4]) plain_q[5] <= x;
    for (int unsigned i = 6; i <= 7; i++) if (plain_i[i-1]) plain_q[i] <= plain_q[i-1];
    if (need_w_i) u_q <= use_d_i[7] ? eqx_fp_pkg::fp32_to_bf16(eqx_fp_pkg::bf16_mul(t, d_q[7])) : t;
  end
  assign u_o = u_q;
endmodule
