// Bench of the array with the skews around it: plays vectors from files, one event a cycle, and records the aligned
// sums.
// A word of play.hex: {wgt_valid, wgt_bank, wgt_col, wgt block, row_valid, row_bank, act block}, for the cycle in which
// the block is in the input register.
module tb_systolic_array #(
    parameter int unsigned N = 4,
    parameter int unsigned W = 2
);
  localparam int unsigned K = N * W;
  localparam int unsigned SUMW = 16 + $clog2(K);
  localparam int unsigned CYCLES = 8192;
  localparam int unsigned WORD = 16 * K + 32;

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic go = 1'b0, finished = 1'b0;
  int unsigned length = 0, at = 0, count = 0;
  logic [WORD-1:0] play_mem[CYCLES];
  logic [N*32-1:0] sum_mem[CYCLES];

  // Word: [8K-1:0] act, [8K] row_valid, [8K+2:8K+1] row_bank, [16K+7:8K+8] weights, [16K+8] wgt_valid, [16K+10:16K+9]
  // bank, [16K+23:16K+16] column
  logic [WORD-1:0] word;
  logic running = 1'b0;
  assign word = running ? play_mem[at] : '0;

  logic [2*N-1:0] valid_q;
  logic [N-1:0][1:0] bank_q;
  logic [2*N-1:0] valid;
  logic [N-1:0][1:0] bank;
  logic [N-1:0][N-1:0] we, we_q;
  logic [N-1:0][1:0] wbank, wbank_q;
  logic [N-1:0] wvalid, wvalid_q;
  logic [N-1:0][8*W-1:0] act, wgt;
  logic [N-1:0][SUMW-1:0] sum;
  logic [N-1:0][31:0] line;

  always_comb begin
    valid = {valid_q[2*N-2:0], word[8*K]};
    bank = (2 * N)'({bank_q, word[8*K+1+:2]});
    wvalid = N'({wvalid_q, word[16*K+8]});
    we = (N * N)'({we_q, word[16*K+8] ? N'(1) << word[16*K+16+:8] : N'(0)});
    wbank = (2 * N)'({wbank_q, word[16*K+9+:2]});
  end
  always_ff @(posedge clk) begin
    valid_q <= valid;
    bank_q <= bank;
    wvalid_q <= wvalid;
    we_q <= we;
    wbank_q <= wbank;
  end

  eqx_mmu_skew #(
      .N(N),
      .WIDTH(8 * W)
  ) u_act (
      .clk_i  (clk),
      .valid_i(valid[N-1:0]),
      .data_i (word[8*K-1:0]),
      .data_o (act)
  );
  eqx_mmu_skew #(
      .N(N),
      .WIDTH(8 * W)
  ) u_wgt (
      .clk_i  (clk),
      .valid_i(wvalid),
      .data_i (word[8*K+8+:8*K]),
      .data_o (wgt)
  );
  eqx_systolic_array #(
      .N(N),
      .W(W),
      .SUMW(SUMW)
  ) u_array (
      .clk_i(clk),
      .valid_i(valid[2*N-2:0]),
      .bank_i(bank),
      .act_i(act),
      .wgt_we_i(we),
      .wgt_bank_i(wbank),
      .wgt_i(wgt),
      .sum_o(sum)
  );
  // Alignment: column j waits N-1-j cycles, so all are there 2N-1 cycles after the block was in the input register.
  for (genvar j = 0; j < N; j++) begin : g_align
    logic [N-1-j:0][SUMW-1:0] delay_q;
    if (j == N - 1) begin : g_now
      assign delay_q = sum[j];
    end else begin : g_wait
      always_ff @(posedge clk) delay_q[N-1-j:1] <= delay_q[N-2-j:0];
      assign delay_q[0] = sum[j];
    end
    assign line[j] = 32'(signed'(delay_q[N-1-j]));
  end

  always @(posedge clk) begin
    if (go && !running) begin
      $readmemh("play.hex", play_mem);
      running <= 1'b1;
      at <= 0;
      count <= 0;
      finished <= 1'b0;
    end else if (running) begin
      at <= at + 1;
      if (valid_q[2*N-2]) begin
        sum_mem[count] = line;
        count <= count + 1;
      end
      if (at == length - 1) begin
        $writememh("sums.hex", sum_mem);
        finished <= 1'b1;
        running  <= 1'b0;
      end
    end
  end
endmodule
