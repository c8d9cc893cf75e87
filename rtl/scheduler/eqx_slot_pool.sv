// Pool of free payload slots. One slot is kept ready in a register; a request that turns out to be faulty
// simply does not take it, so no slot has to be given back by the receiver.
// Latency: a freed slot can be offered one cycle after the pool was empty; take_i every cycle.
module eqx_slot_pool #(
    parameter int unsigned SLOTS = 64,
    localparam int unsigned SW = $clog2(SLOTS)
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    output logic             valid_o,     // slot_o may be taken
    output logic [   SW-1:0] slot_o,
    input  logic             take_i,      // only while valid_o
    input  logic [SLOTS-1:0] free_mask_i  // slots given back this cycle
);
  logic [SLOTS-1:0] free_q, pick;
  logic valid_q, refill;
  logic [SW-1:0] slot_q, pick_idx;

  assign refill = !valid_q || take_i;
  assign pick   = free_q & (~free_q + 1'b1);
  always_comb begin
    pick_idx = '0;
    for (int unsigned i = 0; i < SLOTS; i++) if (pick[i]) pick_idx = pick_idx | SW'(i);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      free_q  <= '1;
      valid_q <= 1'b0;
      slot_q  <= '0;
    end else begin
      if (refill) begin
        valid_q <= |free_q;
        slot_q  <= pick_idx;
      end
      free_q <= (free_q & ~(refill ? pick : '0)) | free_mask_i;
    end
  end

  assign valid_o = valid_q;
  assign slot_o  = slot_q;

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  // A slot is never given back twice, nor while it is offered.
  a_double_free :
  assert property (@(posedge clk_i) disable iff (!live) (free_q & free_mask_i) == '0)
  else $error("slot_pool: a slot is given back twice");
  c_double_free :
  cover property (@(posedge clk_i) disable iff (!live) free_mask_i != '0);
  a_free_offered :
  assert property (@(posedge clk_i) disable iff (!live) !(valid_q && free_mask_i[slot_q]))
  else $error("slot_pool: slot %0d is given back while it is offered", slot_q);
  c_free_offered :
  cover property (@(posedge clk_i) disable iff (!live) valid_q && free_mask_i != '0);
  a_take :
  assert property (@(posedge clk_i) disable iff (!live) !take_i || valid_q)
  else $error("slot_pool: taken while none is offered");
  c_take :
  cover property (@(posedge clk_i) disable iff (!live) take_i);
`endif  // SYNTHESIS
endmodule
