// Reduction over the lanes of a line: sum (fp32 additions of adjacent pairs, a binary tree in lane order, rounded to
// bf16 at the end) or maximum, in every lane; or the line itself, unchanged.
// Latency: two cycles a level of the tree, log2(L) levels; w_o is combinational of the last stage's registers.
// In a level's first stage operands are aligned, in the second added and rounded; a maximum is known after the first.
// A level's results share the registers of the line: L/2 fp32 values are as many bits as L bf16 values.
module eqx_vpu_reduce #(
    parameter int unsigned L = 16,
    localparam int unsigned LEVELS = $clog2(L),
    localparam int unsigned STAGES = eqx_pkg::REDUCE_LATENCY * LEVELS
) (
    input  logic                    clk_i,
    input  logic [STAGES-1:0]       valid_i,  // the stage holds a line
    input  logic [  STAGES:0][ 1:0] red_i,    // eqx_isa_pkg::red_e, of each stage's line; index STAGES: of w_o
    input  logic [     L-1:0][15:0] u_i,      // stage 0
    output logic [     L-1:0][15:0] w_o
);
  localparam int unsigned MID = $bits(eqx_fp_pkg::add_mid_t);

  if (eqx_pkg::REDUCE_LATENCY != 2) begin : g_check
    $fatal(1, "vpu_reduce: REDUCE_LATENCY = %0d: legal is 2", eqx_pkg::REDUCE_LATENCY);
  end

  logic [16*L-1:0] at[LEVELS];  // behind level k

  for (genvar k = 0; k < LEVELS; k++) begin : g_level
    localparam int unsigned OUT = L >> (k + 1);  // results of this level
    localparam int unsigned WIDTH = (MID * OUT > 16 * L) ? MID * OUT : 16 * L;
    logic [2*OUT-1:0][31:0] from;
    logic [16*L-1:0] whole;
    logic [WIDTH-1:0] mid_q;  // sums half done, maxima (in the place of a sum), or the line
    if (k == 0) begin : g_first
      assign whole = u_i;
      always_comb begin
        for (int unsigned i = 0; i < L; i++) from[i] = '0;
        if (valid_i[0]) for (int unsigned i = 0; i < L; i++) from[i] = eqx_fp_pkg::bf16_to_fp32(u_i[i]);
      end
    end else begin : g_rest
      assign whole = at[k-1];
      assign from  = at[k-1][64*OUT-1:0];
    end
    always_ff @(posedge clk_i) begin
      if (valid_i[2*k]) begin
        if (red_i[2*k] == eqx_isa_pkg::RED_NONE) mid_q[16*L-1:0] <= whole;
        else
          for (int unsigned i = 0; i < OUT; i++)
          mid_q[MID*i+:MID] <= (red_i[2*k] == eqx_isa_pkg::RED_SUM) ? eqx_fp_pkg::fp32_add_align(
              from[2*i], from[2*i+1]
          ) : MID'(eqx_fp_pkg::fp32_max(
              from[2*i], from[2*i+1]
          ));
      end
      if (valid_i[2*k+1]) begin
        if (red_i[2*k+1] == eqx_isa_pkg::RED_NONE) at[k] <= mid_q[16*L-1:0];
        else
          for (int unsigned i = 0; i < OUT; i++)
          at[k][32*i+:32] <= (red_i[2*k+1] == eqx_isa_pkg::RED_SUM) ? eqx_fp_pkg::fp32_add_round(
              mid_q[MID*i+:MID]
          ) : mid_q[MID*i+:32];
      end
    end
  end

  always_comb begin
    w_o = at[LEVELS-1];
    if (red_i[STAGES] != eqx_isa_pkg::RED_NONE) w_o = {L{eqx_fp_pkg::fp32_to_bf16(at[LEVELS-1][31:0])}};
  end
endmodule
