// Holds a valid/ready channel back in so many percent of cycles, at random: between its two sides neither valid nor
// ready passes then. What was once offered stays on offer until it is taken, as the law of handshakes wants. Payload
// goes beside it.
// pct_i = 0: a wire. held_o counts cycles in which a transfer was held back.
module stream_gate (
    input  logic               clk_i,
    input  logic        [31:0] seed_i,
    input  int unsigned        pct_i,
    input  logic               valid_i,
    output logic               ready_o,
    output logic               valid_o,
    input  logic               ready_i,
    output int unsigned        held_o
);
  logic [31:0] rng_q = '0, rng;
  logic open_q = 1'b1, open;
  int unsigned held_q = 0;

  assign open    = open_q || pct_i == 0;
  assign valid_o = valid_i && open;
  assign ready_o = ready_i && open;
  assign held_o  = held_q;

  always_comb begin
    rng = (rng_q == '0) ? seed_i | 32'd1 : rng_q;
    rng = rng ^ (rng << 13);
    rng = rng ^ (rng >> 17);
    rng = rng ^ (rng << 5);
  end
  always_ff @(posedge clk_i) begin
    if (pct_i != 0) begin
      rng_q  <= rng;
      open_q <= (valid_o && !ready_i) || (rng >> 8) % 100 >= pct_i;
      if (valid_i && ready_i && !open) held_q <= held_q + 1;
    end else open_q <= 1'b1;
  end
endmodule
