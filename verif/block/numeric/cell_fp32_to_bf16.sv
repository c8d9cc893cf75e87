// Rounds fp32 to bf16 (nearest even; flushes subnormals, canonical NaN). Combinational.
module cell_fp32_to_bf16 (
    input  logic [31:0] x_i,
    output logic [15:0] y_o
);
  assign y_o = eqx_fp_pkg::fp32_to_bf16(x_i);
endmodule
