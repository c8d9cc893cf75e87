// eqx_rr_arb: one grant a cycle, only to who asks, whenever somebody asks; who goes on asking waits for each other once
// at most.
module fv_rr_arb #(
    parameter int unsigned WIDTH = 4
) (
    input logic clk_i,
    input logic [WIDTH-1:0] req_i,
    input logic take_i,
    input logic [7:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [WIDTH-1:0] gnt, last;
  eqx_rr_arb #(
      .WIDTH(WIDTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .req_i,
      .take_i,
      .gnt_o (gnt),
      .last_o(last)
  );

  // Any one of them, and how many grants others got while it asked.
  logic [7:0] who_q, others_q;
  logic [WIDTH-1:0] me, last_q;
  assign me = WIDTH'(1) << who_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      who_q    <= pick_i < 8'(WIDTH) ? pick_i : '0;
      others_q <= '0;
      last_q   <= '0;
    end else begin
      if ((req_i & me) == '0 || (take_i && (gnt & me) != '0)) others_q <= '0;
      else if (take_i) others_q <= others_q + 8'd1;
      if (take_i && gnt != '0) last_q <= gnt;
    end
  end
  always_comb
    if (rst_ni) begin
      a_one : assert ((gnt & (gnt - 1'b1)) == '0);
      a_asked : assert ((gnt & ~req_i) == '0);
      a_some : assert ((gnt != '0) == (req_i != '0));
      a_turn : assert (others_q < 8'(WIDTH));
      a_last : assert (last == last_q);
    end
endmodule
