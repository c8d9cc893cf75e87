// Notices that the memory does not answer: `limit_i` cycles in a row in which bursts were outstanding and none ended.
// The unit is then *lost*: what is outstanding is written off, until every late answer has come (`idle_i`). Limit 0:
// off.
// Latency: with a burst outstanding from cycle t on and no end in t..t+limit_i, lost_o is up from t+limit_i+1 on.
module eqx_dma_watchdog (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic [31:0] limit_i,
    input  logic        open_i,    // a burst is outstanding
    input  logic        answer_i,  // the oldest one ends
    input  logic        idle_i,    // nothing that was written off is left
    output logic        lost_o
);
  logic [31:0] waited_q;
  logic lost_q, waits;

  assign waits  = limit_i != '0 && open_i && !answer_i && !lost_q;
  assign lost_o = lost_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waited_q <= '0;
      lost_q   <= 1'b0;
    end else begin
      waited_q <= waits ? waited_q + 32'd1 : '0;
      lost_q   <= lost_q ? !idle_i : waits && waited_q >= limit_i;
    end
  end
endmodule
