// Tells assertions when they may judge: out of reset, and never before the first reset, whatever values registers start
// with. For synthesis, which has no assertions, it is constant.
// Latency: rises with the first clock edge out of reset, falls with the reset.
module eqx_live (
    input  logic clk_i,
    input  logic rst_ni,
    output logic live_o
);
`ifdef SYNTHESIS
  assign live_o = 1'b0;
  logic unused;
  assign unused = clk_i ^ rst_ni;
`else
  // verilator lint_off PROCASSINIT
  logic seen_q = 1'b0;  // there has been a reset
  logic live_q = 1'b0;
  // verilator lint_on PROCASSINIT
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      seen_q <= 1'b1;
      live_q <= 1'b0;
    end else live_q <= seen_q;
  end
  assign live_o = live_q;
`endif  // SYNTHESIS
endmodule
