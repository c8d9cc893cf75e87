// N x N processing elements. Activations enter row i delayed by i and move right, sums move down: the PE in row i,
// column j works on a row of activations i+j cycles after the PE in row 0, column 0, so whether it works is one bit per
// diagonal.
// Latency: element j of sum_o is valid N+j cycles after act_i[0]. Weights: wgt_we_i[i][j] writes wgt_i[i] into PE (i,
// j).
module eqx_systolic_array #(
    parameter int unsigned N    = 8,
    parameter int unsigned W    = 4,
    parameter int unsigned SUMW = 21  // signed sum of N*W products
) (
    input  logic                     clk_i,
    input  logic [2*N-2:0]           valid_i,     // of each diagonal
    input  logic [  N-1:0][     1:0] bank_i,      // of each row, with act_i
    input  logic [  N-1:0][ 8*W-1:0] act_i,
    input  logic [  N-1:0][   N-1:0] wgt_we_i,    // of each row, its column
    input  logic [  N-1:0][     1:0] wgt_bank_i,
    input  logic [  N-1:0][ 8*W-1:0] wgt_i,
    output logic [  N-1:0][SUMW-1:0] sum_o
);
  for (genvar i = 0; i < N; i++) begin : g_row
    for (genvar j = 0; j < N; j++) begin : g_col
      logic [ 8*W-1:0] act;
      logic [     1:0] bank;
      logic [SUMW-1:0] sum;
      // verilator lint_off UNUSEDSIGNAL
      logic [ 8*W-1:0] act_right;  // both end at the last column
      logic [     1:0] bank_right;
      // verilator lint_on UNUSEDSIGNAL
      logic [SUMW-1:0] sum_below;

      if (j == 0) begin : g_first
        assign act  = act_i[i];
        assign bank = bank_i[i];
      end else begin : g_next
        assign act  = g_row[i].g_col[j-1].act_right;
        assign bank = g_row[i].g_col[j-1].bank_right;
      end
      if (i == 0) begin : g_top
        assign sum = '0;
      end else begin : g_below
        assign sum = g_row[i-1].g_col[j].sum_below;
      end

      eqx_mmu_pe #(
          .W   (W),
          .SUMW(SUMW)
      ) u_pe (
          .clk_i,
          .en_i      (valid_i[i+j]),
          .bank_i    (bank),
          .act_i     (act),
          .sum_i     (sum),
          .wgt_we_i  (wgt_we_i[i][j]),
          .wgt_bank_i(wgt_bank_i[i]),
          .wgt_i     (wgt_i[i]),
          .act_o     (act_right),
          .bank_o    (bank_right),
          .sum_o     (sum_below)
      );
      if (i == N - 1) begin : g_bottom
        assign sum_o[j] = sum_below;
      end
    end
  end
endmodule
