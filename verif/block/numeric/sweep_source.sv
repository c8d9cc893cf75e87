// Sweeps operand a through all 2**16 values, LANES a cycle, for each operand b of a file. The file holds, for every b,
// b itself (2 bytes) and the 2**16 expected values, in rows of LANES, most significant byte and lane first.
// start_i: level; done_o rises when the file has ended.
module sweep_source #(
    parameter int unsigned OUT_W = 16,
    parameter int unsigned LANES = 16,
    parameter string       FILE  = "sweep.bin"
) (
    input  logic                        clk_i,
    input  logic                        start_i,
    output logic                        done_o,
    output logic                        valid_o,
    output logic [LANES-1:0][     15:0] a_o,
    output logic [     15:0]            b_o,
    output logic [LANES-1:0][OUT_W-1:0] expect_o
);
  logic [LANES*OUT_W-1:0] row;
  logic [           15:0] b;
  logic [           15:0] base = 16'd0;
  int                     fd = 0;
  int                     count;

  always @(posedge clk_i) begin
    if (!start_i) begin
      if (fd != 0) $fclose(fd);
      fd   = 0;
      base = 16'd0;
      done_o  <= 1'b0;
      valid_o <= 1'b0;
    end else if (!done_o) begin
      if (fd == 0) begin
        fd = $fopen(FILE, "rb");
        if (fd == 0) $fatal(1, "no %s", FILE);
      end
      count = 2;
      if (base == 16'd0) count = $fread(b, fd);
      if (count == 2) begin
        count = $fread(row, fd);
        if (count != LANES * OUT_W / 8) $fatal(1, "%s: a sweep is cut short", FILE);
        valid_o  <= 1'b1;
        b_o      <= b;
        expect_o <= row;
        for (int l = 0; l < LANES; l++) a_o[l] <= base + 16'(l);
        base = base + 16'(LANES);
      end else begin
        valid_o <= 1'b0;
        done_o  <= 1'b1;
      end
    end else begin
      valid_o <= 1'b0;
    end
  end
endmodule
