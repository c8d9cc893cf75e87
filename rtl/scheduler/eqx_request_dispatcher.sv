// Request dispatcher: receives requests into RXB, keeps a queue a service, forms batches and hands them to idle
// inference contexts row by row, and makes the answers for requests it cannot take (see docs/scheduler.md).
// Handshakes: s_t* and ans_* as everywhere; batch rows have no ready, since a batch goes to an idle context only.
// Latency: a request whose last beat is taken in cycle t counts from t+1; batches as in batch_former.
// Cuts: s_tready_o, row_o and ans_o come from registers (row_o's slot and id from a memory output).
module eqx_request_dispatcher #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned L = CFG.L,
    localparam int unsigned C_INF = CFG.C_INF,
    localparam int unsigned SERVICES = CFG.SERVICES,
    localparam int unsigned RX_SLOTS = CFG.RX_SLOTS,
    localparam int unsigned RX_LINES = CFG.RX_LINES,
    localparam int unsigned TX_LINES = CFG.TX_LINES
) (
    input logic clk_i,
    input logic rst_ni,
    // settings
    input eqx_pkg::svc_cfg_t [SERVICES-1:0] svc_i,
    input logic accept_en_i,  // 0: take no new header
    input logic reject_mode_i,  // 1: answer REJECTED instead of waiting for room
    // request stream
    input logic s_tvalid_i,
    output logic s_tready_o,
    input logic [16*L-1:0] s_tdata_i,
    input logic s_tlast_i,
    // payload memory, write port
    output logic rxb_we_o,
    output logic [15:0] rxb_waddr_o,  // slot * RX_LINES + line
    output logic [16*L-1:0] rxb_wdata_o,
    // batches, to the front end
    input logic [C_INF-1:0] ctx_idle_i,
    output logic row_valid_o,
    output eqx_pkg::batch_row_t row_o,
    input logic [RX_SLOTS-1:0] free_mask_i,  // slots no longer needed
    // answers, to the responder
    output logic ans_valid_o,
    input logic ans_ready_i,
    output eqx_pkg::answer_t ans_o,
    // observation
    output logic [SERVICES-1:0][15:0] level_o,  // requests waiting
    output logic any_above_threshold_o,  // some queue is longer than its threshold, or a request finds no room
    output logic any_expired_o,  // the oldest request of some service has waited its timeout
    output logic accepted_o,  // pulses
    output logic rejected_o,
    output logic not_installed_o,
    output logic bad_length_o
);
  localparam int unsigned SW = CFG.SLOTW;
  localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1;
  localparam int unsigned CW = $clog2(CFG.QUEUE_DEPTH) + 1;
  localparam int unsigned ANSWERS = eqx_pkg::ANSWER_QUEUE;  // entries of the answer FIFO
  localparam int unsigned AW = $clog2(ANSWERS) + 1;

  // Nothing here needs room for a full batch: a full queue, or a request without a slot, lets a partial one go.
  if (L < 4 || L > eqx_pkg::MAX_LANES) begin : g_check
    $fatal(1, "request_dispatcher: L = %0d: legal is 4..%0d, a beat holds a header", L, eqx_pkg::MAX_LANES);
  end
  eqx_param_check #(
      .UNIT("request_dispatcher"),
      .C_INF(C_INF),
      .SERVICES(SERVICES),
      .QUEUE_DEPTH(CFG.QUEUE_DEPTH),
      .RX_SLOTS(RX_SLOTS),
      .RX_LINES(RX_LINES),
      .TX_LINES(TX_LINES)
  ) u_check ();

  // A service counts as installed while it is enabled and its settings are in range: 1 to what the core has.
  function automatic logic fits(input logic [7:0] value, input int unsigned most);
    return value != '0 && 32'(value) <= most;
  endfunction

  logic [SERVICES-1:0] installed, full, expired;
  logic [SERVICES-1:0][7:0] rx_lines, batch;
  logic [SERVICES-1:0][31:0] timeout;
  logic [SERVICES-1:0]       above;
  logic held, beat, flows;  // the stream: a request finds no room; it moves; it moves behind a hold
  logic [SERVICES-1:0][CW-1:0] level;
  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    assign rx_lines[s] = svc_i[s].rx_lines;
    assign batch[s] = svc_i[s].batch;
    assign timeout[s] = svc_i[s].timeout;
    logic shape;  // its settings are in range
    assign shape = fits(rx_lines[s], RX_LINES) && fits(batch[s], N) && fits(svc_i[s].tx_lines, TX_LINES);
    assign installed[s] = svc_i[s].enable && shape;
    assign level_o[s] = 16'(level[s]);
    assign above[s] = svc_i[s].enable && level_o[s] > svc_i[s].threshold;
  end
  assign any_above_threshold_o = |above || held;
  assign any_expired_o         = |(expired & installed);

  // Slots.
  logic slot_valid, push, drop;
  logic [SW-1:0] slot, drop_slot, q_slot;
  logic [RX_SLOTS-1:0] drop_mask;
  always_comb begin
    drop_mask = '0;
    if (drop) drop_mask[drop_slot] = 1'b1;
  end
  eqx_slot_pool #(
      .SLOTS(RX_SLOTS)
  ) u_pool (
      .clk_i,
      .rst_ni,
      .valid_o    (slot_valid),
      .slot_o     (slot),
      .take_i     (push),
      .free_mask_i(free_mask_i | drop_mask)
  );

  // Receiver.
  logic             [VW-1:0] push_svc;
  logic             [  31:0] push_id;
  logic                      rx_ans_push;
  eqx_pkg::answer_t          rx_ans;
  logic             [AW-1:0] ans_count;
  eqx_request_rx #(
      .CFG(CFG)
  ) u_rx (
      .clk_i,
      .rst_ni,
      .accept_en_i,
      .reject_mode_i,
      .installed_i (installed),
      .rx_lines_i  (rx_lines),
      .full_i      (full),
      .s_tvalid_i,
      .s_tready_o,
      .s_tdata_i,
      .s_tlast_i,
      .rxb_we_o,
      .rxb_waddr_o,
      .rxb_wdata_o,
      .slot_valid_i(slot_valid),
      .slot_i      (slot),
      .push_o      (push),
      .push_svc_o  (push_svc),
      .id_o        (push_id),
      .held_o      (held),
      .beat_o      (beat),
      .ans_room_i  (ans_count < AW'(ANSWERS)),
      .ans_push_o  (rx_ans_push),
      .ans_o       (rx_ans)
  );

  // Queues.
  logic read, peek;
  logic [VW-1:0] read_svc;
  logic [SERVICES-1:0] take;
  logic [SERVICES-1:0][7:0] take_n;
  logic [31:0] q_id, q_age;
  eqx_request_queue #(
      .CFG(CFG)
  ) u_queue (
      .clk_i,
      .rst_ni,
      .timeout_i  (timeout),
      .push_i     (push),
      .push_svc_i (push_svc),
      .push_slot_i(slot),
      .push_id_i  (push_id),
      .held_i     (held),
      .beat_i     (beat),
      .flows_o    (flows),
      .take_i     (take),
      .take_n_i   (take_n),
      .read_i     (read),
      .peek_i     (peek),
      .read_svc_i (read_svc),
      .slot_o     (q_slot),
      .id_o       (q_id),
      .age_o      (q_age),
      .level_o    (level),
      .full_o     (full),
      .expired_o  (expired)
  );

  // Batches.
  logic bf_ans_valid, bf_ans_ready;
  eqx_pkg::answer_t bf_ans;
  eqx_batch_former #(
      .CFG(CFG)
  ) u_former (
      .clk_i,
      .rst_ni,
      .installed_i(installed),
      .batch_i    (batch),
      .level_i    (level),
      .full_i     (full),
      .expired_i  (expired),
      .held_i     (held),
      .flows_i    (flows),
      .ctx_idle_i,
      .take_o     (take),
      .take_n_o   (take_n),
      .read_o     (read),
      .peek_o     (peek),
      .read_svc_o (read_svc),
      .slot_i     (q_slot),
      .id_i       (q_id),
      .age_i      (q_age),
      .row_valid_o,
      .row_o,
      .ans_valid_o(bf_ans_valid),
      .ans_ready_i(bf_ans_ready),
      .ans_o      (bf_ans),
      .drop_o     (drop),
      .drop_slot_o(drop_slot)
  );

  // Answers: the receiver's first; the last entry is kept for a request that is being received.
  logic             ans_push;
  eqx_pkg::answer_t ans_new;
  assign bf_ans_ready = !rx_ans_push && ans_count < AW'(ANSWERS - 1);
  assign ans_push     = rx_ans_push || (bf_ans_valid && bf_ans_ready);
  assign ans_new      = rx_ans_push ? rx_ans : bf_ans;
  eqx_reg_fifo #(
      .WIDTH($bits(eqx_pkg::answer_t)),
      .DEPTH(ANSWERS)
  ) u_answers (
      .clk_i,
      .rst_ni,
      .push_i (ans_push),
      .wdata_i(ans_new),
      .count_o(ans_count),
      .valid_o(ans_valid_o),
      .ready_i(ans_ready_i),
      .rdata_o(ans_o)
  );

  assign accepted_o      = push;
  assign rejected_o      = ans_push && ans_new.status == eqx_isa_pkg::STATUS_REJECTED;
  assign not_installed_o = ans_push && ans_new.status == eqx_isa_pkg::STATUS_NOT_INSTALLED;
  assign bad_length_o    = ans_push && ans_new.status == eqx_isa_pkg::STATUS_BAD_LENGTH;

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  // Slots waiting in queues, and slots handed over and not yet freed, are what the pool does not have.
  int unsigned waiting_q, out_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waiting_q <= 0;
      out_q     <= 0;
    end else if (push || row_valid_o || drop || |free_mask_i) begin
      waiting_q <= waiting_q + 32'(push) - 32'(row_valid_o || drop);
      out_q     <= out_q + 32'(row_valid_o) - 32'($countones(free_mask_i));
    end
  end
  a_slots :
  assert property (@(posedge clk_i) disable iff (!live) 32'($countones(
      u_pool.free_q
  )) + 32'(slot_valid) + waiting_q + out_q == RX_SLOTS)
  else $error("request_dispatcher: a slot is lost or there twice");
  c_slots :
  cover property (@(posedge clk_i) disable iff (!live) waiting_q != 0 && out_q != 0);
`endif  // SYNTHESIS
endmodule
