// Weight buffer: M banks, written a block at a time, read a line (M blocks, one a bank) at a time.
// Block address b lies in bank b mod M, line b div M. Latency and read-during-write as in sram_1r1w.
module eqx_wgt_buffer #(
    parameter  int unsigned M      = 2,
    parameter  int unsigned BLKW   = 264,                             // bits of a block: 8*K mantissas and the exponent
    parameter  int unsigned BLOCKS = 4096,                            // capacity, a multiple of M
    localparam int unsigned LINES  = BLOCKS / M,
    localparam int unsigned LAW    = (LINES > 1) ? $clog2(LINES) : 1
) (
    input  logic                      clk_i,
    input  logic                      we_i,
    input  logic [    15:0]           waddr_i,  // block address
    input  logic [BLKW-1:0]           wdata_i,
    input  logic                      re_i,
    // verilator lint_off UNUSEDSIGNAL
    input  logic [    15:0]           raddr_i,  // line address; high bits: beyond the memory
    // verilator lint_on UNUSEDSIGNAL
    output logic [   M-1:0][BLKW-1:0] rdata_o
);
  localparam int unsigned MW = $clog2(M);

  for (genvar b = 0; b < M; b++) begin : g_bank
    logic hit;
    if (M == 1) begin : g_one
      assign hit = 1'b1;
    end else begin : g_many
      assign hit = waddr_i[MW-1:0] == MW'(b);
    end
    eqx_sram_1r1w #(
        .WIDTH(BLKW),
        .DEPTH(LINES)
    ) u_bank (
        .clk_i,
        .we_i   (we_i && hit),
        .waddr_i(LAW'(waddr_i >> MW)),
        .wdata_i,
        .re_i,
        .raddr_i(raddr_i[LAW-1:0]),
        .rdata_o(rdata_o[b])
    );
  end
endmodule
