// Arbiters of several sizes under test.
module tb_eqx_arb;
  localparam int unsigned SIZES = 9;
  localparam int unsigned CTX[SIZES] = '{3, 2, 2, 5, 1, 3, 4, 4, 4};
  localparam int unsigned C_INF[SIZES] = '{2, 1, 2, 3, 1, 1, 1, 2, 3};
  localparam int unsigned CYCLES = 50_000;

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic run = 1'b0;
  logic [31:0] seed = 32'd1;

  logic [SIZES-1:0][31:0] compared, mismatches;
  logic [SIZES-1:0] all_seen;
  logic done;
  assign done = compared[0] >= CYCLES;

  for (genvar n = 0; n < SIZES; n++) begin : g_size
    arb_check #(
        .CTX  (CTX[n]),
        .C_INF(C_INF[n])
    ) u_check (
        .clk_i(clk),
        .rst_ni(rst_n),
        .run_i(run),
        .seed_i(seed + 32'(n)),
        .compared_o(compared[n]),
        .mismatches_o(mismatches[n]),
        .all_seen_o(all_seen[n])
    );
  end
endmodule
