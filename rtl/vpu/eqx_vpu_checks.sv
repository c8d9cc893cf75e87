// Assertions of what the VPU's address stage promises, on in every simulation.
// Bound: in MODE_PRIO the cycle after one in which an inference segment is ready is inference's, unless inference wants
// a tile (COLS); then at most K training lines start while a segment of inference waits, and at most K+L-2 cycles pass
// without a line of inference.
// Reads: no line reads a VEC line that a line in flight is still to write. Programs see to it (isa.md: semaphores
// between instructions, T lines' distance within one), and the hardware relies on it.
module eqx_vpu_checks #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned K = CFG.K,
    localparam int unsigned L = CFG.L,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF
) (
    input logic                        clk_i,
    input logic                        rst_ni,
    input eqx_pkg::mode_e              mode_i,
    input logic              [CTX-1:0] offered_i,     // segments that wait for nothing but the stage and the tiles
    input logic              [CTX-1:0] cols_i,        // they fill a tile
    input logic              [CTX-1:0] take_i,
    input logic              [    1:0] valid_i,       // a segment is held: 0 inference, 1 training
    input logic              [    1:0] cols_held_i,
    input logic              [    1:0] turn_i,
    input logic              [    1:0] begun_i,       // the turn is a segment's first line
    input logic                        line_valid_i,
    // verilator lint_off UNUSEDSIGNAL
    input eqx_vpu_pkg::seg_t           line_i         // of it: context, spaces, addresses
    // verilator lint_on UNUSEDSIGNAL
);
`ifndef SYNTHESIS
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);

  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  logic [CTX-1:0] inf_offered;  // inference segments offered
  logic wants_tile, due_q;
  logic [1:0] taken_q;
  int unsigned wait_q;  // cycles without inference, while it waits
  int unsigned lines_q[C_INF];  // training lines while the context's segment waits
  eqx_pkg::mode_e mode_q;

  assign inf_offered = offered_i & INF_MASK;
  assign wants_tile  = |(inf_offered & cols_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      due_q   <= 1'b0;
      wait_q  <= 0;
      taken_q <= '0;
      for (int unsigned c = 0; c < C_INF; c++) lines_q[c] <= 0;
    end else begin
      due_q <= mode_i == eqx_pkg::MODE_PRIO && (|inf_offered) && !wants_tile;
      taken_q <= {|(take_i & ~INF_MASK), |(take_i & INF_MASK)};
      wait_q  <= (mode_i == eqx_pkg::MODE_PRIO && (|inf_offered) &&
          !(|(take_i & INF_MASK)) && !valid_i[0]) ? wait_q + 1 : 0;
      for (int unsigned c = 0; c < C_INF; c++) begin
        if (mode_i != eqx_pkg::MODE_PRIO || !offered_i[c] || take_i[c]) lines_q[c] <= 0;
        else if (turn_i[1]) lines_q[c] <= lines_q[c] + 1;
      end
    end
  end
  always_ff @(posedge clk_i) mode_q <= mode_i;

  a_due :
  assert property (@(posedge clk_i) disable iff (!live) due_q |-> turn_i[0])
  else $error("vpu: an inference segment was ready, and the cycle is not inference's");
  c_due :
  cover property (@(posedge clk_i) disable iff (!live) due_q);
  a_tile_wait :
  assert property (@(posedge clk_i) disable iff (!live) wait_q <= K + L - 2)
  else $error("vpu: inference waited %0d cycles for a tile, the bound is %0d", wait_q, K + L - 2);
  c_tile_wait :
  cover property (@(posedge clk_i) disable iff (!live) wait_q != 0);
  for (genvar c = 0; c < C_INF; c++) begin : g_ctx
    a_lines :
    assert property (@(posedge clk_i) disable iff (!live) lines_q[c] <= K)
    else $error("vpu: context %0d waited for %0d training lines, the bound is %0d", c, lines_q[c], K);
    c_lines :
    cover property (@(posedge clk_i) disable iff (!live) lines_q[c] != 0);
  end
  a_prio :
  assert property (@(posedge clk_i) disable iff (!live)
      !(mode_i == eqx_pkg::MODE_PRIO && (|(take_i & ~INF_MASK)) && (|inf_offered)))
  else $error("vpu: a training segment was granted although inference offered one");
  c_prio :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_PRIO && (|inf_offered));
  a_inf_only :
  assert property (@(posedge clk_i) disable iff (!live) !(mode_i == eqx_pkg::MODE_INF_ONLY && (|(take_i & ~INF_MASK))))
  else $error("vpu: a training segment was granted in MODE_INF_ONLY");
  c_inf_only :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_INF_ONLY && (|(offered_i & ~INF_MASK)));
  a_first_line :
  assert property (@(posedge clk_i) disable iff (!live) (taken_q & ~(turn_i & begun_i)) == '0)
  else $error("vpu: a segment was granted, and its first line is not next");
  c_first_line :
  cover property (@(posedge clk_i) disable iff (!live) taken_q != '0);
  a_fair :
  assert property (@(posedge clk_i) disable iff (!live) !(mode_q == eqx_pkg::MODE_FAIR && taken_q[0] && valid_i[1]))
  else $error("vpu: in MODE_FAIR a segment was granted before another's end");
  c_fair :
  cover property (@(posedge clk_i) disable iff (!live) mode_q == eqx_pkg::MODE_FAIR && taken_q[0]);
  a_one_filler :
  assert property (@(posedge clk_i) disable iff (!live) !(&(valid_i & cols_held_i)))
  else $error("vpu: two segments fill tiles at once");
  c_one_filler :
  cover property (@(posedge clk_i) disable iff (!live) valid_i == 2'b11 && cols_held_i != '0);
  a_turn :
  assert property (@(posedge clk_i) disable iff (!live) turn_i == {valid_i[1] && !valid_i[0], valid_i[0]})
  else $error("vpu: a cycle is lost, or training's although inference holds a segment");
  c_turn :
  cover property (@(posedge clk_i) disable iff (!live) valid_i != '0);

  // Lines in flight: stage T writes VEC at the end of its cycle, a line that starts then reads what was there before.
  localparam int unsigned T = eqx_vpu_pkg::line_stage(L);
  typedef struct packed {
    logic               valid;
    eqx_vpu_pkg::addr_t addr;
  } write_t;
  write_t             [T+1:1] flight_q;  // [T+1]: just written
  eqx_vpu_pkg::addr_t [  3:0] at;  // VEC lines that the line reads
  logic [3:0] reads, early, fresh;

  assign at = line_i.addr[eqx_vpu_pkg::D:eqx_vpu_pkg::A];
  assign reads = {4{line_valid_i}} & {eqx_vpu_pkg::is_vec(
      line_i.op.d_sp
  ), eqx_vpu_pkg::is_vec(
      line_i.op.c_sp
  ), eqx_vpu_pkg::is_vec(
      line_i.op.b_sp
  ), eqx_vpu_pkg::is_vec(
      line_i.op.a_sp
  )};
  always_comb begin
    early = '0;
    for (int unsigned x = 0; x < 4; x++) begin
      for (int unsigned i = 1; i <= T; i++) if (flight_q[i].valid && flight_q[i].addr == at[x]) early[x] = reads[x];
      fresh[x] = reads[x] && !early[x] && flight_q[T+1].valid && flight_q[T+1].addr == at[x];
    end
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) flight_q <= '0;
    else
      flight_q <= {flight_q[T:1], line_valid_i && line_i.op.r_sp == eqx_isa_pkg::DST_VEC, line_i.addr[eqx_vpu_pkg::R]};
  end

  a_early_read :
  assert property (@(posedge clk_i) disable iff (!live) early == '0)
  else $error("vpu: context %0d reads a VEC line that a line in flight is still to write", line_i.ctx);
  c_early_read :
  cover property (@(posedge clk_i) disable iff (!live) reads != '0 && flight_q[1].valid);
  c_fresh_read :
  cover property (@(posedge clk_i) disable iff (!live) fresh != '0);  // at the shortest legal distance
  c_suspended :
  cover property (@(posedge clk_i) disable iff (!live) mode_i == eqx_pkg::MODE_PRIO && turn_i[0] && valid_i[1]);
  c_suspended_tile :
  cover property (@(posedge clk_i) disable iff (!live) turn_i[0] && valid_i[1] && cols_held_i[1]);
`endif  // SYNTHESIS
endmodule
