// eqx_slot_pool: a slot that is out is not offered; one that is not out is offered after the others at the latest.
// Any one slot is watched; the environment takes what is offered and gives back what is out, as often as it likes.
module fv_slot_pool #(
    parameter int unsigned SLOTS = 6,
    localparam int unsigned SW = $clog2(SLOTS)
) (
    input logic clk_i,
    input logic take_i,
    input logic [SLOTS-1:0] free_i,
    input logic [SW-1:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic valid, take;
  logic [SW-1:0] slot;
  logic [SLOTS-1:0] out_q, given;
  assign take  = rst_ni && valid && take_i;
  assign given = rst_ni ? free_i & out_q : '0;
  eqx_slot_pool #(
      .SLOTS(SLOTS)
  ) dut (
      .clk_i,
      .rst_ni,
      .valid_o(valid),
      .slot_o(slot),
      .take_i(take),
      .free_mask_i(given)
  );

  logic [SW-1:0] who_q;
  logic [7:0] passed_q;  // cycles without a slot on offer since the watched one came in
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_q    <= '0;
      who_q    <= 32'(pick_i) < SLOTS ? pick_i : '0;
      passed_q <= '0;
    end else begin
      out_q <= (out_q & ~given) | (take ? SLOTS'(1) << slot : '0);
      if (out_q[who_q] || (take && slot == who_q)) passed_q <= '0;
      else if (!valid) passed_q <= passed_q + 8'd1;
    end
  end
  always_comb
    if (rst_ni) begin
      a_legal : assert (!valid || 32'(slot) < SLOTS);
      a_twice : assert (!valid || !out_q[slot]);
      // a lost one would not be offered when all others are out
      a_lost : assert (passed_q <= 8'd2);
    end
endmodule
