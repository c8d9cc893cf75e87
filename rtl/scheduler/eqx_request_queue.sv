// Queues of waiting requests, one a service, in one memory; the age of each queue's oldest request.
// A request pushed in cycle t counts from t+1. `expired_o` of a service is up from the cycle a+timeout (at least t+1),
// a the arrival of its oldest request; it is low after take_i until the new oldest is known.
// A request arrives in the cycle in which it is pushed; but what comes in behind one that was held, beat on beat, may
// have waited as long: it arrived in the first cycle with held_i. flows_o: such requests are coming in.
// take_i removes take_n_i requests from the count at once; they are then read one by one (read_i, data one cycle
// later), and a last read with peek_i looks at the oldest one left.
module eqx_request_queue #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned SERVICES = CFG.SERVICES,
    localparam int unsigned QUEUE_DEPTH = CFG.QUEUE_DEPTH,
    localparam int unsigned SW = CFG.SLOTW,
    localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1,
    localparam int unsigned PW = $clog2(QUEUE_DEPTH),
    localparam int unsigned CW = PW + 1
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic [SERVICES-1:0][  31:0] timeout_i,
    input  logic                        push_i,
    input  logic [      VW-1:0]         push_svc_i,
    input  logic [      SW-1:0]         push_slot_i,
    input  logic [        31:0]         push_id_i,
    input  logic                        held_i,       // the stream is held
    input  logic                        beat_i,       // it moves, with a good request
    output logic                        flows_o,
    input  logic [SERVICES-1:0]         take_i,       // one-hot or zero
    input  logic [SERVICES-1:0][   7:0] take_n_i,     // of each service, whether it is taken or not
    input  logic                        read_i,
    input  logic                        peek_i,       // with read_i: do not remove
    input  logic [      VW-1:0]         read_svc_i,
    output logic [      SW-1:0]         slot_o,
    output logic [        31:0]         id_o,
    output logic [        31:0]         age_o,        // of the request read, cycles since it arrived
    output logic [SERVICES-1:0][CW-1:0] level_o,
    output logic [SERVICES-1:0]         full_o,
    output logic [SERVICES-1:0]         expired_o
);
  logic [31:0] now_q, held_since_q, push_arrival, arrival;
  logic backlog_q;  // the stream was held, and was held or moved in every cycle since
  logic [SERVICES-1:0][PW-1:0] wptr_q, rptr_q;
  logic [SERVICES-1:0][CW-1:0] level_q;
  logic [SERVICES-1:0][  31:0] waited_q;  // by the oldest request; counted, as a difference takes too long to compare
  logic [SERVICES-1:0]         known_q;  // waited_q is valid
  logic [SERVICES-1:0]         expired_q;
  logic                        peek_q;  // the read data is a peek at a request that is there
  logic [      VW-1:0]         peek_svc_q;

  eqx_sram_1r1w #(
      .WIDTH(64 + SW),
      .DEPTH((1 << VW) * QUEUE_DEPTH)
  ) u_mem (
      .clk_i,
      .we_i   (push_i),
      .waddr_i({push_svc_i, wptr_q[push_svc_i]}),
      .wdata_i({push_arrival, push_id_i, push_slot_i}),
      .re_i   (read_i),
      .raddr_i({read_svc_i, rptr_q[read_svc_i]}),
      .rdata_o({arrival, id_o, slot_o})
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      now_q      <= '0;
      backlog_q  <= 1'b0;
      peek_q     <= 1'b0;
      peek_svc_q <= '0;
    end else begin
      now_q <= now_q + 32'd1;
      if (held_i) backlog_q <= 1'b1;
      else if (!beat_i) backlog_q <= 1'b0;
      peek_q <= read_i && peek_i && level_q[read_svc_i] != '0;
      if (read_i) peek_svc_q <= read_svc_i;
    end
  end

  always_ff @(posedge clk_i) if (held_i && !backlog_q) held_since_q <= now_q;
  assign push_arrival = backlog_q ? held_since_q : now_q;
  assign flows_o      = backlog_q && !held_i;

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
`endif  // SYNTHESIS
  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    logic push, take, first;
    logic [CW-1:0] less;
    assign less  = level_q[s] - CW'(take_n_i[s]);  // ahead of take, which is late
    assign push  = push_i && push_svc_i == VW'(s);
    assign take  = take_i[s];
    assign first = push && level_q[s] == '0;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        wptr_q[s]    <= '0;
        rptr_q[s]    <= '0;
        level_q[s]   <= '0;
        known_q[s]   <= 1'b0;
        expired_q[s] <= 1'b0;
      end else begin
        if (push) wptr_q[s] <= wptr_q[s] + 1'b1;
        if (read_i && !peek_i && read_svc_i == VW'(s)) rptr_q[s] <= rptr_q[s] + 1'b1;
        if (take) level_q[s] <= less + CW'(push);
        else if (push) level_q[s] <= level_q[s] + CW'(1);
        if (take) known_q[s] <= 1'b0;
        else if (first || (peek_q && peek_svc_q == VW'(s))) known_q[s] <= 1'b1;
        expired_q[s] <= expired_o[s] && !take;
      end
    end
    always_ff @(posedge clk_i) begin
      if (first) waited_q[s] <= now_q - push_arrival + 32'd1;
      else if (peek_q && peek_svc_q == VW'(s)) waited_q[s] <= age_o + 32'd1;
      else if (known_q[s] && !expired_q[s]) waited_q[s] <= waited_q[s] + 32'd1;
    end

    assign full_o[s]    = level_q[s] == CW'(QUEUE_DEPTH);
    assign expired_o[s] = expired_q[s] || (known_q[s] && waited_q[s] >= timeout_i[s]);

`ifndef SYNTHESIS
    a_overflow :
    assert property (@(posedge clk_i) disable iff (!live) !push || !full_o[s])
    else $error("request_queue: service %0d: pushed while full", s);
    c_overflow :
    cover property (@(posedge clk_i) disable iff (!live) push);
    a_underflow :
    assert property (@(posedge clk_i) disable iff (!live) !take || 32'(take_n_i[s]) <= 32'(level_q[s]))
    else $error("request_queue: service %0d: %0d taken of %0d", s, take_n_i[s], level_q[s]);
    c_underflow :
    cover property (@(posedge clk_i) disable iff (!live) take);
    a_known :
    assert property (@(posedge clk_i) disable iff (!live) !known_q[s] || level_q[s] != '0)
    else $error("request_queue: service %0d: an arrival is known of an empty queue", s);
    c_known :
    cover property (@(posedge clk_i) disable iff (!live) known_q[s]);
`endif  // SYNTHESIS
  end

  assign level_o = level_q;
  assign age_o   = now_q - arrival;
endmodule
