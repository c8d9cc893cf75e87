// Processing element: W signed 8-bit products a cycle, added to the partial sum from above; three weight banks.
// Banks 0 and 1 hold tiles of inference, 2 the tile of training; 3 is 2 too.
// Latency 1: act_o, bank_o and sum_o follow act_i, bank_i and sum_i, and hold while en_i is low. A weight written in a
// cycle is used from the next on.
// The bank's number moves with the activations, as one register for many PEs would be the slowest net of the core.
// The banks are four registers, not an array, and the products are ints: both simulate faster.
module eqx_mmu_pe #(
    parameter int unsigned W    = 4,
    parameter int unsigned SUMW = 21
) (
    input  logic            clk_i,
    input  logic            en_i,
    input  logic [     1:0] bank_i,
    input  logic [ 8*W-1:0] act_i,
    input  logic [SUMW-1:0] sum_i,
    input  logic            wgt_we_i,
    input  logic [     1:0] wgt_bank_i,
    input  logic [ 8*W-1:0] wgt_i,
    output logic [ 8*W-1:0] act_o,
    output logic [     1:0] bank_o,
    output logic [SUMW-1:0] sum_o
);
  if (eqx_pkg::INF_TILES != 2 || eqx_pkg::TRN_TILES != 1) begin : g_banks
    $fatal(1, "mmu_pe: INF_TILES = %0d, TRN_TILES = %0d: legal are 2 and 1", eqx_pkg::INF_TILES, eqx_pkg::TRN_TILES);
  end

  logic [8*W-1:0] wgt0_q, wgt1_q, wgt2_q;
  logic [ 8*W-1:0] act_q;
  logic [     1:0] bank_q;
  logic [SUMW-1:0] sum_q;

  function automatic int dot(input logic [8*W-1:0] a, input logic [8*W-1:0] b);
    int s;
    s = 0;
    for (int unsigned e = 0; e < W; e++) s += int'(signed'(a[8*e+:8])) * int'(signed'(b[8*e+:8]));
    return s;
  endfunction

  always_ff @(posedge clk_i) begin
    if (wgt_we_i) begin
      unique case (wgt_bank_i)
        2'd0:    wgt0_q <= wgt_i;
        2'd1:    wgt1_q <= wgt_i;
        default: wgt2_q <= wgt_i;
      endcase
    end
    if (en_i) begin
      act_q  <= act_i;
      bank_q <= bank_i;
      sum_q  <= sum_i + SUMW'(dot(act_i, bank_i[1] ? wgt2_q : bank_i[0] ? wgt1_q : wgt0_q));
    end
  end

  assign act_o  = act_q;
  assign bank_o = bank_q;
  assign sum_o  = sum_q;
endmodule
