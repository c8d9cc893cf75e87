// Activation functions bf16 -> bf16 (eqx_isa_pkg::act_e; ACT_NONE and unused codes copy), defined in docs/numerics.md.
// Latency: 4 cycles, one operation a cycle. No handshake: valid_i enables the stages an operand passes; y_o holds its
// value until the next valid operand's result.
// Stages: a product; range reduction; tables and multiplier; addition, normalisation and rounding.
module eqx_bf16_act (
    input  logic        clk_i,
    input  logic        valid_i,
    input  logic [ 3:0] fn_i,
    input  logic [15:0] x_i,
    output logic [15:0] y_o
);
  logic                  [ 2:0] valid_q;
  logic                  [ 3:0] fn_q;
  eqx_bf16_act_pkg::s0_t        s0_q;
  eqx_bf16_act_pkg::s1_t        s1_q;
  eqx_bf16_act_pkg::s2_t        s2_q;
  logic                  [15:0] y_q;

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[1:0], valid_i};
    if (valid_i) begin
      s0_q <= eqx_bf16_act_pkg::stage0(x_i);
      fn_q <= fn_i;
    end
    if (valid_q[0]) s1_q <= eqx_bf16_act_pkg::stage1(fn_q, s0_q);
    if (valid_q[1]) s2_q <= eqx_bf16_act_pkg::stage2(s1_q);
    if (valid_q[2]) y_q <= eqx_bf16_act_pkg::stage3(s2_q);
  end

  assign y_o = y_q;
endmodule
