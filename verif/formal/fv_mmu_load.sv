// eqx_mmu_load: a tile's weight lines are read one a cycle, in their order, into one bank; the port is given only to
// who asks and whose class has a free bank; and the bound of eqx_mmu_checks: in MODE_PRIO an inference tile that has a
// free bank waits for training at most N cycles in a row.
// The environment offers and withdraws tiles, frees banks and changes the mode as it likes.
module fv_mmu_load #(
    parameter int unsigned N = 4,
    parameter int unsigned C_INF = 1,
    parameter int unsigned C_TRN = 1,
    localparam int unsigned CTX = C_INF + C_TRN
) (
    input logic clk_i,
    input logic [1:0] mode_i,
    input logic [CTX-1:0] tile_valid_i,
    input eqx_mmu_pkg::tile_t [CTX-1:0] tile_i,
    input logic [CTX-1:0] b_sp_i,
    input logic [CTX-1:0][15:0] b_line_i,
    input logic [1:0] free_i,
    input logic [1:0] bank_i,
    input logic trn_dry_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.N(N), .C_INF(C_INF), .C_TRN(C_TRN));
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);
  eqx_pkg::mode_e mode;
  assign mode = eqx_pkg::mode_e'(mode_i);
  logic [CTX-1:0] take, loading;
  logic [1:0] push, line_bank;
  logic line_valid, line_sp;
  logic [N-1:0] line_col;
  logic [15:0] line_addr;
  eqx_mmu_pkg::tile_t push_tile;
  eqx_mmu_load #(
      .CFG(CFG)
  ) dut (
      .clk_i,
      .rst_ni,
      .mode_i      (mode),
      .tile_valid_i,
      .tile_i,
      .b_sp_i,
      .b_line_i,
      .take_o      (take),
      .free_i,
      .bank_i,
      .trn_dry_i,
      .push_o      (push),
      .push_tile_o (push_tile),
      .line_valid_o(line_valid),
      .line_col_o  (line_col),
      .line_bank_o (line_bank),
      .line_sp_o   (line_sp),
      .line_addr_o (line_addr),
      .loading_o   (loading)
  );

  // The tile that is being loaded, as it was taken, and how many of its lines are read.
  logic [7:0] lines_q, wait_q;
  logic [15:0] first_q;
  logic [1:0] bank_q;
  logic [CTX-1:0] ctx_q;
  logic sp_q, inf_waits;
  // As in eqx_mmu: an inference tile with a free bank waits while the port loads a training tile.
  assign inf_waits = |(tile_valid_i & INF_MASK) && free_i[0] && (push[1] || |(loading & ~INF_MASK));
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      lines_q <= '0;
      wait_q  <= '0;
    end else begin
      if (take != '0) lines_q <= 8'(N > 1);
      else if (lines_q != '0) lines_q <= (lines_q == 8'(N - 1)) ? '0 : lines_q + 8'd1;
      wait_q <= (mode == eqx_pkg::MODE_PRIO && inf_waits) ? wait_q + 8'd1 : '0;
      if (take != '0) begin
        first_q <= line_addr;
        bank_q  <= line_bank;
        sp_q    <= line_sp;
        ctx_q   <= take;
      end
    end
  end
  // What the taken context asked for.
  logic asked;
  always_comb begin
    asked = 1'b1;
    for (int unsigned c = 0; c < CTX; c++) begin
      if (take[c]) begin
        asked = tile_valid_i[c] && free_i[c>=C_INF] && push_tile == tile_i[c] && line_addr == b_line_i[c] &&
            line_sp == b_sp_i[c] && line_bank == {c >= C_INF, bank_i[c>=C_INF]} && push == {c >= C_INF, c < C_INF};
      end
    end
  end
  always_comb
    if (rst_ni) begin
      a_one : assert ((take & (take - 1'b1)) == '0 && (take == '0 || lines_q == '0));
      a_asked : assert (asked && (take != '0 || push == '0));
      a_some :
      assert (lines_q != '0 || take != '0 || mode != eqx_pkg::MODE_PRIO || !free_i[0] ||
          (tile_valid_i & INF_MASK) == '0 || (trn_dry_i && dut.last_inf_q && (tile_valid_i & ~INF_MASK) != '0));
      a_inf_only : assert (mode != eqx_pkg::MODE_INF_ONLY || !push[1]);
      a_valid : assert (line_valid == (take != '0 || lines_q != '0));
      a_column : assert (!line_valid || line_col == N'(1) << lines_q);
      a_line :
      assert (lines_q == '0 || (lines_q < 8'(N) && line_addr == first_q + 16'(lines_q) && line_bank == bank_q &&
          line_sp == sp_q));
      a_loading : assert (loading == (lines_q == '0 ? '0 : ctx_q));
      a_wait : assert (wait_q <= 8'(N));
      // why: a training load is the last that was taken, and the wait is no older than it
      a_class :
      assert (lines_q == '0 || (ctx_q != '0 && (ctx_q & (ctx_q - 1'b1)) == '0 &&
          dut.last_inf_q == ((ctx_q & INF_MASK) != '0)));
      a_since :
      assert (wait_q == '0 || (!dut.last_inf_q && (lines_q == '0 || (wait_q <= lines_q && (ctx_q & INF_MASK) == '0))));
    end
endmodule
