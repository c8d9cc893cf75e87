// Larger of two bf16 values: NaN if either is NaN, max(+0, -0) = +0, subnormals read as zero. Combinational.
module cell_bf16_max (
    input  logic [15:0] a_i,
    input  logic [15:0] b_i,
    output logic [15:0] y_o
);
  assign y_o = eqx_fp_pkg::bf16_max(a_i, b_i);
endmodule
