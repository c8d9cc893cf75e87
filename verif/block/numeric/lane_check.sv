// Compares LANES results with expected values, latency_i (1..7) cycles after the operands, and counts.
// With hold_i, the outputs must hold the last result while none is due.
module lane_check #(
    parameter int unsigned OUT_W = 32,
    parameter int unsigned LANES = 16
) (
    input  logic                               clk_i,
    input  logic        [      2:0]            latency_i,
    input  logic                               hold_i,
    input  logic                               clear_i,
    input  logic                               valid_i,       // operands are at the DUT in this cycle
    input  logic        [LANES-1:0][OUT_W-1:0] expect_i,      // what they lead to
    input  logic        [LANES-1:0][OUT_W-1:0] out_i,
    output logic                               idle_o,        // nothing is due
    output int unsigned                        compared_o,
    output int unsigned                        mismatches_o,
    output int unsigned                        held_o,        // cycles in which holding was checked
    output int unsigned                        unheld_o,      // and failed
    output int unsigned                        first_o,       // index of the first mismatch
    output logic        [OUT_W-1:0]            first_got_o,
    output logic        [OUT_W-1:0]            first_want_o
);
  typedef logic [LANES-1:0][OUT_W-1:0] row_t;
  logic [7:0] due_q;  // index: cycles since the operands (0 is the present cycle)
  row_t       want_q                                                              [8];
  logic due, last_valid_q;
  row_t want, last_q;
  int unsigned rows_q;

  assign due_q[0]  = valid_i;
  assign want_q[0] = expect_i;
  for (genvar i = 1; i < 8; i++) begin : g_delay
    always_ff @(posedge clk_i) begin
      due_q[i] <= due_q[i-1] && !clear_i;
      if (due_q[i-1]) want_q[i] <= want_q[i-1];
    end
  end
  assign due    = due_q[latency_i];
  assign want   = want_q[latency_i];
  assign idle_o = due_q == 8'd0;

  always @(posedge clk_i) begin
    if (clear_i) begin
      compared_o   = 0;
      mismatches_o = 0;
      held_o       = 0;
      unheld_o     = 0;
      rows_q       = 0;
      last_valid_q = 1'b0;
    end else if (due) begin
      if (out_i !== want) begin
        for (int l = 0; l < LANES; l++) begin
          if (out_i[l] !== want[l]) begin
            if (mismatches_o == 0) begin
              first_o      = rows_q * LANES + l;
              first_got_o  = out_i[l];
              first_want_o = want[l];
            end
            mismatches_o = mismatches_o + 1;
          end
        end
      end
      compared_o   = compared_o + LANES;
      rows_q       = rows_q + 1;
      last_q       = out_i;
      last_valid_q = 1'b1;
    end else if (hold_i && last_valid_q) begin
      held_o = held_o + 1;
      if (out_i !== last_q) unheld_o = unheld_o + 1;
    end
  end
endmodule
