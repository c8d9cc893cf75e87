// One of every arithmetic cell; sel_i names the one whose result is looked at, and only that one gets operands.
module numeric_lane
  import numeric_tb_pkg::*;
(
    input  logic        clk_i,
    input  cell_e       sel_i,
    input  logic        valid_i,
    input  logic [63:0] x_i,     // operands, the last one in the low bits
    output logic [31:0] y_o
);
  // verilator no_inline_module
  logic [CELLS-1:0]       valid;
  logic [CELLS-1:0][63:0] x;
  logic [CELLS-1:0][31:0] y;
  always_comb begin
    valid        = '0;
    valid[sel_i] = valid_i;
    x            = '0;
    x[sel_i]     = x_i;
    y_o          = y[sel_i];
  end

  fp32_add #(.LATENCY(1)) u_add1 (
      .clk_i, .valid_i(valid[ADD1]), .a_i(x[ADD1][63:32]), .b_i(x[ADD1][31:0]), .y_o(y[ADD1])
  );
  fp32_add #(.LATENCY(2)) u_add2 (
      .clk_i, .valid_i(valid[ADD2]), .a_i(x[ADD2][63:32]), .b_i(x[ADD2][31:0]), .y_o(y[ADD2])
  );
  bf16_mul u_mul (.clk_i, .valid_i(valid[MUL]), .a_i(x[MUL][31:16]), .b_i(x[MUL][15:0]), .y_o(y[MUL]));
  int_to_fp32 #(.SUMW(25)) u_i2f25 (
      .clk_i, .valid_i(valid[I2F25]), .sum_i(x[I2F25][16+:25]), .ea_i(x[I2F25][15:8]), .eb_i(x[I2F25][7:0]), .y_o(y[I2F25])
  );
  int_to_fp32 #(.SUMW(19)) u_i2f19 (
      .clk_i, .valid_i(valid[I2F19]), .sum_i(x[I2F19][16+:19]), .ea_i(x[I2F19][15:8]), .eb_i(x[I2F19][7:0]), .y_o(y[I2F19])
  );
  bf16_act u_act (.clk_i, .valid_i(valid[ACT]), .fn_i(x[ACT][19:16]), .x_i(x[ACT][15:0]), .y_o(y[ACT][15:0]));
  fp32_to_bf16 u_round (.x_i(x[ROUND][31:0]), .y_o(y[ROUND][15:0]));
  fp32_max u_fmax (.a_i(x[FMAX][63:32]), .b_i(x[FMAX][31:0]), .y_o(y[FMAX]));
  bf16_max u_bmax (.a_i(x[BMAX][31:16]), .b_i(x[BMAX][15:0]), .y_o(y[BMAX][15:0]));
  hbfp_quant_lane u_quant (.x_i(x[QUANT][23:8]), .exp_i(x[QUANT][7:0]), .q_o(y[QUANT][7:0]));
  hbfp_max_exp #(.COUNT(4)) u_maxe (.x_i(x[MAXE]), .exp_o(y[MAXE][7:0]));
  assign {y[ACT][31:16], y[ROUND][31:16], y[BMAX][31:16], y[QUANT][31:8], y[MAXE][31:8]} = '0;

  // bf16 operations as the vector unit performs them: the fp32 cell, then one rounding.
  logic [31:0] sum, product;
  fp32_add #(.LATENCY(2)) u_badd (
      .clk_i, .valid_i(valid[BADD]), .a_i({x[BADD][31:16], 16'd0}), .b_i({x[BADD][15:0], 16'd0}), .y_o(sum)
  );
  fp32_to_bf16 u_badd_round (.x_i(sum), .y_o(y[BADD][15:0]));
  bf16_mul u_bmul (.clk_i, .valid_i(valid[BMUL]), .a_i(x[BMUL][31:16]), .b_i(x[BMUL][15:0]), .y_o(product));
  fp32_to_bf16 u_bmul_round (.x_i(product), .y_o(y[BMUL][15:0]));
  assign {y[BADD][31:16], y[BMUL][31:16], y[MAXE_WIDE]} = '0;
endmodule
