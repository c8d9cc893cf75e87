// Completion queue of a context: instructions complete in order although those that convert finish later than others.
// An instruction enters with its last line; each of the three ways to finish (no conversion, ROWS, COLS) reports in
// order, and the queue's head leaves when its way has a report to spare.
// Latency: done_valid_o in the cycle of the report if the instruction is the oldest; one instruction a cycle.
module eqx_vpu_done #(
    parameter int unsigned DEPTH = eqx_pkg::VPU_QUEUE  // power of two
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        push_i,
    input  eqx_vpu_pkg::finish_t        push_data_i,
    input  logic                 [ 2:0] report_i,       // index: eqx_isa_pkg::conv_e
    output logic                        room_o,         // for one more, even if one is on its way
    output logic                        empty_o,
    output logic                        done_valid_o,
    output logic                 [15:0] done_signal_o,
    output logic                        done_step_o
);
  localparam int unsigned AW = $clog2(DEPTH);

  eqx_vpu_pkg::finish_t queue_q[DEPTH];
  logic [AW-1:0] rd_q, wr_q;
  logic                 [AW:0]       count_q;
  logic                 [ 2:0][AW:0] spare_q;  // reports not used yet
  eqx_vpu_pkg::finish_t              head;
  logic [2:0] used, ready;

  assign head          = queue_q[rd_q];
  assign empty_o       = count_q == '0;
  assign room_o        = count_q <= (AW + 1)'(DEPTH - 2);
  assign done_valid_o  = !empty_o && |used;
  assign done_signal_o = head.signal_mask;
  assign done_step_o   = head.step;

  always_comb begin
    for (int unsigned i = 0; i < 3; i++) begin
      ready[i] = report_i[i] || spare_q[i] != '0;
      used[i]  = !empty_o && ready[i] && head.v_mode == 2'(i);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rd_q    <= '0;
      wr_q    <= '0;
      count_q <= '0;
      spare_q <= '0;
    end else begin
      if (push_i) wr_q <= wr_q + AW'(1);
      if (done_valid_o) rd_q <= rd_q + AW'(1);
      count_q <= count_q + (AW + 1)'(push_i) - (AW + 1)'(done_valid_o);
      for (int unsigned i = 0; i < 3; i++) spare_q[i] <= spare_q[i] + (AW + 1)'(report_i[i]) - (AW + 1)'(used[i]);
    end
  end

  always_ff @(posedge clk_i) if (push_i) queue_q[wr_q] <= push_data_i;
endmodule
