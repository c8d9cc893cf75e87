// From operand memories to fp32 lines: input registers, skews, M arrays, scaling, alignment.
// Row: issued in cycle t (memory read), at the memory's output in t+1, in the input register (depth 0) in t+2;
// the PE in row i, column j works on it in t+2+i+j; line_o in t+2N+2 (depth 2N), flagged by row_done_o; row_read_o is
// two cycles earlier.
// Weight line j of a tile: issued in cycle s+j, written to PE (i, j) at the end of s+j+2+i. No stalls, no handshake.
module eqx_mmu_datapath #(
    parameter  eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned   N   = CFG.N,
    localparam int unsigned   M   = CFG.M,
    localparam int unsigned   W   = CFG.W,
    localparam int unsigned   K   = CFG.K,
    localparam int unsigned   L   = CFG.L
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    // row issued in this cycle
    input  logic                    row_valid_i,
    input  logic [    1:0]          row_bank_i,
    input  logic                    row_sp_i,
    input  logic [8*K+7:0]          actc_rdata_i,
    input  logic [8*K+7:0]          actd_rdata_i,
    // weight line issued in this cycle
    input  logic                    wline_valid_i,
    input  logic [  N-1:0]          wline_col_i,    // one-hot
    input  logic [    1:0]          wline_bank_i,
    input  logic                    wline_sp_i,
    input  logic [  M-1:0][8*K+7:0] wgtc_rdata_i,
    input  logic [  M-1:0][8*K+7:0] wgtd_rdata_i,
    output logic                    row_read_o,
    output logic                    row_done_o,
    output logic [  L-1:0][   31:0] line_o
);
  // Largest magnitude of a sum is K * 2**14, positive, where all mantissas are -128: int_to_fp32 takes it (K <= 1024).
  localparam int unsigned SUMW = 16 + $clog2(K);
  localparam int unsigned DEPTH = 2 * N + 1;  // stages of row control: depths 0..2N

  // Row control: valid and bank of the row at each depth.
  logic row1_q, row1_sp_q;
  logic [      1:0]      row1_bank_q;
  logic [DEPTH-1:0]      row_q;
  logic [  2*N-2:0][1:0] bank_q;
  // Weight line control.
  logic wl1_q, wl1_sp_q;
  logic [N-1:0]        wl1_col_q;
  logic [  1:0]        wl1_bank_q;
  logic [N-1:0]        wl_q;  // a line at each depth 0..N-1
  logic [N-1:0][N-1:0] wl_col_q;  // its column; zero where there is no line
  logic [N-1:0][  1:0] wl_bank_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      row1_q <= 1'b0;
      row_q  <= '0;
      wl1_q  <= 1'b0;
      wl_q   <= '0;
      for (int unsigned n = 0; n < N; n++) wl_col_q[n] <= '0;
    end else begin
      row1_q <= row_valid_i;
      row_q <= {row_q[DEPTH-2:0], row1_q};
      wl1_q <= wline_valid_i;
      wl_q <= N'({wl_q, wl1_q});
      wl_col_q <= (N * N)'({wl_col_q, wl1_q ? wl1_col_q : N'(0)});
    end
  end

  always_ff @(posedge clk_i) begin
    row1_sp_q <= row_sp_i;
    row1_bank_q <= row_bank_i;
    bank_q <= (2 * (2 * N - 1))'({bank_q, row1_bank_q});
    wl1_sp_q <= wline_sp_i;
    wl1_col_q <= wline_col_i;
    wl1_bank_q <= wline_bank_i;
    wl_bank_q <= (2 * N)'({wl_bank_q, wl1_bank_q});
  end

  assign row_read_o = row_q[2*N-2];
  assign row_done_o = row_q[2*N];

  // Activations: one block, skewed once for all arrays. Its exponent goes along the bottom of the arrays.
  logic [8*K+7:0]          act_q;
  logic [  N-1:0][8*W-1:0] act;
  logic [2*N-1:1][    7:0] ea_q;

  always_ff @(posedge clk_i) begin
    if (row1_q) act_q <= (row1_sp_q == eqx_isa_pkg::ASP_ACTD) ? actd_rdata_i : actc_rdata_i;
    if (|row_q) ea_q <= (8 * (2 * N - 1))'({ea_q, act_q[8*K+:8]});
  end

  eqx_mmu_skew #(
      .N    (N),
      .WIDTH(8 * W)
  ) u_act_skew (
      .clk_i,
      .valid_i(row_q[N-1:0]),
      .data_i (act_q[8*K-1:0]),
      .data_o (act)
  );

  for (genvar m = 0; m < M; m++) begin : g_array
    logic [8*K+7:0]           wgt_q;
    logic [  N-1:0][ 8*W-1:0] wgt;
    logic [  N-1:0][SUMW-1:0] sum;
    logic [    7:0]           exp;

    always_ff @(posedge clk_i)
      if (wl1_q)
        wgt_q <= (wl1_sp_q == eqx_isa_pkg::BSP_WGTD) ? wgtd_rdata_i[m] : wgtc_rdata_i[m];

    // The exponent is used at the bottom: it has the delay of the last row's mantissas.
    if (N == 1) begin : g_exp1
      assign exp = wgt_q[8*K+:8];
    end else begin : g_exp
      logic [N-2:0][7:0] exp_q;
      always_ff @(posedge clk_i) if (|wl_q) exp_q <= (8 * (N - 1))'({exp_q, wgt_q[8*K+:8]});
      assign exp = exp_q[N-2];
    end

    eqx_mmu_skew #(
        .N    (N),
        .WIDTH(8 * W)
    ) u_wgt_skew (
        .clk_i,
        .valid_i(wl_q),
        .data_i (wgt_q[8*K-1:0]),
        .data_o (wgt)
    );

    eqx_systolic_array #(
        .N   (N),
        .W   (W),
        .SUMW(SUMW)
    ) u_array (
        .clk_i,
        .valid_i   (row_q[2*N-2:0]),
        .bank_i    (bank_q[N-1:0]),
        .act_i     (act),
        .wgt_we_i  (wl_col_q),
        .wgt_bank_i(wl_bank_q),
        .wgt_i     (wgt),
        .sum_o     (sum)
    );

    for (genvar j = 0; j < N; j++) begin : g_column
      eqx_mmu_column #(
          .SUMW (SUMW),
          .DELAY(N - 1 - j)
      ) u_column (
          .clk_i,
          .row_valid_i(row_q[2*N-1:N-1+j]),
          .bank_i     (bank_q[N-1+j]),
          .wgt_we_i   (wl_col_q[N-1][j]),
          .wgt_bank_i (wl_bank_q[N-1]),
          .wgt_exp_i  (exp),
          .sum_i      (signed'(sum[j])),
          .ea_i       (ea_q[N+j]),
          .y_o        (line_o[j*M+m])
      );
    end
  end
endmodule
