// Life of each context inside a DMA unit: what is in flight, stopping after an error, and the reports to the front end.
// A context is stopped while kill_i is up, and from its error on until then. While stopped it issues nothing,
// reports nothing, and what is in flight drains. While the unit is lost (dma_watchdog) what is in flight is written
// off, and every context that has work here fails with DMA_TIMEOUT.
// Latency: done and error pulses and busy are registered, one cycle after the event.
module eqx_dma_status #(
    parameter int unsigned CTX = 3,
    parameter int unsigned FLIGHT_MAX = 8  // pieces in flight
) (
    input  logic                              clk_i,
    input  logic                              rst_ni,
    input  logic               [CTX-1:0]      kill_i,
    input  logic               [CTX-1:0]      ready_i,       // for the next instruction
    output logic               [CTX-1:0]      stop_o,
    input  logic               [CTX-1:0]      held_i,        // instruction or run held before arbitration
    input  logic                              policy_i,      // the mode alone holds a training piece
    input  logic               [CTX-1:0]      start_i,       // a piece was taken into flight
    input  logic               [CTX-1:0]      end_i,         // a piece is over
    input  logic               [CTX-1:0]      finish_i,      // with that an instruction is over
    input  eqx_dma_pkg::tail_t                tail_i,        // of the piece that is over
    input  logic               [CTX-1:0]      beat_i,        // a beat moved
    input  logic                              lost_i,        // the memory does not answer
    input  logic               [CTX-1:0]      resp_err_i,    // error response
    input  logic               [CTX-1:0]      walk_err_i,    // faulty instruction
    input  logic               [CTX-1:0][3:0] walk_cause_i,
    output eqx_pkg::unit_rsp_t [CTX-1:0]      unit_rsp_o,
    output eqx_pkg::stall_e                   stall_o
);
  localparam int unsigned FW = $clog2(FLIGHT_MAX + 1);

  logic [CTX-1:0] halt_q, busy_q, done_q, err_q, flying, late, error, finish, quiet, done, err;
  logic               [CTX-1:0][FW-1:0] flight_q;
  logic               [CTX-1:0][   3:0] cause_q;
  eqx_dma_pkg::tail_t                   tail_q;

  assign stop_o = kill_i | halt_q;
  assign late   = lost_i ? held_i | flying : '0;
  assign error  = (late | resp_err_i | walk_err_i) & ~stop_o;
  assign finish = finish_i & ~resp_err_i & ~stop_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      halt_q   <= '0;
      busy_q   <= '0;
      done_q   <= '0;
      err_q    <= '0;
      flight_q <= '0;
    end else begin
      halt_q <= (halt_q | error) & ~kill_i;
      busy_q <= beat_i;
      done_q <= finish;
      err_q  <= error;
      for (int unsigned c = 0; c < CTX; c++) begin
        if (lost_i) flight_q[c] <= '0;
        else if (start_i[c] != end_i[c]) flight_q[c] <= start_i[c] ? flight_q[c] + 1'b1 : flight_q[c] - 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (|finish) tail_q <= tail_i;
    for (int unsigned c = 0; c < CTX; c++) begin
      if (error[c]) begin
        if (late[c]) cause_q[c] <= eqx_isa_pkg::ERR_DMA_TIMEOUT;
        else cause_q[c] <= resp_err_i[c] ? eqx_isa_pkg::ERR_DMA_RESP : walk_cause_i[c];
      end
    end
  end

  always_comb for (int unsigned c = 0; c < CTX; c++) flying[c] = flight_q[c] != '0;

  assign quiet = ~(held_i | flying | busy_q | done_q | err_q);
  assign done  = done_q & ~kill_i;
  assign err   = err_q & ~kill_i;
  for (genvar c = 0; c < CTX; c++) begin : g_rsp
    assign unit_rsp_o[c] = '{
            instr_ready: ready_i[c],
            quiet: quiet[c],
            done_valid: done[c],
            done_signal: tail_q.signal,
            done_step: tail_q.step,
            err_valid: err[c],
            err_cause: cause_q[c],
            busy: busy_q[c]
        };
  end

  always_comb begin
    if (|flying) stall_o = eqx_pkg::STALL_INTERNAL;
    else if (policy_i) stall_o = eqx_pkg::STALL_POLICY;
    else if (|held_i) stall_o = eqx_pkg::STALL_INTERNAL;
    else stall_o = eqx_pkg::STALL_NONE;
  end

  logic unused;
  assign unused = tail_q.last;
endmodule
