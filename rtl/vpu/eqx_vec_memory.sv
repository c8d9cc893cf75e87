// Vector buffer: bf16 lines with three read ports (three copies) and one write port.
// Latency and read-during-write as in sram_1r1w.
module eqx_vec_memory #(
    parameter  int unsigned L     = 16,
    parameter  int unsigned DEPTH = 4096,
    localparam int unsigned AW    = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
    input  logic                      clk_i,
    input  logic                      we_i,
    input  logic [  AW-1:0]           waddr_i,
    input  logic [16*L-1:0]           wdata_i,
    input  logic [     2:0]           re_i,
    input  logic [     2:0][  AW-1:0] raddr_i,
    output logic [     2:0][16*L-1:0] rdata_o
);
  for (genvar p = 0; p < 3; p++) begin : g_copy
    eqx_sram_1r1w #(
        .WIDTH(16 * L),
        .DEPTH(DEPTH)
    ) u_mem (
        .clk_i,
        .we_i,
        .waddr_i,
        .wdata_i,
        .re_i   (re_i[p]),
        .raddr_i(raddr_i[p]),
        .rdata_o(rdata_o[p])
    );
  end
endmodule
