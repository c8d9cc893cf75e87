// End of a column of an array: three banks of weight block exponents, the scaling to fp32, and the delay that aligns
// the columns.
// Latency: 2 + DELAY cycles from row_valid_i[0] to y_o; sum_i and ea_i come one cycle after row_valid_i[0].
// row_valid_i[d] follows the row: d cycles after it met the last PE of the column.
module eqx_mmu_column #(
    parameter int unsigned SUMW  = 21,
    parameter int unsigned DELAY = 3    // N-1-j
) (
    input  logic                    clk_i,
    input  logic        [DELAY+1:0] row_valid_i,
    input  logic        [      1:0] bank_i,
    input  logic                    wgt_we_i,
    input  logic        [      1:0] wgt_bank_i,
    input  logic        [      7:0] wgt_exp_i,
    input  logic signed [ SUMW-1:0] sum_i,
    input  logic        [      7:0] ea_i,
    output logic        [     31:0] y_o
);
  logic [ 7:0] exp_q  [3];
  logic [ 7:0] eb_q;
  logic [31:0] scaled;

  function automatic logic [1:0] bank(input logic [1:0] b);
    return b[1] ? 2'd2 : b;
  endfunction

  always_ff @(posedge clk_i) begin
    if (wgt_we_i) exp_q[bank(wgt_bank_i)] <= wgt_exp_i;
    if (row_valid_i[0]) eb_q <= exp_q[bank(bank_i)];
  end

  eqx_int_to_fp32 #(
      .SUMW(SUMW)
  ) u_scale (
      .clk_i,
      .valid_i(row_valid_i[1]),
      .sum_i,
      .ea_i,
      .eb_i   (eb_q),
      .y_o    (scaled)
  );

  if (DELAY == 0) begin : g_none
    assign y_o = scaled;
  end else begin : g_align
    for (genvar d = 0; d < DELAY; d++) begin : g_stage
      logic [31:0] q, in;
      if (d == 0) begin : g_first
        assign in = scaled;
      end else begin : g_next
        assign in = g_align.g_stage[d-1].q;
      end
      always_ff @(posedge clk_i) if (row_valid_i[d+2]) q <= in;
    end
    assign y_o = g_stage[DELAY-1].q;
  end
endmodule
