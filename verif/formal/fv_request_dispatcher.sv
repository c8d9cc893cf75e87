// eqx_request_dispatcher as a whole: no request is lost, none is there twice, those of a service leave in their order,
// and none starves; and its slot is its own from the first payload line on until it is given back.
// Any one request (marked with its header) and any one slot are watched, on their way through the parts:
//   request: receiver - queue - read (a row, or an answer if its service is gone) - former's register - FIFO of answers
//   slot:    pool - on offer - queue - read - out, with a context
// The environment sends beats, changes all settings, and gives back slots that are out, whenever it likes. What a
// request has waited is free: the proof cuts waited_q, so that timeouts may strike at any time.
module fv_request_dispatcher #(
    parameter int unsigned N = 2,
    parameter int unsigned M = 2,
    parameter int unsigned C_INF = 1,
    parameter int unsigned SERVICES = 2,
    parameter int unsigned QUEUE_DEPTH = 4,
    parameter int unsigned SLOTS = 4,
    localparam int unsigned SW = $clog2(SLOTS),
    localparam int unsigned RX_LINES = 2,
    localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1,
    localparam int unsigned PW = $clog2(QUEUE_DEPTH)
) (
    input logic clk_i,
    input logic [SERVICES-1:0] enable_i,
    input logic [SERVICES-1:0][1:0] batch_i,
    input logic [SERVICES-1:0][1:0] rx_lines_i,
    input logic [SERVICES-1:0] now_i,  // timeout 0, or longer
    input logic accept_i,
    input logic reject_i,
    input logic valid_i,
    input logic last_i,
    input logic [1:0] svc_i,
    input logic [1:0] id_i,
    input logic mark_i,
    input logic [C_INF-1:0] idle_i,
    input logic [SLOTS-1:0] free_i,
    input logic ans_ready_i,
    input logic [SW-1:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N),
      .M(M),
      .C_INF(C_INF),
      .SERVICES(SERVICES),
      .QUEUE_DEPTH(QUEUE_DEPTH),
      .RX_SLOTS(SLOTS),
      .RX_LINES(RX_LINES),
      .TX_LINES(1)
  );
  eqx_pkg::svc_cfg_t [SERVICES-1:0] svc_cfg;
  always_comb begin
    for (int unsigned s = 0; s < SERVICES; s++) begin
      svc_cfg[s]          = '0;
      svc_cfg[s].enable   = enable_i[s];
      svc_cfg[s].batch    = 8'(batch_i[s]);
      svc_cfg[s].timeout  = now_i[s] ? '0 : '1;
      svc_cfg[s].rx_lines = 8'(rx_lines_i[s]);
      svc_cfg[s].tx_lines = 8'd1;
    end
  end

  logic ready, we, row_valid, ans_valid, accepted;
  logic [15:0] waddr;
  eqx_pkg::batch_row_t row;
  eqx_pkg::answer_t ans;
  eqx_pkg::header_t head;
  logic [SLOTS-1:0] out_q, given;
  assign head  = '{id: 32'(id_i), status: '0, svc: 8'(svc_i)};
  assign given = rst_ni ? free_i & out_q : '0;
  eqx_request_dispatcher #(
      .CFG(CFG)
  ) dut (
      .clk_i,
      .rst_ni,
      .svc_i                (svc_cfg),
      .accept_en_i          (accept_i),
      .reject_mode_i        (reject_i),
      .s_tvalid_i           (valid_i && rst_ni),
      .s_tready_o           (ready),
      .s_tdata_i            ((16 * CFG.L)'(head)),
      .s_tlast_i            (last_i),
      .rxb_we_o             (we),
      .rxb_waddr_o          (waddr),
      .rxb_wdata_o          (),
      .ctx_idle_i           (idle_i),
      .row_valid_o          (row_valid),
      .row_o                (row),
      .free_mask_i          (given),
      .ans_valid_o          (ans_valid),
      .ans_ready_i,
      .ans_o                (ans),
      .level_o              (),
      .any_above_threshold_o(),
      .any_expired_o        (),
      .accepted_o           (accepted),
      .rejected_o           (),
      .not_installed_o      (),
      .bad_length_o         ()
  );

  // ---- The stream, as docs/scheduler.md has it: a header, payload, an outcome with the last beat (of a header that is
  // the last beat, in the next cycle).
  logic xfer, inside_q, short_q, begins, ends, refused;
  logic [7:0] line_q;  // payload beats taken
  assign xfer    = valid_i && rst_ni && ready;
  assign begins  = xfer && !inside_q;
  assign ends    = short_q || (xfer && inside_q && last_i);
  assign refused = dut.rx_ans_push;

  // ---- The queues: requests in each that are not read.
  logic [SERVICES-1:0][7:0] here_q, reading;
  logic [SERVICES-1:0] came, left, level_ok, place_ok, known_ok, prev;
  logic [SERVICES-1:0][QUEUE_DEPTH-1:0] live;
  logic read, peek;
  assign read = dut.read;
  assign peek = dut.peek;
  assign prev = dut.u_former.u_rr.prev_q;  // whose batch was decided last
  always_comb begin
    for (int unsigned s = 0; s < SERVICES; s++) begin
      came[s] = dut.push && dut.push_svc == VW'(s);
      left[s] = read && !peek && dut.read_svc == VW'(s);
      reading[s] = (read && dut.read_svc == VW'(s)) ? dut.u_former.rows_q - dut.u_former.cnt_q : '0;
      level_ok[s] = 8'(dut.level[s]) + reading[s] == here_q[s] && here_q[s] <= 8'(QUEUE_DEPTH);
      place_ok[s] = dut.u_queue.wptr_q[s] == PW'(dut.u_queue.rptr_q[s] + PW'(here_q[s]));
      known_ok[s] = dut.level[s] == '0 || dut.u_queue.known_q[s] || (prev[s] &&
          ((read && dut.read_svc == VW'(s)) || (dut.u_queue.peek_q && dut.u_queue.peek_svc_q == VW'(s))));
      for (int unsigned e = 0; e < QUEUE_DEPTH; e++) begin
        automatic logic [PW-1:0] behind;  // a variable of this width: the operand of a cast would be extended
        behind = PW'(e) - dut.u_queue.rptr_q[s];
        live[s][e] = 8'(behind) < here_q[s];
      end
    end
  end

  // ---- The contexts that were idle when the batch was decided.
  logic [C_INF-1:0] idle_q;
  always_ff @(posedge clk_i) if (dut.take != '0) idle_q <= idle_i;

  // ---- The marked request.
  typedef enum logic [2:0] {
    NONE   = 3'd0,
    COMES  = 3'd1,  // in the receiver
    WAITS  = 3'd2,  // in its queue, ahead_q before it
    READ   = 3'd3,  // a row or a drained one in this cycle
    HELD   = 3'd4,  // its answer in the former's register
    ANSWER = 3'd5   // in the FIFO of answers, ahead_q before it
  } where_e;
  where_e where_q;
  logic [1:0] svc_q, id_q;
  logic [SW-1:0] slot_q;
  logic [7:0] ahead_q;
  logic [VW-1:0] v;
  assign v = svc_q[VW-1:0];
  logic popped;
  logic [7:0] answers;  // in the FIFO behind this cycle's pop
  assign popped  = ans_valid && ans_ready_i;
  assign answers = 8'(dut.ans_count) - 8'(popped);

  // ---- The watched slot: the places where it could be.
  logic [SW-1:0] who_q;
  logic [SERVICES-1:0][QUEUE_DEPTH-1:0] queued;
  logic [3+SERVICES*QUEUE_DEPTH:0] places;
  always_comb begin
    for (int unsigned s = 0; s < SERVICES; s++)
    for (int unsigned e = 0; e < QUEUE_DEPTH; e++)
    queued[s][e] = live[s][e] && dut.u_queue.u_mem.mem_q[s*QUEUE_DEPTH+e][SW-1:0] == who_q;
  end
  assign places = {
    queued,
    dut.u_former.row_valid_q && dut.q_slot == who_q,
    out_q[who_q],
    dut.u_pool.free_q[who_q],
    dut.slot_valid && dut.slot == who_q
  };

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
      short_q  <= 1'b0;
      line_q   <= '0;
      here_q   <= '0;
      out_q    <= '0;
      where_q  <= NONE;
      ahead_q  <= '0;
      who_q    <= 32'(pick_i) < SLOTS ? pick_i : '0;
    end else begin
      if (xfer) inside_q <= !last_i;
      short_q <= begins && last_i;
      if (xfer) line_q <= inside_q ? line_q + 8'd1 : '0;
      for (int unsigned s = 0; s < SERVICES; s++) here_q[s] <= here_q[s] + 8'(came[s]) - 8'(left[s]);
      out_q <= (out_q & ~given) | (row_valid ? SLOTS'(1) << row.slot[SW-1:0] : '0);
      unique case (where_q)
        COMES:
        if (accepted) begin
          where_q <= WAITS;
          slot_q  <= dut.slot;
          ahead_q <= here_q[v] - 8'(left[v]);
        end else if (refused) begin
          where_q <= ANSWER;
          ahead_q <= answers;
        end
        WAITS:
        if (left[v]) begin
          where_q <= ahead_q == '0 ? READ : WAITS;
          ahead_q <= ahead_q - 8'd1;
        end
        READ: where_q <= row_valid ? NONE : HELD;
        HELD:
        if (dut.bf_ans_ready) begin
          where_q <= ANSWER;
          ahead_q <= answers;
        end
        ANSWER:
        if (popped) begin
          where_q <= ahead_q == '0 ? NONE : ANSWER;
          ahead_q <= ahead_q - 8'd1;
        end
        default:
        if (begins && mark_i) begin
          where_q <= COMES;
          svc_q   <= svc_i;
          id_q    <= id_i;
        end
      endcase
    end
  end

  // Where the marked one lies: in the memory of the queues, in the FIFO of answers.
  logic [PW-1:0] at;
  logic [1:0] at_ans;
  logic [64+SW-1:0] there;
  eqx_pkg::answer_t there_ans;
  assign at = dut.u_queue.rptr_q[v] + PW'(ahead_q);
  assign there = dut.u_queue.u_mem.mem_q[{v, at}];
  assign at_ans = dut.u_answers.rptr_q[1:0] + 2'(ahead_q);
  assign there_ans = dut.u_answers.mem_q[at_ans];

  // ---- Its turn. While its service is installed with timeout 0, a context is idle, and no backlog flows in (then
  // timeouts wait), rank is what it may still have to wait: batches of its own service before it, of which each may
  // have to wait for every other service once.
  localparam int unsigned GO = N + 2;  // cycles between decisions, at most
  localparam int unsigned PERIOD = (N + 3) + (SERVICES - 1) * GO;  // between decisions for one service
  localparam int unsigned BOUND = QUEUE_DEPTH * PERIOD + N;
  logic fair;
  logic [7:0] wait_q, rank, batches, rest, until_known, others;
  logic mine;  // a batch of its service is being read
  assign mine = read && dut.read_svc == v;
  assign fair = where_q == WAITS && dut.installed[v] && now_i[v] && idle_i != '0 && !dut.flows;
  always_ff @(posedge clk_i) wait_q <= (rst_ni && fair) ? wait_q + 8'd1 : '0;
  assign rest = read ? dut.u_former.rows_q - dut.u_former.cnt_q + 8'd1 : '0;
  always_comb begin
    others = 8'(SERVICES - 1);
    for (int unsigned s = 0; s < SERVICES; s++) begin
      if (prev[s]) begin
        if (VW'(s) < v) others = 8'(v) - 8'(s) - 8'd1;
        else others = 8'(SERVICES - 1) - (8'(s) - 8'(v));
      end
    end
    if (prev == '0) others = 8'(v);
    if (prev[v]) others = 8'(SERVICES - 1);
    if (dut.u_queue.known_q[v]) until_known = rest;
    else if (mine) until_known = rest + 8'd1;
    else until_known = (rest == '0) ? 8'd1 : rest;
    batches = ahead_q - reading[v];
    if (ahead_q < reading[v]) rank = ahead_q;
    else rank = batches * 8'(PERIOD) + until_known + others * 8'(GO) + 8'(N);
  end

  logic former_ok;
  assign former_ok = dut.u_former.cnt_q <= dut.u_former.rows_q && 32'(dut.u_former.svc_q) < SERVICES &&
      dut.u_former.rows_q <= 8'(N) && dut.u_former.rows_q != '0 && prev[dut.u_former.svc_q];
  always_comb
    if (rst_ni) begin
      // each request has one outcome, with its last beat
      a_outcome : assert (accepted == (ends && !refused) && (!refused || ends));
      a_receiver : assert ((dut.u_rx.state_q == 2'd1) == short_q && (dut.u_rx.state_q >= 2'd2) == inside_q);
      a_line : assert (!inside_q || dut.u_rx.state_q != 2'd2 || (dut.u_rx.line_q == line_q && line_q < 8'(RX_LINES)));
      a_room :
      assert (dut.u_rx.state_q != 2'd2 || line_q == '0 || (dut.slot_valid && 32'(dut.u_rx.svc_q) < SERVICES &&
          !dut.full[dut.push_svc]));
      a_payload : assert (!we || (dut.slot_valid && 32'(waddr) == 32'(dut.slot) * RX_LINES + 32'(line_q)));
      a_accepted : assert (!accepted || (dut.slot_valid && !dut.full[dut.push_svc] && line_q <= 8'd1));
      // queues: what is there is what came and was not read
      a_level : assert (&level_ok);
      a_pointers : assert (&place_ok);
      a_reads : assert ((prev & (prev - 1'b1)) == '0 && (!read || former_ok));
      a_rows :
      assert (!dut.u_former.row_valid_q || (read && dut.u_former.row_q < dut.u_former.rows_q &&
          dut.u_former.cnt_q == dut.u_former.row_q + 8'd1));
      a_drain : assert (!read || !dut.u_former.drain_q || (dut.u_former.rows_q == 8'd1 && !dut.bf_ans_valid));
      a_context :
      assert (!read || dut.u_former.drain_q || (32'(dut.u_former.ctx_q) < C_INF &&
          ((idle_q >> dut.u_former.ctx_q) & C_INF'(1)) != '0));
      // a slot is in exactly one place
      a_slot : assert (32'(who_q) < SLOTS && places != '0 && (places & (places - 1'b1)) == '0);
      // the marked request is where it has to be
      a_comes :
      assert (where_q != COMES || ((inside_q || short_q) && dut.u_rx.svc_q == 8'(svc_q) && dut.u_rx.id_q[1:0] == id_q));
      a_waits :
      assert (where_q != WAITS || (32'(svc_q) < SERVICES && ahead_q < here_q[v] && there[SW+1:0] == {id_q, slot_q}));
      a_order :
      assert (where_q != READ || (dut.u_former.row_valid_q && dut.q_slot == slot_q &&
          dut.q_id[1:0] == id_q && 8'(svc_q) == 8'(dut.u_former.svc_q)));
      a_row :
      assert (where_q != READ || dut.u_former.drain_q || (row_valid && row.svc == 8'(svc_q) &&
          row.id[1:0] == id_q && row.slot == 16'(slot_q)));
      a_held :
      assert (where_q != HELD || (dut.bf_ans_valid && dut.bf_ans.svc == 8'(svc_q) && dut.bf_ans.id[1:0] == id_q));
      a_answers : assert (dut.ans_count <= 3'd4 && (dut.u_rx.state_q == 2'd0 || dut.ans_count <= 3'd3));
      a_lies :
      assert (where_q != ANSWER || (ahead_q < 8'(dut.ans_count) && there_ans.svc == 8'(svc_q) &&
          there_ans.id[1:0] == id_q));
      a_answer :
      assert (where_q != ANSWER || ahead_q != '0 || (ans_valid && ans.svc == 8'(svc_q) && ans.id[1:0] == id_q));
      // nobody starves
      a_known : assert (&known_ok);
      a_turn : assert (where_q != WAITS || 32'(wait_q) + 32'(rank) <= BOUND);
    end
endmodule
