// Larger of two fp32 values: NaN if either is NaN, max(+0, -0) = +0, subnormals read as zero. Combinational.
module cell_fp32_max (
    input  logic [31:0] a_i,
    input  logic [31:0] b_i,
    output logic [31:0] y_o
);
  assign y_o = eqx_fp_pkg::fp32_max(a_i, b_i);
endmodule
