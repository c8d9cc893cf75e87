// Reads the words of a segment from SOB or SOF and writes its beats into the beat memory: for a panel a place is left
// free for the exponents, which are written last. Then the segment is committed.
// Latency: first read in the cycle after the segment was taken. A panel of n beats of mantissas takes n+1 cycles and is
// committed in the cycle n+1 after its first read; n beats of lines take n cycles and are committed n cycles after the
// first read.
// One read a word, so that one beat a cycle is sustained (a block needs K/BUS beats, a line 4L/BUS).
module eqx_dma_store_gather #(
    parameter  int unsigned K     = 32,
    parameter  int unsigned L     = 16,
    parameter  int unsigned BUS   = 32,                  // bytes a beat
    parameter  int unsigned SLOTS = 66,                  // of the beat memory
    parameter  int unsigned TAG_W = 8,                   // opaque description of the segment
    localparam int unsigned KB    = K / BUS,
    localparam int unsigned LB    = 4 * L / BUS,
    localparam int unsigned CW    = eqx_dma_pkg::SEG_W,
    localparam int unsigned SW    = $clog2(SLOTS)
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             clear_i,      // forget all; nothing is offered meanwhile
    input  logic             seg_valid_i,
    output logic             seg_ready_o,
    input  logic             seg_lines_i,  // units are lines, else blocks
    input  logic [     15:0] seg_laddr_i,
    input  logic [   CW-1:0] seg_units_i,
    input  logic [TAG_W-1:0] tag_i,
    // buffers, read latency 1
    output logic             sob_re_o,
    output logic [     15:0] sob_raddr_o,
    input  logic [  8*K+7:0] sob_rdata_i,
    output logic             sof_re_o,
    output logic [     15:0] sof_raddr_o,
    input  logic [ 32*L-1:0] sof_rdata_i,
    // beat memory
    output logic             we_o,
    output logic [   SW-1:0] waddr_o,
    output logic [8*BUS-1:0] wdata_o,
    input  logic             freed_i,      // a slot was read out
    output logic             commit_o,
    output logic [TAG_W-1:0] commit_tag_o
);
  localparam int unsigned UW = $clog2(SLOTS + 1);
  localparam int unsigned MOST = (LB > KB) ? LB : KB;  // beats a word
  localparam int unsigned BW = (MOST > 1) ? $clog2(MOST) : 1;
  localparam int unsigned EW = $clog2(BUS);

  function automatic logic [SW-1:0] inc(input logic [SW-1:0] p);
    inc = (p == SW'(SLOTS - 1)) ? '0 : p + 1'b1;
  endfunction

  // Read stage.
  logic s_valid_q, s_lines_q, s_first_q;
  logic [     15:0] s_addr_q;
  logic [   CW-1:0] s_left_q;
  logic [TAG_W-1:0] s_tag_q;
  logic [UW-1:0] used_q, need;
  // Data stage: the word read in the previous cycle, as many cycles as it has beats.
  logic d_valid_q, d_lines_q, d_first_q, d_last_q;
  logic [   EW-1:0] d_index_q;  // of a block in its panel
  logic [   BW-1:0] d_beat_q;  // of the word
  logic [TAG_W-1:0] d_tag_q;
  // Exponent stage.
  logic             x_valid_q;
  logic [8*BUS-1:0] x_exps_q;
  logic [TAG_W-1:0] x_tag_q;
  logic [   SW-1:0] x_slot_q;  // kept free for the exponents
  logic [   SW-1:0] slot_q;  // next slot

  logic read, d_over, d_head, fits;
  assign d_head = !d_lines_q && d_first_q && d_beat_q == '0;  // a panel's first beat of mantissas
  assign d_over = d_valid_q && d_beat_q == (d_lines_q ? BW'(LB - 1) : BW'(KB - 1));
  assign need   = s_lines_q ? UW'(LB) : s_first_q ? UW'(KB + 1) : UW'(KB);
  assign fits   = (UW + 1)'(used_q) + (UW + 1)'(need) <= (UW + 1)'(SLOTS);
  // The word after the last block of a panel waits a cycle: the exponents need the write port.
  assign read   = s_valid_q && fits && (!d_valid_q || (d_over && !(d_last_q && !d_lines_q)));

  assign seg_ready_o = !s_valid_q || (read && s_left_q == CW'(1));
  assign sob_re_o    = read && !s_lines_q;
  assign sof_re_o    = read && s_lines_q;
  assign sob_raddr_o = s_addr_q;
  assign sof_raddr_o = s_addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      s_valid_q <= 1'b0;
      d_valid_q <= 1'b0;
      x_valid_q <= 1'b0;
      used_q    <= '0;
      slot_q    <= '0;
    end else if (clear_i) begin
      s_valid_q <= 1'b0;
      d_valid_q <= 1'b0;
      x_valid_q <= 1'b0;
      used_q    <= '0;
      slot_q    <= '0;
    end else begin
      s_valid_q <= (seg_valid_i && seg_ready_o) || (s_valid_q && !seg_ready_o);
      d_valid_q <= read || (d_valid_q && !d_over);
      x_valid_q <= d_over && d_last_q && !d_lines_q;
      used_q    <= used_q + (read ? need : '0) - UW'(freed_i);
      if (d_valid_q) slot_q <= d_head ? inc(inc(slot_q)) : inc(slot_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (seg_valid_i && seg_ready_o) begin
      s_lines_q <= seg_lines_i;
      s_first_q <= 1'b1;
      s_addr_q  <= seg_laddr_i;
      s_left_q  <= seg_units_i;
      s_tag_q   <= tag_i;
    end else if (read) begin
      s_first_q <= 1'b0;
      s_addr_q  <= s_addr_q + 16'd1;
      s_left_q  <= s_left_q - 1'b1;
    end
    if (read) begin
      d_lines_q <= s_lines_q;
      d_first_q <= s_first_q;
      d_last_q  <= s_left_q == CW'(1);
      d_index_q <= s_first_q ? '0 : d_index_q + 1'b1;
      d_beat_q  <= '0;
      d_tag_q   <= s_tag_q;
    end else if (d_valid_q) d_beat_q <= d_beat_q + 1'b1;
    if (d_valid_q && !d_lines_q) begin
      if (d_head) begin
        x_exps_q <= (8 * BUS)'(sob_rdata_i[8*K+:8]);  // unused bytes are zero
        x_slot_q <= slot_q;
      end else x_exps_q[8*32'(d_index_q)+:8] <= sob_rdata_i[8*K+:8];
      x_tag_q <= d_tag_q;
    end
  end

  logic [8*BUS-1:0] block_beat, line_beat;
  if (KB == 1) begin : g_block1
    assign block_beat = sob_rdata_i[8*K-1:0];
  end else begin : g_block
    assign block_beat = sob_rdata_i[8*BUS*32'(d_beat_q)+:8*BUS];
  end
  if (LB == 1) begin : g_line1
    assign line_beat = sof_rdata_i;
  end else begin : g_line
    assign line_beat = sof_rdata_i[8*BUS*32'(d_beat_q)+:8*BUS];
  end

  always_comb begin
    we_o    = d_valid_q || x_valid_q;
    waddr_o = slot_q;
    wdata_o = d_lines_q ? line_beat : block_beat;
    if (x_valid_q) begin
      waddr_o = x_slot_q;
      wdata_o = x_exps_q;
    end else if (d_head) waddr_o = inc(slot_q);
  end

  assign commit_o     = x_valid_q || (d_over && d_last_q && d_lines_q);
  assign commit_tag_o = x_valid_q ? x_tag_q : d_tag_q;
endmodule
