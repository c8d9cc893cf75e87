// Random values and resets; compares the sum with a reference in every cycle and counts.
module tb_saturating_sum;
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b0, add = 1'b0, high;
  logic [7:0] value = '0, sum;
  int unsigned want = 0, compared = 0, mismatches = 0;

  saturating_sum #(
      .WIDTH(8)
  ) dut (
      .clk_i  (clk),
      .rst_ni (rst_n),
      .add_i  (add),
      .value_i(value),
      .sum_o  (sum),
      .high_o (high)
  );

  always @(negedge clk) begin
    if (!rst_n) want = 0;
    compared = compared + 1;
    if (32'(sum) != want || high != (want >= 192)) mismatches = mismatches + 1;
    rst_n = $urandom_range(0, 40) != 0;
    add   = $urandom_range(0, 3) != 0;
    value = 8'($urandom_range(0, 255) >> $urandom_range(0, 7));
    if (!rst_n) want = 0;
    else if (add) want = (want + 32'(value) > 255) ? 255 : want + 32'(value);
  end
endmodule
