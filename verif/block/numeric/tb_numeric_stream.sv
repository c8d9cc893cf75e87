// Plays a file of operands and expected results to 16 instances of the cell named by DUT.
module tb_numeric_stream #(
    parameter              DUT     = "fp32_add",
    parameter int unsigned LATENCY = 2,
    parameter int unsigned IN_W    = 64,
    parameter int unsigned OUT_W   = 32,
    parameter int unsigned SUMW    = 25
);
  localparam int unsigned LANES = 16;

  logic clk = 1'b0;
  always #5 clk = ~clk;

  logic start = 1'b0, clear = 1'b1, plant = 1'b0, gaps = 1'b1;
  logic done, valid, idle, finished;
  logic [LANES-1:0][IN_W-1:0]  in;
  logic [LANES-1:0][OUT_W-1:0] want, out;
  int unsigned compared, mismatches, held, unheld, first;
  logic [OUT_W-1:0] first_got, first_want;

  stream_source #(.IN_W(IN_W), .OUT_W(OUT_W), .LANES(LANES)) u_source (
      .clk_i(clk), .start_i(start), .gaps_i(gaps), .done_o(done), .valid_o(valid), .in_o(in), .expect_o(want)
  );
  lane_check #(.OUT_W(OUT_W), .LANES(LANES), .LATENCY(LATENCY)) u_check (
      .clk_i(clk), .clear_i(clear), .plant_i(plant), .valid_i(valid), .expect_i(want), .out_i(out), .idle_o(idle),
      .compared_o(compared), .mismatches_o(mismatches), .held_o(held), .unheld_o(unheld),
      .first_o(first), .first_got_o(first_got), .first_want_o(first_want)
  );
  always @(posedge clk) finished <= start && done && idle;

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    wire [IN_W-1:0] x = in[l];
    if (DUT == "fp32_add") begin : g_dut
      fp32_add #(.LATENCY(LATENCY)) u (.clk_i(clk), .valid_i(valid), .a_i(x[63:32]), .b_i(x[31:0]), .y_o(out[l]));
    end else if (DUT == "bf16_mul") begin : g_dut
      bf16_mul u (.clk_i(clk), .valid_i(valid), .a_i(x[31:16]), .b_i(x[15:0]), .y_o(out[l]));
    end else if (DUT == "int_to_fp32") begin : g_dut
      int_to_fp32 #(.SUMW(SUMW)) u (
          .clk_i(clk), .valid_i(valid), .sum_i(x[16+:SUMW]), .ea_i(x[15:8]), .eb_i(x[7:0]), .y_o(out[l])
      );
    end else if (DUT == "bf16_act") begin : g_dut
      bf16_act u (.clk_i(clk), .valid_i(valid), .fn_i(x[19:16]), .x_i(x[15:0]), .y_o(out[l]));
    end else if (DUT == "fp32_to_bf16") begin : g_dut
      fp32_to_bf16 u (.x_i(x), .y_o(out[l]));
    end else if (DUT == "fp32_max") begin : g_dut
      fp32_max u (.a_i(x[63:32]), .b_i(x[31:0]), .y_o(out[l]));
    end else if (DUT == "bf16_max") begin : g_dut
      bf16_max u (.a_i(x[31:16]), .b_i(x[15:0]), .y_o(out[l]));
    end else if (DUT == "hbfp_quant_lane") begin : g_dut
      hbfp_quant_lane u (.x_i(x[23:8]), .exp_i(x[7:0]), .q_o(out[l]));
    end else if (DUT == "hbfp_max_exp") begin : g_dut
      hbfp_max_exp #(.COUNT(IN_W / 16)) u (.x_i(x), .exp_o(out[l]));
    end else begin : g_bad
      $error("no such DUT: %s", DUT);
    end
  end
endmodule
