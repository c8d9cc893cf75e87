// HBFP8 mantissa of one bf16 value under the block exponent: RNE(x / 2**(exp - 133)) clamped to +-127; 0 for exp 0 and
// 255.
// Combinational.
module cell_hbfp_quant (
    input  logic        [15:0] x_i,
    input  logic        [ 7:0] exp_i,
    output logic signed [ 7:0] q_o
);
  assign q_o = eqx_fp_pkg::hbfp_quant(x_i, exp_i);
endmodule
