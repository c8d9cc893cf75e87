// Life of each context inside a DMA unit: what is in flight, stopping after an error, and the reports to the front end.
// A context is stopped while kill_i is up, and from its error on until then. While stopped it issues nothing,
// reports nothing, and what is in flight drains. While the unit is lost (dma_watchdog) what is in flight is written
// off, and every context that has work here fails with DMA_TIMEOUT.
// Latency: done and error pulses and busy are registered, one cycle after the event.
module eqx_dma_status #(
    parameter int unsigned CTX = 3,
    parameter int unsigned FLIGHT_MAX = 8  // pieces in flight
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic               [CTX-1:0]       kill_i,
    output logic               [CTX-1:0]       stop_o,
    input  logic               [CTX-1:0]       held_i,         // instruction or run held before arbitration
    input  logic                               policy_i,       // the mode alone holds a training piece
    input  logic               [CTX-1:0]       start_i,        // a piece was taken into flight
    input  logic               [CTX-1:0]       end_i,          // a piece is over
    input  logic               [CTX-1:0]       finish_i,       // with that an instruction is over
    input  eqx_dma_pkg::tail_t                 tail_i,         // of the piece that is over
    input  logic               [CTX-1:0]       beat_i,         // a beat moved
    input  logic                               lost_i,         // the memory does not answer
    input  logic               [CTX-1:0]       resp_err_i,     // error response
    input  logic               [CTX-1:0]       walk_err_i,     // faulty instruction
    input  logic               [CTX-1:0][ 3:0] walk_cause_i,
    output logic               [CTX-1:0]       quiet_o,
    output logic               [CTX-1:0]       done_valid_o,
    output logic               [CTX-1:0][15:0] done_signal_o,
    output logic               [CTX-1:0]       done_step_o,
    output logic               [CTX-1:0]       err_valid_o,
    output logic               [CTX-1:0][ 3:0] err_cause_o,
    output logic               [CTX-1:0]       busy_o,
    output eqx_pkg::stall_e                    stall_o
);
  localparam int unsigned FW = $clog2(FLIGHT_MAX + 1);

  logic [CTX-1:0] halt_q, busy_q, done_q, err_q, flying, late, error, finish;
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

  assign quiet_o       = ~(held_i | flying | busy_q | done_q | err_q);
  assign busy_o        = busy_q;
  assign done_valid_o  = done_q & ~kill_i;
  assign done_signal_o = {CTX{tail_q.signal}};
  assign done_step_o   = {CTX{tail_q.step}};
  assign err_valid_o   = err_q & ~kill_i;
  assign err_cause_o   = cause_q;

  always_comb begin
    if (|flying) stall_o = eqx_pkg::STALL_INTERNAL;
    else if (policy_i) stall_o = eqx_pkg::STALL_POLICY;
    else if (|held_i) stall_o = eqx_pkg::STALL_INTERNAL;
    else stall_o = eqx_pkg::STALL_NONE;
  end

  logic unused;
  assign unused = tail_q.last;
endmodule
