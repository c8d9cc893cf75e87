// fp32 adder: round to nearest even, subnormals flushed, one NaN. To subtract, flip the sign of b_i.
// Latency: LATENCY cycles (1 or 2), one operation a cycle. No handshake: valid_i enables the stages an operand passes;
// y_o holds its value until the next valid operand's result.
// LATENCY = 1 registers the output only; 2 also between alignment and addition.
module eqx_fp32_add #(
    parameter int unsigned LATENCY = 2
) (
    input  logic        clk_i,
    input  logic        valid_i,
    input  logic [31:0] a_i,
    input  logic [31:0] b_i,
    output logic [31:0] y_o
);
  logic [31:0] y_q;
  assign y_o = y_q;

  if (LATENCY == 1) begin : g_one
    always_ff @(posedge clk_i) if (valid_i) y_q <= eqx_fp_pkg::fp32_add(a_i, b_i);
  end else if (LATENCY == 2) begin : g_two
    eqx_fp_pkg::add_mid_t mid_q;
    logic                 valid_q;
    always_ff @(posedge clk_i) begin
      valid_q <= valid_i;
      if (valid_i) mid_q <= eqx_fp_pkg::fp32_add_align(a_i, b_i);
      if (valid_q) y_q <= eqx_fp_pkg::fp32_add_round(mid_q);
    end
  end else begin : g_bad
    $fatal(1, "fp32_add: LATENCY = %0d: legal is 1..2", LATENCY);
  end
endmodule
