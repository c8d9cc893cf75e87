// Processing element: W signed 8-bit products a cycle, added to the partial sum from above; four weight banks.
// Latency 1: act_o and sum_o follow act_i and sum_i, and hold while en_i is low. A weight written in a cycle is used from the next on.
module mmu_pe #(
    parameter int unsigned W    = 4,
    parameter int unsigned SUMW = 21
) (
    input  logic                   clk_i,
    input  logic                   en_i,
    input  logic        [1:0]      bank_i,
    input  logic        [8*W-1:0]  act_i,
    input  logic signed [SUMW-1:0] sum_i,
    input  logic                   wgt_we_i,
    input  logic        [1:0]      wgt_bank_i,
    input  logic        [8*W-1:0]  wgt_i,
    output logic        [8*W-1:0]  act_o,
    output logic signed [SUMW-1:0] sum_o
);
  logic        [8*W-1:0]  wgt_q[4];
  logic        [8*W-1:0]  act_q;
  logic signed [SUMW-1:0] sum_q;

  function automatic logic signed [SUMW-1:0] dot(input logic [8*W-1:0] a, input logic [8*W-1:0] b);
    logic signed [SUMW-1:0] s;
    s = '0;
    for (int unsigned e = 0; e < W; e++) s += SUMW'(signed'(a[8*e+:8])) * SUMW'(signed'(b[8*e+:8]));
    return s;
  endfunction

  always_ff @(posedge clk_i) begin
    if (wgt_we_i) wgt_q[wgt_bank_i] <= wgt_i;
    if (en_i) begin
      act_q <= act_i;
      sum_q <= sum_i + dot(act_i, wgt_q[bank_i]);
    end
  end

  assign act_o = act_q;
  assign sum_o = sum_q;
endmodule
