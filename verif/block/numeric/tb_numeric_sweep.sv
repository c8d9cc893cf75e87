// bf16 operations as the lanes perform them (fp32 cell, then one rounding): operand a takes all 2**16 values for every
// operand b of a file.
module tb_numeric_sweep #(
    parameter DUT = "add"
);
  localparam int unsigned LANES   = 16;
  localparam int unsigned LATENCY = (DUT == "add") ? 2 : 1;

  logic clk = 1'b0;
  always #5 clk = ~clk;

  logic start = 1'b0, clear = 1'b1, plant = 1'b0;
  logic done, valid, idle, finished;
  logic [LANES-1:0][15:0] a, want, out;
  logic [15:0] b;
  int unsigned compared, mismatches, held, unheld, first;
  logic [15:0] first_got, first_want;

  sweep_source #(.LANES(LANES)) u_source (
      .clk_i(clk), .start_i(start), .done_o(done), .valid_o(valid), .a_o(a), .b_o(b), .expect_o(want)
  );
  lane_check #(.LANES(LANES), .LATENCY(LATENCY)) u_check (
      .clk_i(clk), .clear_i(clear), .plant_i(plant), .valid_i(valid), .expect_i(want), .out_i(out), .idle_o(idle),
      .compared_o(compared), .mismatches_o(mismatches), .held_o(held), .unheld_o(unheld),
      .first_o(first), .first_got_o(first_got), .first_want_o(first_want)
  );
  always @(posedge clk) finished <= start && done && idle;

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [31:0] y;
    if (DUT == "add") begin : g_dut
      fp32_add #(.LATENCY(LATENCY)) u (.clk_i(clk), .valid_i(valid), .a_i({a[l], 16'd0}), .b_i({b, 16'd0}), .y_o(y));
    end else begin : g_dut
      bf16_mul u (.clk_i(clk), .valid_i(valid), .a_i(a[l]), .b_i(b), .y_o(y));
    end
    fp32_to_bf16 u_round (.x_i(y), .y_o(out[l]));
  end
endmodule
