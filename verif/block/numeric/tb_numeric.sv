// Plays operands and expected results, from a file, to LANES lanes of the arithmetic cell chosen by `sel`.
// sweep = 0: operands from the file (stream_source); 1: all 2**16 values of one against those of the file
// (sweep_source).
module tb_numeric #(
    parameter int unsigned LANES = 4,
    parameter bit          ALL   = 1'b1  // all cells, else those of BADD and BMUL
);

  logic clk = 1'b0;
  always #5 clk = ~clk;

  logic start = 1'b0, clear = 1'b1, gaps = 1'b1, sweep = 1'b0;
  logic [3:0] sel = 4'd0;
  logic [2:0] latency;  // from `in` to `out`
  logic       hold;
  logic [LANES-1:0][63:0] in, stream_in;
  logic [LANES-1:0][31:0] want, stream_want, out;
  logic [LANES-1:0][15:0] sweep_a, sweep_want;
  logic [15:0] sweep_b;
  logic [1:0] done, source_valid;
  logic valid, idle, finished;
  int unsigned compared, mismatches, held, unheld, first;
  logic [31:0] first_got, first_want;

  stream_source #(
      .IN_W (64),
      .OUT_W(32),
      .LANES(LANES)
  ) u_stream (
      .clk_i(clk),
      .start_i(start && !sweep),
      .gaps_i(gaps),
      .done_o(done[0]),
      .valid_o(source_valid[0]),
      .in_o(stream_in),
      .expect_o(stream_want)
  );
  sweep_source #(
      .LANES(LANES)
  ) u_sweep (
      .clk_i(clk),
      .start_i(start && sweep),
      .done_o(done[1]),
      .valid_o(source_valid[1]),
      .a_o(sweep_a),
      .b_o(sweep_b),
      .expect_o(sweep_want)
  );
  // Registers on all wide paths: comb logic between signals of the top is evaluated twice a cycle.
  always_ff @(posedge clk) begin
    latency <= 3'(numeric_tb_pkg::LATENCY[sel]) + 3'd2;
    hold    <= numeric_tb_pkg::LATENCY[sel] > 0;
    valid   <= source_valid[sweep];
    in      <= stream_in;
    want    <= stream_want;
    if (sweep) begin
      for (int l = 0; l < LANES; l++) begin
        in[l]   <= {32'd0, sweep_a[l], sweep_b};
        want[l] <= {16'd0, sweep_want[l]};
      end
    end
  end

  lane_check #(
      .OUT_W(32),
      .LANES(LANES)
  ) u_check (
      .clk_i(clk),
      .latency_i(latency),
      .hold_i(hold),
      .clear_i(clear),
      .valid_i(valid),
      .expect_i(want),
      .out_i(out),
      .idle_o(idle),
      .compared_o(compared),
      .mismatches_o(mismatches),
      .held_o(held),
      .unheld_o(unheld),
      .first_o(first),
      .first_got_o(first_got),
      .first_want_o(first_want)
  );
  always @(posedge clk) finished <= start && done[sweep] && !source_valid[sweep] && idle;

  logic [LANES-1:0][31:0] y;
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    numeric_lane #(
        .ALL(ALL)
    ) u_lane (
        .clk_i(clk),
        .sel_i(numeric_tb_pkg::cell_e'(sel)),
        .valid_i(valid),
        .x_i(in[l]),
        .y_o(y[l])
    );
  end

  // One tree over a whole row of operands; its result stands in every lane.
  logic [LANES-1:0][63:0] wide_q;
  logic [      7:0]       row_exp;
  always_ff @(posedge clk) if (sel == numeric_tb_pkg::MAXE_WIDE) wide_q <= in;
  eqx_hbfp_max_exp #(
      .COUNT(4 * LANES)
  ) u_wide (
      .x_i  (wide_q),
      .exp_o(row_exp)
  );

  always_ff @(posedge clk) out <= (sel == numeric_tb_pkg::MAXE_WIDE) ? {LANES{24'd0, row_exp}} : y;
endmodule
