// eqx_request_queue: the requests of a service leave in the order in which they came, each once, with its slot and id;
// the level counts those that wait; and it has expired, at the latest, when its oldest is known for its timeout.
// Any one service and request are watched. The environment pushes where there is room, and does what eqx_batch_former
// does: it takes some of those that wait, reads as many, one a cycle, and looks at the one behind.
module fv_request_queue #(
    parameter int unsigned SERVICES = 2,
    parameter int unsigned QUEUE_DEPTH = 4,
    parameter bit AGES = 1'b0,  // prove the ages, too: sums of 32 bits take their time
    localparam int unsigned SW = 2,
    localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1,
    localparam int unsigned CW = $clog2(QUEUE_DEPTH) + 1
) (
    input logic clk_i,
    input logic [SERVICES-1:0][31:0] timeout_i,
    input logic push_i,
    input logic [VW-1:0] push_svc_i,
    input logic [SW-1:0] slot_i,
    input logic [1:0] id_i,
    input logic held_i,
    input logic beat_i,
    input logic take_i,
    input logic [VW-1:0] take_svc_i,
    input logic [7:0] take_n_i,
    input logic mark_i,
    input logic [VW-1:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.SERVICES(SERVICES), .QUEUE_DEPTH(QUEUE_DEPTH), .RX_SLOTS(1 << SW));
  logic [SERVICES-1:0][CW-1:0] level;
  logic [SERVICES-1:0] full, take_one, expired;
  logic [SERVICES-1:0][7:0] take_n;
  logic [SW-1:0] slot;
  logic [31:0] id;
  logic push, take, busy_q, last;
  logic [7:0] n_q, cnt_q;
  logic [VW-1:0] svc_q;
  assign push = rst_ni && push_i && 32'(push_svc_i) < SERVICES && !full[push_svc_i];
  assign take = rst_ni && take_i && !busy_q && 32'(take_svc_i) < SERVICES && take_n_i != '0 &&
      take_n_i <= 8'(level[take_svc_i]);
  assign last = cnt_q == n_q;
  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    assign take_one[s] = take && take_svc_i == VW'(s);
    assign take_n[s]   = take_n_i;
  end
  eqx_request_queue #(
      .CFG(CFG)
  ) dut (
      .clk_i,
      .rst_ni,
      .timeout_i,
      .push_i(push),
      .push_svc_i,
      .push_slot_i(slot_i),
      .push_id_i({30'd0, id_i}),
      .held_i,
      .beat_i,
      .flows_o(),
      .take_i(take_one),
      .take_n_i(take_n),
      .read_i(busy_q),
      .peek_i(last),
      .read_svc_i(svc_q),
      .slot_o(slot),
      .id_o(id),
      .age_o(),
      .level_o(level),
      .full_o(full),
      .expired_o(expired)
  );

  logic [VW-1:0] who_q;  // the service watched
  logic came, left;
  logic [7:0] inside_q, ahead_q;  // its requests that are not read; of them, ahead of the marked one
  logic marked_q, due_q;  // due: the marked one was read
  logic [SW-1:0] slot_q;
  logic [1:0] id_q;
  assign came = push && push_svc_i == who_q;
  assign left = busy_q && !last && svc_q == who_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q   <= 1'b0;
      who_q    <= 32'(pick_i) < SERVICES ? pick_i : '0;
      inside_q <= '0;
      marked_q <= 1'b0;
      due_q    <= 1'b0;
    end else begin
      if (take) begin
        busy_q <= 1'b1;
        n_q    <= take_n_i;
        cnt_q  <= '0;
        svc_q  <= take_svc_i;
      end else if (busy_q) begin
        busy_q <= !last;
        cnt_q  <= cnt_q + 8'd1;
      end
      inside_q <= inside_q + 8'(came) - 8'(left);
      due_q    <= 1'b0;
      if (came && mark_i && !marked_q && !due_q) begin
        marked_q <= 1'b1;
        slot_q   <= slot_i;
        id_q     <= id_i;
        ahead_q  <= inside_q - 8'(left);
      end else if (marked_q && left) begin
        marked_q <= ahead_q != '0;
        due_q    <= ahead_q == '0;
        ahead_q  <= ahead_q - 8'd1;
      end
    end
  end
  // Cycles in which the service's oldest request is known and has not expired. Timeouts may change meanwhile.
  logic [31:0] known_q;
  always_ff @(posedge clk_i)
    known_q <= (rst_ni && dut.known_q[who_q] && !expired[who_q] && !take_one[who_q]) ? known_q + 32'd1 : '0;
  logic [7:0] reading;  // taken and not yet read
  assign reading = (busy_q && svc_q == who_q) ? n_q - cnt_q : '0;
  // Since when the oldest that is not taken waits, and that it is looked at.
  logic [CW-2:0] oldest;
  logic [31:0] since;
  logic peeked;
  assign oldest = dut.rptr_q[who_q] + (CW - 1)'(reading);
  assign since  = dut.u_mem.mem_q[{who_q, oldest}][64+SW-1-:32];
  assign peeked = dut.peek_q && dut.peek_svc_q == who_q && !take_one[who_q];
  // Where the marked one lies: what makes the proof of a_order short.
  logic [CW-2:0] at;
  logic [64+SW-1:0] there;
  assign at = dut.rptr_q[who_q] + (CW - 1)'(ahead_q);
  assign there = dut.u_mem.mem_q[{who_q, at}];
  always_comb
    if (rst_ni) begin
      a_level :
      assert (8'(level[who_q]) + reading == inside_q && reading <= inside_q && 32'(level[who_q]) <= QUEUE_DEPTH);
      a_full : assert (full[who_q] == (32'(level[who_q]) == QUEUE_DEPTH));
      a_once : assert (!left || inside_q != '0);
      a_room :
      assert (inside_q <= 8'(QUEUE_DEPTH) && (!busy_q || (cnt_q <= n_q && 32'(svc_q) < SERVICES)) &&
          32'(who_q) < SERVICES);
      a_pointers : assert (dut.wptr_q[who_q] == (CW - 1)'(dut.rptr_q[who_q] + (CW - 1)'(inside_q)));
      a_place : assert (!marked_q || (ahead_q < inside_q && there[SW+1:0] == {id_q, slot_q}));
      a_expires : assert (!AGES || !dut.known_q[who_q] || known_q < timeout_i[who_q] || expired[who_q]);
      a_known : assert (!(dut.known_q[who_q] || peeked) || level[who_q] != '0);
      a_waited :
      assert (!AGES || ((!dut.known_q[who_q] || dut.expired_q[who_q] || (known_q <= dut.waited_q[who_q] &&
          dut.waited_q[who_q] == dut.now_q - since)) && (!peeked || dut.arrival == since)));
      a_order : assert (!due_q || (slot == slot_q && id[1:0] == id_q));
    end
endmodule
