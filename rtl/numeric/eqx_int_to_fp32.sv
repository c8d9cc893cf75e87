// Block product to fp32: sum_i * 2**(ea_i + eb_i - 266), where |sum_i| <= 2**24, so nothing is rounded.
// Overflow gives infinity, a magnitude below 2**-126 a signed zero, a zero sum +0, an exponent of 255 NaN.
// Latency: 1 cycle, one operation a cycle. No handshake: valid_i enables the output register.
module eqx_int_to_fp32 #(
    parameter int unsigned SUMW = 22  // signed
) (
    input  logic                   clk_i,
    input  logic                   valid_i,
    input  logic signed [SUMW-1:0] sum_i,
    input  logic        [     7:0] ea_i,
    input  logic        [     7:0] eb_i,
    output logic        [    31:0] y_o
);
  if (SUMW < 2 || SUMW > 26) begin : g_bad
    $fatal(1, "int_to_fp32: SUMW = %0d: legal is 2..26", SUMW);
  end

  logic [31:0] y_q;
  always_ff @(posedge clk_i) if (valid_i) y_q <= eqx_fp_pkg::block_to_fp32(26'(sum_i), ea_i, eb_i);
  assign y_o = y_q;
endmodule
