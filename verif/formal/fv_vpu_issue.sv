// eqx_vpu_issue: what eqx_vpu_checks looks at in simulation, of the address stage: who has the turn, and what inference
// waits for. In MODE_PRIO, without COLS, nothing; with it at most K training lines start while a segment waits, and
// at most K+L-2 cycles in a row pass without a line of inference.
// The environment offers any legal segments (of 1 to K lines), withdraws them, and changes the mode as it likes. The
// range check of addresses is cut: a segment may end at any line.
module fv_vpu_issue #(
    parameter int unsigned C_INF = 1,
    parameter int unsigned C_TRN = 1,
    parameter int unsigned N = 2,
    parameter int unsigned M = 2,
    parameter int unsigned W = 2,
    localparam int unsigned CTX = C_INF + C_TRN
) (
    input logic clk_i,
    input logic [1:0] mode_i,
    input logic [CTX-1:0] valid_i,
    input logic [CTX-1:0] room_i,
    input logic [CTX-1:0][1:0] v_mode_i,
    input logic [CTX-1:0][11:0] left_i,
    input logic [CTX-1:0] last_i,
    input logic [CTX-1:0] bad_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.N(N), .M(M), .W(W), .C_INF(C_INF), .C_TRN(C_TRN));
  localparam int unsigned K = CFG.K;
  localparam int unsigned L = CFG.L;
  localparam int unsigned GROUP = K / L;  // lines a block
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);
  eqx_pkg::mode_e mode;
  assign mode = eqx_pkg::mode_e'(mode_i);
  eqx_vpu_pkg::seg_t [CTX-1:0] seg;
  logic [CTX-1:0] take, active, busy, fault, finish, valid;
  logic line_valid;
  eqx_vpu_pkg::seg_t line;
  eqx_vpu_pkg::line_t pipe;
  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    assign valid[c] = valid_i[c] && rst_ni && left_i[c] != '0 && left_i[c] <= 12'(K);
    always_comb begin
      seg[c] = '0;
      seg[c].ctx = eqx_vpu_pkg::CTX_BITS'(c);
      seg[c].left = left_i[c];
      seg[c].last = last_i[c];
      seg[c].bad = bad_i[c];
      seg[c].op.v_mode = v_mode_i[c];
    end
  end
  eqx_vpu_issue #(
      .CFG(CFG)
  ) dut (
      .clk_i,
      .rst_ni,
      .mode_i      (mode),
      .seg_valid_i (valid),
      .seg_i       (seg),
      .room_i,
      .take_o      (take),
      .active_o    (active),
      .busy_o      (busy),
      .stall_o     (),
      .fault_o     (fault),
      .finish_o    (finish),
      .line_valid_o(line_valid),
      .seg_o       (line),
      .line_o      (pipe)
  );

  // As in eqx_vpu_checks.
  logic [CTX-1:0] inf_offered, cols;
  logic wants_tile, due_q;
  logic [1:0] taken_q, turn, held, cols_held, first;
  logic [1:0][11:0] left;
  eqx_pkg::mode_e mode_q;
  logic [C_INF-1:0][7:0] lines_q;  // training lines while the context's segment waits
  assign cols[CTX-1:0] = dut.cols;
  assign inf_offered = dut.offered & INF_MASK;
  assign wants_tile = |(inf_offered & cols);
  assign turn = dut.turn;
  assign held = dut.valid;
  assign first = dut.first_of;
  assign left = {dut.seg_of[1].left, dut.seg_of[0].left};
  assign cols_held = {
    dut.seg_of[1].op.v_mode == eqx_isa_pkg::CONV_COLS, dut.seg_of[0].op.v_mode == eqx_isa_pkg::CONV_COLS
  };
  always_ff @(posedge clk_i) begin
    due_q   <= rst_ni && mode == eqx_pkg::MODE_PRIO && inf_offered != '0 && !wants_tile;
    taken_q <= rst_ni ? {|(take & ~INF_MASK), |(take & INF_MASK)} : '0;
    mode_q  <= mode;
    for (int unsigned c = 0; c < C_INF; c++) begin
      if (!rst_ni || mode != eqx_pkg::MODE_PRIO || !dut.offered[c] || take[c]) lines_q[c] <= '0;
      else if (turn[1]) lines_q[c] <= lines_q[c] + 8'd1;
    end
  end
  // How long inference may still have to wait for a tile: until the older tile's last part is read, one a cycle but for
  // those cycles in which a ROWS block of the training segment is completed; and, if that segment fills a tile, until
  // its last line.
  localparam int unsigned LW = $clog2(L);
  logic [7:0] wait_q, rank, parts, unread, blocks;
  logic [1:0] full;
  logic fill, drain, older;
  logic tiles_ok, pointers_ok;
  assign full = dut.u_tiles.u_control.full_q;
  assign fill = dut.u_tiles.u_control.fill_q;
  assign drain = dut.u_tiles.u_control.drain_q;
  assign older = full[drain];
  assign parts = 8'(dut.u_tiles.u_control.end_q[drain] >> LW) + 8'd1;  // of a column
  assign unread = older ? 8'(L) * parts - 8'(dut.u_tiles.u_control.lane_q) * parts - 8'(dut.u_tiles.u_control.part_q) :
      '0;
  logic [7:0] group;  // lines of the training segment's block that have started
  assign group = 8'(dut.g_class[1].u_segment.grp_q);
  assign blocks = (held[1] && dut.seg_of[1].op.v_mode == eqx_isa_pkg::CONV_ROWS) ?
      (8'(left[1]) + group + 8'(GROUP - 1)) / 8'(GROUP) : '0;
  always_comb begin
    if (held[1] && cols_held[1]) rank = (8'(left[1]) > unread ? 8'(left[1]) : unread) - 8'd1;
    else rank = (full == 2'b11) ? unread - 8'd1 + blocks : '0;
    // The tiles are a queue of two, of which the older one is read.
    pointers_ok = (full == 2'b00 && fill == drain) || (full == 2'b11 && fill == drain) ||
        (fill != drain && full[drain] && !full[fill]);
    tiles_ok = older ? 8'(dut.u_tiles.u_control.part_q) < parts :
        dut.u_tiles.u_control.part_q == '0 && dut.u_tiles.u_control.lane_q == '0;
    if (full == 2'b11 && unread == 8'(L) * parts) tiles_ok = 1'b0;
    if (((held[0] && cols_held[0]) || (held[1] && cols_held[1])) && full == 2'b11) tiles_ok = 1'b0;
    if (held[1] && (8'(left[1]) + group > 8'(K) || group >= 8'(GROUP))) tiles_ok = 1'b0;
  end
  always_ff @(posedge clk_i)
    wait_q <= (rst_ni && mode == eqx_pkg::MODE_PRIO && inf_offered != '0 && (take & INF_MASK) == '0 && !held[0]) ?
        wait_q + 8'd1 : '0;
  logic lines_ok, rest_ok, left_ok;
  always_comb begin
    lines_ok = 1'b1;
    rest_ok  = 1'b1;
    for (int unsigned c = 0; c < C_INF; c++) begin
      if (lines_q[c] > 8'(K)) lines_ok = 1'b0;
      if (lines_q[c] != '0 && 12'(lines_q[c]) + (held[1] ? left[1] : '0) > 12'(K)) rest_ok = 1'b0;
    end
    left_ok = 1'b1;
    for (int unsigned k = 0; k < 2; k++)
    if (held[k] && (left[k] == '0 || left[k] > 12'(K) ||
          (32'(dut.seg_of[k].ctx) < C_INF) != (k == 0) || 32'(dut.seg_of[k].ctx) >= CTX))
      left_ok = 1'b0;
  end
  always_comb
    if (rst_ni) begin
      a_due : assert (!due_q || turn[0]);
      a_lines : assert (lines_ok);
      a_prio : assert (!(mode == eqx_pkg::MODE_PRIO && (take & ~INF_MASK) != '0 && inf_offered != '0));
      a_inf_only : assert (!(mode == eqx_pkg::MODE_INF_ONLY && (take & ~INF_MASK) != '0));
      a_first_line : assert ((taken_q & ~(turn & first)) == '0);
      a_fair : assert (!(mode_q == eqx_pkg::MODE_FAIR && taken_q[0] && held[1]));
      a_one_filler : assert (!(held == 2'b11 && cols_held == 2'b11));
      a_turn : assert (turn == {held[1] && !held[0], held[0]} && line_valid == (turn != '0 && !line.bad));
      a_take : assert ((take & (take - 1'b1)) == '0 && (take & ~valid) == '0);
      a_report :
      assert ((busy & (busy - 1'b1)) == '0 && (busy != '0) == line_valid && (fault & busy) == '0 &&
          (finish & ~busy) == '0);
      a_tile_wait : assert (32'(wait_q) <= K + L - 2 && (wait_q == '0 || !held[0]));
      // what makes the proof short
      a_tiles : assert (pointers_ok && tiles_ok);
      a_rank : assert (held[0] || 32'(wait_q) + 32'(rank) <= K + L - 2);
      a_left : assert (left_ok);
      a_rest : assert (rest_ok);
    end
endmodule
