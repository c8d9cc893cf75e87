// One lane of the VPU: the VECTOR equation of docs/isa.md up to u, one line a cycle.
// Latency, counted from the cycle in which the memories' data are here (stage 1): s_o in stage 5, u_o in stage 10.
// Stages: 1 operands, 2 multiply, 3-4 add or maximum, 5-8 activation, 9 multiply. Registers move only where a line
// needs them.
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
    // Later stages, index = stage; all but use_b_i, neg_i, add_i, use_c_i and act_i imply that the stage holds a line.
    input  logic             [ 4:2] valid_i,
    input  logic                    use_b_i,      // stage 2
    input  logic                    neg_i,        // stage 2: p's sign flips
    input  logic             [ 4:3] add_i,
    input  logic             [ 3:2] use_c_i,
    input  logic             [ 3:0] act_i,        // stage 5
    input  logic             [ 9:2] use_d_i,
    input  logic                    act_valid_i,  // stage 5: there is a bf16 result,
    input  logic                    need_w_i,     // stage 9: too
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

  // ---- Stage 1: behind the memories, operands of the product are rounded
  logic use_b;
  logic [31:0] a, c, a_q;
  logic [15:0] b_q;
  logic [3:2][31:0] z_q;
  assign use_b = op.b_sp != eqx_isa_pkg::SRC_NONE;
  always_comb begin
    a = 32'd0;
    c = 32'd0;
    if (valid1_i) begin
      a = widen(op.a_sp, vec_a_i, rxb_i, acc_i, stg_i);
      if (use_b) a = {eqx_fp_pkg::fp32_to_bf16(a), 16'd0};
      c = widen(op.c_sp, vec_c_i, rxb_i, acc_i, stg_i);
      if (op.c_neg) c = eqx_fp_pkg::fp32_neg(c);
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid1_i) a_q <= a;
    if (valid1_i && use_b) b_q <= (op.b_sp == eqx_isa_pkg::SRC_IMM) ? imm_i : vec_b_i;
    if (valid1_i && op.c_sp != eqx_isa_pkg::SRC_NONE) z_q[2] <= c;
    if (valid_i[2] && use_c_i[2]) z_q[3] <= z_q[2];
  end

  // ---- Stages 2 to 4
  logic [31:0] p, p_q, pass_q, s_q;
  eqx_fp_pkg::add_mid_t sum_q;
  always_comb begin
    p = 32'd0;
    if (valid_i[2]) begin
      p = use_b_i ? eqx_fp_pkg::bf16_mul(a_q[31:16], b_q) : a_q;
      if (neg_i) p = eqx_fp_pkg::fp32_neg(p);
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_i[2]) p_q <= p;
    if (valid_i[3] && add_i[3]) sum_q <= eqx_fp_pkg::fp32_add_align(p_q, z_q[3]);
    if (valid_i[3] && !add_i[3]) pass_q <= use_c_i[3] ? eqx_fp_pkg::fp32_max(p_q, z_q[3]) : p_q;
    if (valid_i[4]) s_q <= add_i[4] ? eqx_fp_pkg::fp32_add_round(sum_q) : pass_q;
  end
  assign s_o = s_q;

  // ---- D waits for stage 9
  logic [9:2][15:0] d_q;
  always_ff @(posedge clk_i) begin
    if (valid1_i && op.d_sp != eqx_isa_pkg::SRC_NONE)
      d_q[2] <= eqx_fp_pkg::fp32_to_bf16(widen(op.d_sp, vec_c_i, rxb_i, acc_i, stg_i));
    for (int unsigned i = 3; i <= 9; i++) if (use_d_i[i-1]) d_q[i] <= d_q[i-1];
  end

  // ---- Stages 5 to 9
  logic [15:0] t, u_q;
  eqx_bf16_act u_act (
      .clk_i,
      .valid_i(act_valid_i),
      .fn_i   (act_i),
      .x_i    (eqx_fp_pkg::fp32_to_bf16(s_q)),
      .y_o    (t)
  );

  always_ff @(posedge clk_i) begin
    if (need_w_i) u_q <= use_d_i[9] ? eqx_fp_pkg::fp32_to_bf16(eqx_fp_pkg::bf16_mul(t, d_q[9])) : t;
  end
  assign u_o = u_q;
endmodule
