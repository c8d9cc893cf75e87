// eqx_ctx_control: one thing at a time; a run's first error, and no other, is kept until it is cleared; a batch is
// answered once, with OK only if nothing stopped it; the context goes on as soon as what it waits for is there.
// The environment sends a batch's rows only to an idle context, and answers only what is to be answered.
module fv_ctx_control #(
    parameter bit INFERENCE = 1'b1
) (
    input logic clk_i,
    input logic start_i,
    input logic kill_i,
    input logic clear_i,
    input logic row_i,
    input logic row_last_i,
    input logic rsp_done_i,
    input logic [3:0] ended_i,
    input logic [3:0] quiet_i,
    input logic [3:0] step_i,
    input logic [3:0] nop_step_i,
    input logic [3:0] err_i,
    input logic [3:0][3:0] err_cause_i,
    input logic overflow_i,
    input logic [1:0] overflow_unit_i,
    input logic [3:0] range_err_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  eqx_pkg::ctx_sts_t sts;
  logic respond, ok, free, init, run, kill, row;
  logic [3:0][3:0] cause;
  for (genvar u = 0; u < 4; u++) begin : g_unit
    assign cause[u] = err_cause_i[u] == '0 ? 4'd1 : err_cause_i[u];  // an error has a cause
  end
  logic idle, loading, error;
  assign idle = sts.state == eqx_pkg::CTX_IDLE;
  assign loading = sts.state == eqx_pkg::CTX_LOADING;
  assign error = sts.state == eqx_pkg::CTX_ERROR;
  assign row = INFERENCE && row_i && (idle || loading);
  eqx_ctx_control #(
      .INFERENCE(INFERENCE)
  ) dut (
      .clk_i,
      .rst_ni,
      .start_i,
      .kill_i,
      .clear_i,
      .sts_o(sts),
      .row_i(row),
      .row_last_i,
      .respond_o(respond),
      .ok_o(ok),
      .free_o(free),
      .rsp_done_i(rsp_done_i && respond),
      .init_o(init),
      .run_o(run),
      .kill_o(kill),
      .ended_i,
      .quiet_i,
      .step_i,
      .nop_step_i,
      .err_i,
      .err_cause_i(cause),
      .overflow_i,
      .overflow_unit_i,
      .range_err_i
  );

  // The first error of a cycle, and of a run.
  logic fault;
  logic [3:0] what;
  logic [1:0] where;
  always_comb begin
    fault = |err_i || overflow_i || |range_err_i;
    what  = '0;
    where = '0;
    if (|err_i) begin
      for (int u = 3; u >= 0; u--)
      if (err_i[u]) begin
        what  = cause[u];
        where = 2'(u);
      end
    end else if (overflow_i) begin
      what  = eqx_isa_pkg::ERR_SEM_OVERFLOW;
      where = overflow_unit_i;
    end else if (|range_err_i) begin
      what = eqx_isa_pkg::ERR_PC_RANGE;
      for (int u = 3; u >= 0; u--) if (range_err_i[u]) where = 2'(u);
    end
  end
  logic live_q, run_q, kill_q, respond_q, idle_q, error_q, ended_q, quiet_q, clear_q, rsp_q, start_q, row_q, last_q;
  logic killed_q;  // by a command, while its rows came or while it ran, or by an error
  logic [3:0] what_q;
  logic [1:0] where_q;
  logic stop_q;
  always_ff @(posedge clk_i) begin
    live_q    <= rst_ni;
    run_q     <= run;
    kill_q    <= kill;
    respond_q <= respond;
    idle_q    <= idle;
    error_q   <= error;
    ended_q   <= &ended_i;
    quiet_q   <= &quiet_i;
    clear_q   <= clear_i;
    rsp_q     <= rsp_done_i;
    start_q   <= start_i;
    row_q     <= row;
    last_q    <= row_last_i;
    stop_q    <= run && (fault || kill_i);
    if (!rst_ni) begin
      what_q   <= '0;
      where_q  <= '0;
      killed_q <= 1'b0;
    end else begin
      if (run && fault) begin
        what_q  <= what;
        where_q <= where;
      end else if (error && clear_i) begin
        what_q  <= '0;
        where_q <= '0;
      end
      if (idle) killed_q <= 1'b0;
      else if ((loading && kill_i) || (run && (fault || kill_i))) killed_q <= 1'b1;
    end
  end
  always_comb
    if (rst_ni) begin
      a_state : assert (idle || loading || error || run || kill || respond);
      a_alone : assert (32'(run) + 32'(kill) + 32'(respond) <= 32'd1);
      a_cause : assert (sts.err_cause == what_q && sts.err_unit == where_q);
      a_idle : assert (!idle || sts.err_cause == '0);
      a_ok : assert (!respond || ok == !killed_q);
      if (live_q) begin
        a_stops : assert (!stop_q || kill);
        a_ends : assert (!(run_q && !stop_q && ended_q && quiet_q) || (INFERENCE ? respond : idle));
        a_stays : assert (!(run_q && !stop_q && !(ended_q && quiet_q)) || run);
        a_quiet : assert (!(kill_q && quiet_q) || (INFERENCE ? respond : (what_q == '0 ? idle : error)));
        a_drains : assert (!(kill_q && !quiet_q) || kill);
        a_answered : assert (!(respond_q && rsp_q) || (what_q == '0 ? idle : error));
        a_answers : assert (!(respond_q && !rsp_q) || respond);
        a_cleared : assert (!error_q || (clear_q ? idle : error));
        a_starts : assert (INFERENCE || !idle_q || run == start_q);
        a_rows : assert (!INFERENCE || !(row_q && last_q) || run || kill);
        a_free : assert (free == (respond && !respond_q));
      end
    end
endmodule
