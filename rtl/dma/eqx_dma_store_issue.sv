// Sends committed segments out: cuts them into bursts that end at 4 KiB (or 256 beats) and streams their beats.
// Latency: a segment committed in cycle t has AWVALID in t+2, WVALID from t+3, one beat a cycle; bursts and segments
// follow without a gap. Handshake: wready_i reaches the beat memory's read enable combinationally.
module eqx_dma_store_issue #(
    parameter  int unsigned BUS   = 32,                           // bytes a beat
    parameter  int unsigned PAGE  = 128,                          // beats
    parameter  int unsigned SLOTS = 66,                           // of the beat memory
    parameter  int unsigned CTX   = 3,
    parameter  int unsigned OUT   = 8,                            // bursts waiting for their response, power of two
    localparam int unsigned SW    = $clog2(SLOTS),
    localparam int unsigned CW    = (CTX > 1) ? $clog2(CTX) : 1,
    localparam int unsigned NW    = eqx_dma_pkg::SEG_W
) (
    input logic clk_i,
    input logic rst_ni,
    // committed segment: address, beats, owner
    input logic drop_i,  // send no more addresses: segments are dropped, bursts on their way completed
    input logic seg_valid_i,
    output logic seg_pop_o,
    input logic [31:0] addr_i,
    input logic [NW-1:0] beats_i,
    input logic [CW-1:0] ctx_i,
    input eqx_dma_pkg::tail_t tail_i,
    // beat memory, read latency 1
    output logic re_o,
    output logic [SW-1:0] raddr_o,
    // AXI4 write address; the data's valid, last and owner
    output logic awvalid_o,
    input logic awready_i,
    output logic [31:0] awaddr_o,
    output logic [7:0] awlen_o,
    output logic wvalid_o,
    input logic wready_i,
    output logic wlast_o,
    output logic [CW-1:0] wctx_o,
    // burst whose response comes next
    output logic b_valid_o,
    input logic b_pop_i,
    output logic [CW-1:0] b_ctx_o,
    output logic b_end_o,  // last burst of its segment
    output eqx_dma_pkg::tail_t b_tail_o
);
  localparam int unsigned AW = $clog2(BUS);
  localparam int unsigned PW = $clog2(PAGE);
  localparam int unsigned OW = $clog2(OUT);

  // Cut.
  logic [NW-1:0] sent_q, left;
  logic [31:0] addr;
  logic [8:0] room, beats;
  logic ends, issue;
  logic [OW:0] w_count, b_count;

  assign addr = addr_i + (32'(sent_q) << AW);
  assign left = beats_i - sent_q;
  assign room = 9'(PAGE) - 9'(addr[AW+PW-1:AW]);
  assign ends = left <= NW'(room);
  assign beats = ends ? 9'(left) : room;
  assign issue = seg_valid_i && !drop_i && (!awvalid_o || awready_i) &&
      w_count != (OW + 1)'(OUT) && b_count != (OW + 1)'(OUT);
  assign seg_pop_o = (issue && ends) || drop_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      awvalid_o <= 1'b0;
      sent_q    <= '0;
    end else begin
      awvalid_o <= issue || (awvalid_o && !awready_i);
      if (drop_i) sent_q <= '0;
      else if (issue) sent_q <= ends ? '0 : sent_q + NW'(beats);
    end
  end
  always_ff @(posedge clk_i) begin
    if (issue) begin
      awaddr_o <= addr;
      awlen_o  <= 8'(beats - 9'd1);
    end
  end

  eqx_dma_pkg::tail_t tail;
  always_comb begin
    tail      = tail_i;
    tail.last = tail_i.last && ends;
  end
  eqx_reg_fifo #(
      .WIDTH(CW + 1 + $bits(eqx_dma_pkg::tail_t)),
      .DEPTH(OUT)
  ) u_resp (
      .clk_i,
      .rst_ni,
      .push_i (issue),
      .wdata_i({ctx_i, ends, tail}),
      .count_o(b_count),
      .valid_o(b_valid_o),
      .ready_i(b_pop_i),
      .rdata_o({b_ctx_o, b_end_o, b_tail_o})
  );

  // Stream.
  logic w_valid, w_pop;
  logic [CW-1:0] w_ctx;
  logic [7:0] w_len, count_q;
  logic [SW-1:0] slot_q;
  eqx_reg_fifo #(
      .WIDTH(CW + 8),
      .DEPTH(OUT)
  ) u_data (
      .clk_i,
      .rst_ni,
      .push_i (issue),
      .wdata_i({ctx_i, 8'(beats - 9'd1)}),
      .count_o(w_count),
      .valid_o(w_valid),
      .ready_i(w_pop),
      .rdata_o({w_ctx, w_len})
  );
  assign re_o    = w_valid && (!wvalid_o || wready_i);
  assign raddr_o = slot_q;
  assign w_pop   = re_o && count_q == w_len;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wvalid_o <= 1'b0;
      count_q  <= '0;
      slot_q   <= '0;
    end else begin
      wvalid_o <= re_o || (wvalid_o && !wready_i);
      if (re_o) begin
        count_q <= w_pop ? '0 : count_q + 8'd1;
        slot_q  <= (slot_q == SW'(SLOTS - 1)) ? '0 : slot_q + 1'b1;
      end
      if (drop_i && !b_valid_o) slot_q <= '0;  // gathering starts there again
    end
  end
  always_ff @(posedge clk_i) begin
    if (re_o) begin
      wlast_o <= w_pop;
      wctx_o  <= w_ctx;
    end
  end
endmodule
