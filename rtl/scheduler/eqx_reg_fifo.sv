// Small FIFO in registers. Latency: an entry can be read one cycle after it was written; one in and one out a cycle.
module eqx_reg_fifo #(
    parameter int unsigned WIDTH = 48,
    parameter int unsigned DEPTH = 4,  // power of two
    localparam int unsigned AW = $clog2(DEPTH)
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             push_i,   // only while count_o < DEPTH
    input  logic [WIDTH-1:0] wdata_i,
    output logic [     AW:0] count_o,
    output logic             valid_o,
    input  logic             ready_i,
    output logic [WIDTH-1:0] rdata_o
);
  if (DEPTH < 2 || (DEPTH & (DEPTH - 1)) != 0) begin : g_check
    $fatal(1, "reg_fifo: DEPTH = %0d: legal is a power of two, 2 or more", DEPTH);
  end

  logic [WIDTH-1:0] mem_q[DEPTH];
  logic [AW:0] wptr_q, rptr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wptr_q <= '0;
      rptr_q <= '0;
    end else begin
      if (push_i) wptr_q <= wptr_q + 1'b1;
      if (valid_o && ready_i) rptr_q <= rptr_q + 1'b1;
    end
  end
  always_ff @(posedge clk_i) if (push_i) mem_q[wptr_q[AW-1:0]] <= wdata_i;

  assign count_o = wptr_q - rptr_q;
  assign valid_o = wptr_q != rptr_q;
  assign rdata_o = mem_q[rptr_q[AW-1:0]];

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  a_overflow :
  assert property (@(posedge clk_i) disable iff (!live) !push_i || count_o < (AW + 1)'(DEPTH))
  else $error("reg_fifo: pushed while full");
  c_overflow :
  cover property (@(posedge clk_i) disable iff (!live) push_i);
`endif  // SYNTHESIS
endmodule
