// bf16 -> HBFP8: makes blocks of K elements out of the VPU's result lines, along the lines (ROWS) or across them (COLS,
// transposed), and writes each to one of three memories.
// Latency: a block is written 2 cycles after the line that completes it (ROWS), or after its column's last part leaves
// the tile (COLS: a part of L elements a cycle, from the second cycle after the segment's last line on; a column's last
// part waits while a ROWS block completes).
// Never stalls: the caller starts a COLS segment only when a tile will be free (eqx_vpu_tiles).
// Lines of an inference and a training segment may come mixed, but for COLS lines of both: each class has its own
// collector, the classes share the tiles, and the collector of the columns behind them.
// Stages: 0 collect or transpose, 1 largest exponent, 2 quantise and write.
module eqx_converter #(
    parameter int unsigned L     = 16,
    parameter int unsigned K     = 32,
    parameter int unsigned C_INF = 2    // contexts below are inference
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic                               valid_i,
    input  eqx_conv_pkg::tag_t                 tag_i,
    input  logic               [  L-1:0][15:0] line_i,
    output logic                               actc_we_o,
    output logic               [   15:0]       actc_waddr_o,
    output logic                               wgtc_we_o,
    output logic               [   15:0]       wgtc_waddr_o,
    output logic                               sob_we_o,
    output logic               [   15:0]       sob_waddr_o,
    output logic               [8*K+7:0]       blk_wdata_o,
    // VPU_AHEAD cycles before an instruction's last block is written: whose, by which path (index eqx_isa_pkg::conv_e).
    output logic               [    2:0]       finish_o,
    output logic               [    3:0]       finish_ctx_o,
    output logic               [    1:0]       tile_held_o,   // waits or drains,
    output logic               [    1:0][ 3:0] tile_ctx_o
);
  if (L < 2 || K < L || (L & (L - 1)) != 0 || (K & (K - 1)) != 0) begin : g_check
    $fatal(1, "converter: L = %0d, K = %0d: legal are powers of two with 2 <= L <= K", L, K);
  end

  if (eqx_pkg::VPU_AHEAD != 1) begin : g_ahead
    $fatal(1, "converter: VPU_AHEAD = %0d: legal is 1", eqx_pkg::VPU_AHEAD);
  end

  // ---- Stage 0
  logic row_valid, col_valid, col_last;
  logic part_valid, part_first, part_last;
  logic [L-1:0][15:0] part;
  logic [K-1:0][15:0] row_block, col_block;
  // verilator lint_off UNUSEDSIGNAL
  eqx_conv_pkg::tag_t                    col_tag;  // of which first, last, blk_last and stride have done their work
  // verilator lint_on UNUSEDSIGNAL

  logic                                  training;
  logic               [1:0]              rows_valid;
  logic               [1:0][K-1:0][15:0] rows_block;
  assign training = 32'(tag_i.ctx) >= C_INF;

  for (genvar k = 0; k < 2; k++) begin : g_class
    eqx_block_collector #(
        .L(L),
        .K(K)
    ) u_rows (
        .clk_i,
        .valid_i   (valid_i && tag_i.mode == eqx_isa_pkg::CONV_ROWS && training == (k == 1)),
        .first_i   (tag_i.first),
        .blk_last_i(tag_i.blk_last),
        .line_i,
        .valid_o   (rows_valid[k]),
        .block_o   (rows_block[k])
    );
  end
  assign row_valid = |rows_valid;
  assign row_block = rows_block[training];

  eqx_transposer #(
      .L(L),
      .K(K)
  ) u_cols (
      .clk_i,
      .rst_ni,
      .valid_i     (valid_i && tag_i.mode == eqx_isa_pkg::CONV_COLS),
      .tag_i,
      .line_i,
      .hold_i      (row_valid),
      .part_valid_o(part_valid),
      .part_o      (part),
      .part_first_o(part_first),
      .part_last_o (part_last),
      .col_tag_o   (col_tag),
      .col_last_o  (col_last),
      .held_o      (tile_held_o),
      .ctx_o       (tile_ctx_o)
  );
  eqx_block_collector #(
      .L(L),
      .K(K)
  ) u_column (
      .clk_i,
      .valid_i   (part_valid),
      .first_i   (part_first),
      .blk_last_i(part_last),
      .line_i    (part),
      .valid_o   (col_valid),
      .block_o   (col_block)
  );

  // ---- Stages 1 and 2
  typedef struct packed {
    logic [1:0]  space;
    logic [15:0] addr;
  } where_t;

  logic valid1_q, valid2_q;
  where_t where1_q, where2_q;
  logic [2:0] finish_q;
  logic [3:0] finish_ctx_q;
  logic [K-1:0][15:0] block1_q, block2_q;
  logic [7:0] exp, exp2_q;
  logic [K-1:0][7:0] mant;

  eqx_hbfp_max_exp #(
      .COUNT(K)
  ) u_exp (
      .x_i  (block1_q),
      .exp_o(exp)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
    end else begin
      valid1_q <= row_valid || col_valid;
      valid2_q <= valid1_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (row_valid) begin
      block1_q <= row_block;
      where1_q <= '{space: tag_i.space, addr: tag_i.addr};
      finish_q <= {1'b0, tag_i.ilast, 1'b0};
      finish_ctx_q <= tag_i.ctx;
    end else if (col_valid) begin
      block1_q <= col_block;
      where1_q <= '{space: col_tag.space, addr: col_tag.addr};
      finish_q <= {col_tag.ilast && col_last, 2'b00};
      finish_ctx_q <= col_tag.ctx;
    end
    if (valid1_q) begin
      block2_q <= block1_q;
      where2_q <= where1_q;
      exp2_q   <= exp;
    end
  end

  for (genvar i = 0; i < K; i++) begin : g_quant
    always_comb begin
      mant[i] = 8'd0;
      if (valid2_q) mant[i] = eqx_fp_pkg::hbfp_quant(block2_q[i], exp2_q);
    end
  end

  assign blk_wdata_o  = {exp2_q, mant};
  assign actc_we_o    = valid2_q && where2_q.space == eqx_isa_pkg::CVD_ACTC;
  assign wgtc_we_o    = valid2_q && where2_q.space == eqx_isa_pkg::CVD_WGTC;
  assign sob_we_o     = valid2_q && where2_q.space == eqx_isa_pkg::CVD_SOB;
  assign actc_waddr_o = where2_q.addr;
  assign wgtc_waddr_o = where2_q.addr;
  assign sob_waddr_o  = where2_q.addr;
  assign finish_o     = valid1_q ? finish_q : '0;
  assign finish_ctx_o = finish_ctx_q;
endmodule
