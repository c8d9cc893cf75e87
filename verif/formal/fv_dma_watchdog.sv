// eqx_dma_watchdog: lost comes up in the cycle after limit+1 cycles in a row in which a burst was open and none ended,
// and in no other; it stays until nothing is left, and not longer.
// The environment does what it likes, and changes the limit between 0 (off) and 3.
module fv_dma_watchdog (
    input logic clk_i,
    input logic [1:0] limit_i,
    input logic change_i,
    input logic open_i,
    input logic answer_i,
    input logic idle_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [1:0] limit_q;
  logic lost, lost_q, idle_q, silent;
  assign silent = open_i && !answer_i;
  eqx_dma_watchdog dut (
      .clk_i,
      .rst_ni,
      .limit_i({30'd0, limit_q}),
      .open_i,
      .answer_i,
      .idle_i,
      .lost_o (lost)
  );

  logic [2:0] silent_q;  // silent cycles in a row, with the limit as it is; 7: or more
  always_ff @(posedge clk_i) begin
    if (!rst_ni || (change_i && !lost)) begin
      limit_q  <= limit_i;
      silent_q <= '0;
    end else if (!silent || lost) silent_q <= '0;
    else if (silent_q != '1) silent_q <= silent_q + 3'd1;
    lost_q <= rst_ni && lost;
    idle_q <= idle_i;
  end
  // A change of the limit begins the count anew here, in the unit it goes on: then it may come earlier, not later.
  logic changed_q;
  always_ff @(posedge clk_i) changed_q <= rst_ni && ((change_i && !lost) || (changed_q && silent && !lost));
  always_comb
    if (rst_ni) begin
      a_lost : assert (lost_q || lost || limit_q == '0 || silent_q <= 3'(limit_q));
      a_alarm : assert (lost_q || !lost || changed_q || (limit_q != '0 && silent_q == 3'(limit_q) + 3'd1));
      a_stays : assert (!lost_q || lost == !idle_q);
      a_exact : assert (lost || changed_q || limit_q == '0 || dut.waited_q == 32'(silent_q));
    end
endmodule
