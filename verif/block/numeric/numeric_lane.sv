// One of every arithmetic cell (without ALL: only those that BADD and BMUL need). sel_i names the cell whose result is
// looked at, and only that one gets operands. Inputs are registered: one cycle more than the cell's own latency.
// BADD and BMUL are bf16 operations as the vector unit performs them: the fp32 cell, then one rounding.
module numeric_lane
  import numeric_tb_pkg::*;
#(
    parameter bit ALL = 1'b1
) (
    input  logic         clk_i,
    input  cell_e        sel_i,
    input  logic         valid_i,
    input  logic  [63:0] x_i,      // operands, the last one in the low bits
    output logic  [31:0] y_o
);
  // verilator no_inline_module
  cell_e        sel_q;
  logic         valid_q;
  logic  [63:0] x_q;
  always_ff @(posedge clk_i) begin
    sel_q   <= sel_i;
    valid_q <= valid_i;
    x_q     <= x_i;
  end

  numeric_cg u_numeric_cg (
      .clk_i,
      .sel_i(sel_q),
      .valid_i(valid_q),
      .x_i(x_q)
  );

  logic [31:0] add1, add2, mul, i2f26, i2f19, fmax, round_in;
  logic [15:0] act, rounded, bmax;
  logic [7:0] quant, maxe;

  eqx_fp32_add #(
      .LATENCY(2)
  ) u_add2 (
      .clk_i,
      .valid_i(valid_q && (sel_q == ADD2 || sel_q == BADD)),
      .a_i((sel_q == BADD) ? {x_q[31:16], 16'd0} : x_q[63:32]),
      .b_i((sel_q == BADD) ? {x_q[15:0], 16'd0} : x_q[31:0]),
      .y_o(add2)
  );
  cell_bf16_mul u_mul (
      .clk_i,
      .valid_i(valid_q && (sel_q == MUL || sel_q == BMUL)),
      .a_i(x_q[31:16]),
      .b_i(x_q[15:0]),
      .y_o(mul)
  );
  always_comb begin
    case (sel_q)
      BADD:    round_in = add2;
      BMUL:    round_in = mul;
      ROUND:   round_in = x_q[31:0];
      default: round_in = 32'd0;
    endcase
  end
  cell_fp32_to_bf16 u_round (
      .x_i(round_in),
      .y_o(rounded)
  );

  if (ALL) begin : g_all
    eqx_fp32_add #(
        .LATENCY(1)
    ) u_add1 (
        .clk_i,
        .valid_i(valid_q && sel_q == ADD1),
        .a_i(x_q[63:32]),
        .b_i(x_q[31:0]),
        .y_o(add1)
    );
    eqx_int_to_fp32 #(
        .SUMW(26)
    ) u_i2f26 (
        .clk_i,
        .valid_i(valid_q && sel_q == I2F26),
        .sum_i(x_q[16+:26]),
        .ea_i(x_q[15:8]),
        .eb_i(x_q[7:0]),
        .y_o(i2f26)
    );
    eqx_int_to_fp32 #(
        .SUMW(19)
    ) u_i2f19 (
        .clk_i,
        .valid_i(valid_q && sel_q == I2F19),
        .sum_i(x_q[16+:19]),
        .ea_i(x_q[15:8]),
        .eb_i(x_q[7:0]),
        .y_o(i2f19)
    );
    eqx_bf16_act u_act (
        .clk_i,
        .valid_i(valid_q && sel_q == ACT),
        .fn_i(x_q[19:16]),
        .x_i(x_q[15:0]),
        .y_o(act)
    );
    cell_fp32_max u_fmax (
        .a_i((sel_q == FMAX) ? x_q[63:32] : 32'd0),
        .b_i((sel_q == FMAX) ? x_q[31:0] : 32'd0),
        .y_o(fmax)
    );
    cell_bf16_max u_bmax (
        .a_i((sel_q == BMAX) ? x_q[31:16] : 16'd0),
        .b_i((sel_q == BMAX) ? x_q[15:0] : 16'd0),
        .y_o(bmax)
    );
    cell_hbfp_quant u_quant (
        .x_i  ((sel_q == QUANT) ? x_q[23:8] : 16'd0),
        .exp_i(x_q[7:0]),
        .q_o  (quant)
    );
    eqx_hbfp_max_exp #(
        .COUNT(4)
    ) u_maxe (
        .x_i  ((sel_q == MAXE) ? x_q : 64'd0),
        .exp_o(maxe)
    );
  end else begin : g_none
    assign {add1, i2f26, i2f19, fmax, act, bmax, quant, maxe} = '0;
  end

  always_comb begin
    case (sel_q)
      ADD1:              y_o = add1;
      ADD2:              y_o = add2;
      MUL:               y_o = mul;
      I2F26:             y_o = i2f26;
      I2F19:             y_o = i2f19;
      ACT:               y_o = {16'd0, act};
      ROUND, BADD, BMUL: y_o = {16'd0, rounded};
      FMAX:              y_o = fmax;
      BMAX:              y_o = {16'd0, bmax};
      QUANT:             y_o = {24'd0, quant};
      MAXE:              y_o = {24'd0, maxe};
      default:           y_o = 32'd0;
    endcase
  end
endmodule
