// Accumulator: adds each line that leaves the arrays to its C line, or overwrites it; and the completion of
// instructions.
// Timing: a row issued in cycle t is announced by row_read_i in t+2N (the C line is read, and registered in t+2N+1) and
// is at line_i in t+2N+2; the sum is written in t+2N+ROW_EXTRA. done_* is up in that cycle when it was an instruction's
// last row.
// The memory is kept twice: one copy is read here, the other by the VPU (latency 1, sees everything written before the
// cycle of acc_re_i).
module eqx_mmu_accumulate #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned L = CFG.L,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned ACC_DEPTH = CFG.ACC_DEPTH
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic                               row_valid_i,    // row issued in this cycle
    input  eqx_mmu_pkg::row_t                  row_i,
    input  logic                               row_read_i,
    input  logic                               row_done_i,
    input  logic              [   L-1:0][31:0] line_i,
    input  logic                               acc_re_i,
    // verilator lint_off UNUSEDSIGNAL
    input  logic              [    15:0]       acc_raddr_i,    // high bits: beyond the memory
    // verilator lint_on UNUSEDSIGNAL
    output logic              [L*32-1:0]       acc_rdata_o,
    output logic              [ CTX-1:0]       done_valid_o,
    output logic              [ CTX-1:0][15:0] done_signal_o,
    output logic              [ CTX-1:0]       done_step_o
);
  localparam int unsigned AW = $clog2(ACC_DEPTH);
  localparam int unsigned ADD_LAT = eqx_pkg::ADD_LATENCY;
  localparam int unsigned QW = $clog2(2 * N + 2);  // rows between issue and row_read_i: at most 2N
  localparam logic [31:0] NEG_ZERO = 32'h8000_0000;  // x + (-0) = x for every x

  // Rows in the arrays, in order.
  eqx_mmu_pkg::row_t queue_q[2**QW];
  logic [QW-1:0] head_q, tail_q;
  eqx_mmu_pkg::row_t row;

  assign row = queue_q[head_q];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q <= '0;
      tail_q <= '0;
    end else begin
      tail_q <= tail_q + QW'(row_valid_i);
      head_q <= head_q + QW'(row_read_i);
    end
  end
  always_ff @(posedge clk_i) if (row_valid_i) queue_q[tail_q] <= row_i;

  // Stage -1: the C line is at the memory's output. Stage 0: with line_i. Stage ADD_LAT: the write.
  logic                          read_q;
  eqx_mmu_pkg::row_t             row_read_q;
  eqx_mmu_pkg::row_t [ADD_LAT:0] row_q;
  logic              [ADD_LAT:1] wr_q;
  logic                          we;
  // verilator lint_off UNUSEDSIGNAL
  eqx_mmu_pkg::row_t             wrow;  // all but accum, and the high bits of the address
  // verilator lint_on UNUSEDSIGNAL
  logic [L-1:0][31:0] old, old_q, total;
  // A line that is written in the cycle of its read is not in the memory yet.
  logic fresh, fresh_q;
  logic [L-1:0][31:0] total_q;
  assign fresh = row_read_i && row.accum && we && wrow.c_addr[AW-1:0] == row.c_addr[AW-1:0];

  assign we = wr_q[ADD_LAT];
  assign wrow = row_q[ADD_LAT];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q <= 1'b0;
      wr_q   <= '0;
    end else begin
      read_q <= row_read_i;
      wr_q   <= ADD_LAT'({wr_q, row_done_i});
    end
  end
  always_ff @(posedge clk_i) begin
    if (row_read_i) begin
      row_read_q <= row;
      fresh_q    <= fresh;
    end
    if (fresh) total_q <= total;
    if (read_q) begin
      row_q[0] <= row_read_q;
      old_q    <= !row_read_q.accum ? {L{NEG_ZERO}} : fresh_q ? total_q : old;
    end
    if (row_done_i) row_q[1] <= row_q[0];
    for (int unsigned s = 2; s <= ADD_LAT; s++) if (wr_q[s-1]) row_q[s] <= row_q[s-1];
  end

  for (genvar l = 0; l < L; l++) begin : g_lane
    eqx_fp32_add #(
        .LATENCY(ADD_LAT)
    ) u_add (
        .clk_i,
        .valid_i(row_done_i),
        .a_i    (line_i[l]),
        .b_i    (old_q[l]),
        .y_o    (total[l])
    );
  end

  eqx_sram_1r1w #(
      .WIDTH(32 * L),
      .DEPTH(ACC_DEPTH)
  ) u_own (
      .clk_i,
      .we_i   (we),
      .waddr_i(wrow.c_addr[AW-1:0]),
      .wdata_i(total),
      .re_i   (row_read_i && row.accum),
      .raddr_i(row.c_addr[AW-1:0]),
      .rdata_o(old)
  );
  eqx_sram_1r1w #(
      .WIDTH(32 * L),
      .DEPTH(ACC_DEPTH)
  ) u_vpu (
      .clk_i,
      .we_i   (we),
      .waddr_i(wrow.c_addr[AW-1:0]),
      .wdata_i(total),
      .re_i   (acc_re_i),
      .raddr_i(acc_raddr_i[AW-1:0]),
      .rdata_o(acc_rdata_o)
  );

  always_comb begin
    for (int unsigned c = 0; c < CTX; c++) begin
      done_valid_o[c]  = we && wrow.last && wrow.ctx == eqx_mmu_pkg::CTX_BITS'(c);
      done_signal_o[c] = wrow.signal_mask;
      done_step_o[c]   = wrow.step;
    end
  end
endmodule
