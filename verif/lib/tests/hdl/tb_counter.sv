// Device under test of the build and run support itself: a counter with a clock of its own, an assertion that
// the bench can provoke, and a cover property.
module tb_counter #(
    parameter int unsigned WIDTH = 8,
    parameter string LABEL = "none"
);
  logic clk = 1'b0;
  always #5 clk = ~clk;

  logic rst_n = 1'b1;
  logic en = 1'b0;
  logic provoke = 1'b0;
  logic [WIDTH-1:0] count;
  logic [299:0] wide = '0;
  logic [7:0] history[4];
  logic full;
  string label = LABEL;

  sub_counter #(
      .WIDTH(WIDTH)
  ) u_sub (
      .clk_i(clk),
      .rst_ni(rst_n),
      .en_i(en),
      .count_o(count)
  );

  always_ff @(posedge clk) if (en) history[count[1:0]] <= count[7:0];
  assign full = &count;

  calm :
  assert property (@(posedge clk) disable iff (!rst_n) !provoke);
  seen_full :
  cover property (@(posedge clk) full);
endmodule
