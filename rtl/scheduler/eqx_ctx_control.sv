// Life of one context: states, commands, errors, step count (see docs/scheduler.md).
// Latency: every event acts on the state at the end of its cycle; run_o, kill_o, respond_o are decoded from the state.
module eqx_ctx_control #(
    parameter bit INFERENCE = 1'b0
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  logic                         start_i,          // commands
    input  logic                         kill_i,
    input  logic                         clear_i,
    output eqx_pkg::ctx_sts_t            sts_o,
    // batch
    input  logic                         row_i,            // a row of this context's batch arrives
    input  logic                         row_last_i,
    output logic                         respond_o,        // the batch is to be answered
    output logic                         ok_o,             // ... with its results
    output logic                         free_o,           // pulse: its slots are free
    input  logic                         rsp_done_i,
    // streams
    output logic                         init_o,           // the run starts: first values
    output logic                         run_o,
    output logic                         kill_o,
    input  logic              [3:0]      ended_i,          // the stream has nothing left to issue
    input  logic              [3:0]      quiet_i,
    input  logic              [3:0]      step_i,           // a step completes (units)
    input  logic              [3:0]      nop_step_i,       // a step completes (NOPs)
    // errors
    input  logic              [3:0]      err_i,
    input  logic              [3:0][3:0] err_cause_i,
    input  logic                         overflow_i,
    input  logic              [1:0]      overflow_unit_i,
    input  logic              [3:0]      range_err_i
);
  eqx_pkg::ctx_state_e state_q, state_d;
  logic kill_q;  // killed while its rows arrived
  logic ok_q, free_q;
  logic [ 3:0] cause_q;
  logic [ 1:0] unit_q;
  logic [31:0] steps_q;

  // First error of a cycle: units, lowest first, then semaphores, then fetch.
  logic        fault;
  logic [ 3:0] cause;
  logic [ 1:0] unit;
  always_comb begin
    fault = 1'b0;
    cause = eqx_isa_pkg::ERR_NONE;
    unit  = '0;
    for (int u = 3; u >= 0; u--)
    if (range_err_i[u]) begin
      fault = 1'b1;
      cause = eqx_isa_pkg::ERR_PC_RANGE;
      unit  = 2'(u);
    end
    if (overflow_i) begin
      fault = 1'b1;
      cause = eqx_isa_pkg::ERR_SEM_OVERFLOW;
      unit  = overflow_unit_i;
    end
    for (int u = 3; u >= 0; u--)
    if (err_i[u]) begin
      fault = 1'b1;
      cause = err_cause_i[u];
      unit  = 2'(u);
    end
  end

  logic start, stop;
  assign start = INFERENCE ? (row_i && row_last_i) : (state_q == eqx_pkg::CTX_IDLE && start_i);
  assign stop  = state_q == eqx_pkg::CTX_RUNNING && (fault || kill_i);

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      eqx_pkg::CTX_IDLE: begin
        if (start) state_d = eqx_pkg::CTX_RUNNING;
        else if (INFERENCE && row_i) state_d = eqx_pkg::CTX_LOADING;
      end
      eqx_pkg::CTX_LOADING: if (start) state_d = (kill_q || kill_i) ? eqx_pkg::CTX_KILLING : eqx_pkg::CTX_RUNNING;
      eqx_pkg::CTX_RUNNING: begin
        if (stop) state_d = eqx_pkg::CTX_KILLING;
        else if (&ended_i && &quiet_i) state_d = INFERENCE ? eqx_pkg::CTX_RESPOND : eqx_pkg::CTX_IDLE;
      end
      eqx_pkg::CTX_KILLING:
      if (&quiet_i) begin
        if (INFERENCE) state_d = eqx_pkg::CTX_RESPOND;
        else state_d = (cause_q == eqx_isa_pkg::ERR_NONE) ? eqx_pkg::CTX_IDLE : eqx_pkg::CTX_ERROR;
      end
      eqx_pkg::CTX_RESPOND:
      if (rsp_done_i) state_d = (cause_q == eqx_isa_pkg::ERR_NONE) ? eqx_pkg::CTX_IDLE : eqx_pkg::CTX_ERROR;
      eqx_pkg::CTX_ERROR: if (clear_i) state_d = eqx_pkg::CTX_IDLE;
      default: state_d = eqx_pkg::CTX_IDLE;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= eqx_pkg::CTX_IDLE;
      kill_q  <= 1'b0;
      ok_q    <= 1'b0;
      free_q  <= 1'b0;
      cause_q <= '0;
      unit_q  <= '0;
    end else begin
      state_q <= state_d;
      kill_q  <= state_q == eqx_pkg::CTX_LOADING && (kill_q || kill_i);
      free_q  <= state_q != eqx_pkg::CTX_RESPOND && state_d == eqx_pkg::CTX_RESPOND;
      if (start) ok_q <= state_d == eqx_pkg::CTX_RUNNING;
      else if (stop) ok_q <= 1'b0;
      if (stop && fault) begin
        cause_q <= cause;
        unit_q  <= unit;
      end else if (state_q == eqx_pkg::CTX_ERROR && clear_i) begin
        cause_q <= '0;
        unit_q  <= '0;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) steps_q <= '0;
    else if (start) steps_q <= '0;
    else if (|step_i || |nop_step_i) steps_q <= steps_q + 32'($countones(step_i)) + 32'($countones(nop_step_i));
  end

  assign run_o     = state_q == eqx_pkg::CTX_RUNNING;
  assign kill_o    = state_q == eqx_pkg::CTX_KILLING;
  assign respond_o = state_q == eqx_pkg::CTX_RESPOND;
  assign ok_o      = ok_q;
  assign free_o    = free_q;
  assign init_o    = start;
  assign sts_o     = '{state: state_q, err_cause: cause_q, err_unit: unit_q, steps: steps_q};
endmodule
