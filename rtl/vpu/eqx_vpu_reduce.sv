// Reduction over the lanes of a line: sum (fp32 additions of adjacent pairs, a binary tree in lane order, rounded to
// bf16 at the end) or maximum, in every lane; or the line itself, unchanged.
// Latency: log2(L) cycles, one level of the tree a cycle; w_o is combinational of the last stage's registers.
// A level's results share the registers of the line: L/2 fp32 values are as many bits as L bf16 values.
module eqx_vpu_reduce #(
    parameter int unsigned L = 16,
    localparam int unsigned LEVELS = $clog2(L)
) (
    input  logic                    clk_i,
    input  logic [LEVELS-1:0]       valid_i,  // of the stage that feeds level i
    input  logic [  LEVELS:0][ 1:0] red_i,    // eqx_isa_pkg::red_e, of the stage that feeds level i, and of the last
    input  logic [     L-1:0][15:0] u_i,
    output logic [     L-1:0][15:0] w_o
);
  logic [16*L-1:0] at[LEVELS];  // behind level i

  for (genvar k = 0; k < LEVELS; k++) begin : g_level
    localparam int unsigned OUT = L >> (k + 1);  // results of this level
    logic [2*OUT-1:0][31:0] from;
    logic [ 16*L-1:0]       whole;
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
      if (valid_i[k]) begin
        if (red_i[k] == eqx_isa_pkg::RED_NONE) at[k] <= whole;
        else
          for (int unsigned i = 0; i < OUT; i++)
          at[k][32*i+:32] <= (red_i[k] == eqx_isa_pkg::RED_SUM) ? eqx_fp_pkg::fp32_add(
              from[2*i], from[2*i+1]
          ) : eqx_fp_pkg::fp32_max(
              from[2*i], from[2*i+1]
          );
      end
    end
  end

  always_comb begin
    w_o = at[LEVELS-1];
    if (red_i[LEVELS] != eqx_isa_pkg::RED_NONE) w_o = {L{eqx_fp_pkg::fp32_to_bf16(at[LEVELS-1][31:0])}};
  end
endmodule
