// bf16 multiplier with an fp32 result: the product is exact (16-bit significand), overflows to infinity, and is a
// signed zero below 2**-126.
// Latency: 1 cycle, one operation a cycle. No handshake: valid_i enables the output register.
module cell_bf16_mul (
    input  logic        clk_i,
    input  logic        valid_i,
    input  logic [15:0] a_i,
    input  logic [15:0] b_i,
    output logic [31:0] y_o
);
  logic [31:0] y_q;
  always_ff @(posedge clk_i) if (valid_i) y_q <= eqx_fp_pkg::bf16_mul(a_i, b_i);
  assign y_o = y_q;
endmodule
