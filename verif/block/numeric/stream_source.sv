// Plays a file of rows (LANES operands, then LANES expected values, most significant byte and lane first) to a DUT.
// With gaps_i, about a third of the cycles carry no row but rubbish operands with valid low.
// start_i: level; done_o rises when the file has ended.
module stream_source #(
    parameter int unsigned IN_W  = 32,
    parameter int unsigned OUT_W = 16,
    parameter int unsigned LANES = 16,
    parameter string       FILE  = "stim.bin"
) (
    input  logic                        clk_i,
    input  logic                        start_i,
    input  logic                        gaps_i,
    output logic                        done_o,
    output logic                        valid_o,
    output logic [LANES-1:0][ IN_W-1:0] in_o,
    output logic [LANES-1:0][OUT_W-1:0] expect_o
);
  localparam int unsigned ROW_W = LANES * (IN_W + OUT_W);
  logic [ROW_W-1:0] row;
  int               fd = 0;
  int               count;
  logic [     31:0] lfsr = 32'h1ACE_B00C;

  always @(posedge clk_i) begin
    if (!start_i) begin
      if (fd != 0) $fclose(fd);
      fd = 0;
      done_o  <= 1'b0;
      valid_o <= 1'b0;
    end else if (!done_o) begin
      if (fd == 0) begin
        fd = $fopen(FILE, "rb");
        if (fd == 0) $fatal(1, "no %s", FILE);
      end
      lfsr = {lfsr[30:0], lfsr[31] ^ lfsr[21] ^ lfsr[1] ^ lfsr[0]};
      if (gaps_i && lfsr[7:0] < 8'd85) begin
        valid_o <= 1'b0;
        in_o    <= ~in_o;
      end else begin
        count = $fread(row, fd);
        valid_o <= count == ROW_W / 8;
        done_o  <= count != ROW_W / 8;
        if (count == ROW_W / 8) {in_o, expect_o} <= row;
      end
    end else begin
      valid_o <= 1'b0;
    end
  end
endmodule
