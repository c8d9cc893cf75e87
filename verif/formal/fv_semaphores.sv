// eqx_semaphores: any one semaphore counts its tokens exactly, up to 15; an overflow is told in the next cycle, with a
// unit no higher than the lowest that signalled it.
// The environment takes a token only where there is one, for one stream.
module fv_semaphores (
    input logic clk_i,
    input logic init_i,
    input logic [15:0][3:0] init_val_i,
    input logic [3:0][15:0] take_i,
    input logic [3:0] done_i,
    input logic [3:0][15:0] done_signal_i,
    input logic [3:0] nop_i,
    input logic [3:0][15:0] nop_signal_i,
    input logic [3:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset, in which a run starts
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [15:0] nonzero;
  logic overflow, init;
  logic [1:0] unit;
  logic [3:0][15:0] take;
  assign init = init_i || !rst_ni;
  always_comb begin
    take[0] = take_i[0] & nonzero;
    take[1] = take_i[1] & nonzero & ~take[0];
    take[2] = take_i[2] & nonzero & ~take[0] & ~take[1];
    take[3] = take_i[3] & nonzero & ~take[0] & ~take[1] & ~take[2];
  end
  eqx_semaphores dut (
      .clk_i,
      .rst_ni,
      .init_i(init),
      .init_val_i,
      .take_i(take),
      .done_i,
      .done_signal_i,
      .nop_i,
      .nop_signal_i,
      .nonzero_o(nonzero),
      .overflow_o(overflow),
      .overflow_unit_o(unit)
  );

  logic [3:0] s;  // the one watched
  logic [7:0] level_q, sum;
  logic over_q;
  logic [3:0] who, who_q;  // who signals it
  always_comb begin
    sum = level_q;
    who = '0;
    for (int u = 0; u < 4; u++) begin
      if (done_i[u] && done_signal_i[u][s]) sum = sum + 8'd1;
      if (nop_i[u] && nop_signal_i[u][s]) sum = sum + 8'd1;
      if (take[u][s]) sum = sum - 8'd1;
      who[u] = (done_i[u] && done_signal_i[u][s]) || (nop_i[u] && nop_signal_i[u][s]);
    end
  end
  // Whether any of them overflows, from the levels that a_count shows to be right.
  logic any, any_q;
  logic [15:0][7:0] sums;
  always_comb begin
    any = 1'b0;
    for (int i = 0; i < 16; i++) begin
      sums[i] = 8'(dut.sem_q[i]);
      for (int u = 0; u < 4; u++)
      sums[i] = sums[i] + 8'(done_i[u] && done_signal_i[u][i]) + 8'(nop_i[u] && nop_signal_i[u][i]) - 8'(take[u][i]);
      any = any || sums[i] > 8'd15;
    end
  end
  always_ff @(posedge clk_i) begin
    any_q <= rst_ni && any;
    if (!rst_ni) s <= pick_i;
    over_q <= rst_ni && sum > 8'd15;
    who_q  <= who;
    if (!rst_ni) level_q <= 8'(init_val_i[pick_i]);
    else if (init_i) level_q <= 8'(init_val_i[s]);
    else level_q <= sum > 8'd15 ? 8'd15 : sum;
  end
  always_comb
    if (rst_ni) begin
      a_nonzero : assert (nonzero[s] == (level_q != '0));
      a_overflow : assert (!over_q || overflow);
      a_alarm : assert (overflow == any_q);
      a_unit : assert (!over_q || (who_q & ((4'd1 << unit) - 4'd1)) == '0);
      a_count : assert (dut.sem_q[s] == level_q[3:0]);
    end
endmodule
