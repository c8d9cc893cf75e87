// Round robin: grants the first request above the last grant taken, wrapping around.
// Latency: combinational grant; state moves when take_i says the grant was used.
module eqx_rr_arb #(
    parameter int unsigned WIDTH = 4
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic [WIDTH-1:0] req_i,
    input  logic             take_i,
    output logic [WIDTH-1:0] gnt_o,   // one-hot or zero
    output logic [WIDTH-1:0] last_o   // the last grant that was used; zero after reset
);
  logic [WIDTH-1:0] prev_q, mask, above;

  always_comb begin
    mask = '0;
    for (int unsigned i = 1; i < WIDTH; i++) mask[i] = mask[i-1] | prev_q[i-1];
  end
  assign last_o = prev_q;
  assign above  = req_i & mask;
  assign gnt_o  = (|above) ? (above & (~above + 1'b1)) : (req_i & (~req_i + 1'b1));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) prev_q <= '0;
    else if (take_i && |gnt_o) prev_q <= gnt_o;
  end
endmodule
