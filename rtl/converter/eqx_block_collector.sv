// Collects the lines of a block (element e of the block is lane e mod L of line e / L); a block of fewer than K/L lines
// is filled up with zeros. Lines are a ROWS segment's, or the parts of a COLS column. first_i starts a new block,
// whatever was collected before.
// Latency: block_o in the cycle of its last line, combinational.
module eqx_block_collector #(
    parameter int unsigned L = 16,
    parameter int unsigned K = 32
) (
    input  logic               clk_i,
    input  logic               valid_i,     // a line
    input  logic               first_i,     // of its segment, or column
    input  logic               blk_last_i,  // of its block
    input  logic [L-1:0][15:0] line_i,
    output logic               valid_o,
    output logic [K-1:0][15:0] block_o
);
  localparam int unsigned GROUP = K / L;

  assign valid_o = valid_i && blk_last_i;

  if (GROUP == 1) begin : g_line
    logic unused;
    assign unused  = &{1'b0, clk_i, first_i};
    assign block_o = line_i;
  end else begin : g_group
    localparam int unsigned GW = $clog2(GROUP);
    logic [GW-1:0] at_q, at;  // this line's place in its block
    logic [L-1:0][15:0] kept_q[GROUP-1];

    assign at = first_i ? '0 : at_q;

    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        at_q <= blk_last_i ? '0 : at + GW'(1);
        for (int unsigned g = 0; g < GROUP - 1; g++) if (at == GW'(g)) kept_q[g] <= line_i;
      end
    end

    always_comb begin
      for (int unsigned g = 0; g < GROUP; g++) block_o[g*L+:L] = '0;
      if (valid_o) begin
        for (int unsigned g = 0; g < GROUP - 1; g++) if (GW'(g) < at) block_o[g*L+:L] = kept_q[g];
        for (int unsigned g = 0; g < GROUP; g++) if (GW'(g) == at) block_o[g*L+:L] = line_i;
      end
    end
  end
endmodule
