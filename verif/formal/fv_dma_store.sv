// eqx_dma_store as an AXI master: what verif/tb/axi_checker.sv looks at in simulation, of the write channels.
// VALID stays until READY and the payload with it; bursts have whole beats, are aligned and cross no 4 KiB; no data is
// offered before its address; WLAST stands at the last beat of each burst and nowhere else; no more bursts wait for
// their response than the unit has room for, and each response is taken.
// Any one burst is watched. The environment offers any instructions, kills contexts, takes addresses and data when it
// likes, and answers a burst, OK or not, or never, once its address and all of its data are taken.
module fv_dma_store #(
    parameter int unsigned N = 2,
    parameter int unsigned M = 2,
    parameter int unsigned W = 2,
    parameter int unsigned MAX_OUTSTANDING = 2,
    localparam int unsigned CTX = 2
) (
    input logic clk_i,
    input eqx_pkg::unit_req_t [CTX-1:0] req_i,
    input logic [1:0] mode_i,
    input logic [1:0] timeout_i,
    input logic awready_i,
    input logic wready_i,
    input logic b_i,
    input logic [1:0] resp_i,
    input logic mark_i,
    input logic [8*N*W+7:0] sob_rdata_i,
    input logic [32*M*N-1:0] sof_rdata_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.N(N), .M(M), .W(W), .C_INF(1), .C_TRN(1));
  localparam int unsigned BUS = CFG.BUS;
  localparam int unsigned SEGS = eqx_pkg::ST_SEGMENTS;
  logic awvalid, wvalid, bready, lost, b;
  eqx_pkg::axi_addr_t aw;
  typedef struct packed {
    logic [8*BUS-1:0] data;
    logic [BUS-1:0]   strb;
    logic             last;
  } beat_t;
  beat_t w;
  eqx_dma_store #(
      .CFG(CFG),
      .MAX_OUTSTANDING(MAX_OUTSTANDING)
  ) dut (
      .clk_i,
      .rst_ni,
      .unit_req_i (req_i),
      .unit_rsp_o (),
      .mode_i     (eqx_pkg::mode_e'(mode_i)),
      .stall_o    (),
      .timeout_i  (32'(timeout_i)),
      .lost_o     (lost),
      .awvalid_o  (awvalid),
      .awready_i,
      .aw_o       (aw),
      .wvalid_o   (wvalid),
      .wready_i,
      .w_o        (w),
      .bvalid_i   (b),
      .bready_o   (bready),
      .b_i        ('{id: 1'b0, resp: resp_i}),
      .sob_re_o   (),
      .sob_raddr_o(),
      .sob_rdata_i,
      .sof_re_o   (),
      .sof_raddr_o(),
      .sof_rdata_i
  );

  // ---- The bursts. A burst is offered in the cycle in which its address comes up.
  logic aw_wait_q, w_wait_q, offered, over;
  eqx_pkg::axi_addr_t aw_q;
  logic [9*BUS:0] w_q;
  logic [7:0] open_q, data_q, taken, unsent;  // offered and not answered; of them with all data taken; address taken
  assign offered = awvalid && !aw_wait_q;
  assign over    = wvalid && wready_i && w.last;
  assign taken   = open_q - 8'(aw_wait_q);
  assign unsent  = open_q - data_q;
  assign b       = rst_ni && b_i && taken != '0 && data_q != '0;

  // ---- The watched one
  logic marked_q;
  logic [7:0] ahead_q, beat_q, len_q;  // bursts ahead of it whose data is to come; its beats taken; its length

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_wait_q <= 1'b0;
      w_wait_q  <= 1'b0;
      open_q    <= '0;
      data_q    <= '0;
      marked_q  <= 1'b0;
    end else begin
      aw_wait_q <= awvalid && !awready_i;
      w_wait_q  <= wvalid && !wready_i;
      open_q    <= open_q + 8'(offered) - 8'(b && bready);
      data_q    <= data_q + 8'(over) - 8'(b && bready);
      if (offered && mark_i && !marked_q) begin
        marked_q <= 1'b1;
        ahead_q  <= unsent - 8'(over);
        beat_q   <= '0;
        len_q    <= aw.len;
      end else if (marked_q && wvalid && wready_i) begin
        if (ahead_q == '0) beat_q <= beat_q + 8'd1;
        if (w.last && ahead_q == '0) marked_q <= 1'b0;
        if (w.last && ahead_q != '0) ahead_q <= ahead_q - 8'd1;
      end
    end
    aw_q <= aw;
    w_q  <= w;
  end

  // ---- Inside: what lies on the way to the address register is aligned and not empty.
  localparam int unsigned CW = 1;
  localparam int unsigned TW = 32 + eqx_dma_pkg::SEG_W + CW + $bits(eqx_dma_pkg::tail_t);
  function automatic logic good(input logic [31:0] addr, input logic [eqx_dma_pkg::SEG_W-1:0] beats);
    return addr % BUS == 0 && beats != '0;
  endfunction
  function automatic logic good_tag(input logic [TW-1:0] tag);
    return good(tag[TW-1-:32], tag[TW-33-:eqx_dma_pkg::SEG_W]);
  endfunction
  logic [CTX-1:0] cut_ok;
  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    assign cut_ok[c] = !dut.g_ctx[c].u_cut.valid_q ||
        (dut.g_ctx[c].u_cut.addr_q % BUS == 0 && dut.g_ctx[c].u_cut.left_q != '0);
  end
  logic [SEGS-1:0] entry_ok;
  localparam int unsigned PW = $clog2(SEGS);
  logic [PW:0] held;
  assign held = dut.u_committed.count_o;
  always_comb begin
    for (int unsigned e = 0; e < SEGS; e++) begin
      automatic logic [PW-1:0] behind;  // a variable of this width: the operand of a cast would be extended
      behind = PW'(e) - dut.u_committed.rptr_q[PW-1:0];
      entry_ok[e] = (PW + 1)'(behind) >= held || good_tag(dut.u_committed.mem_q[e]);
    end
  end
  logic gather_ok;
  assign gather_ok = (!dut.u_gather.s_valid_q || (good_tag(
      dut.u_gather.s_tag_q
  ) && dut.u_gather.s_left_q != '0)) && (!dut.u_gather.d_valid_q || good_tag(
      dut.u_gather.d_tag_q
  )) && (!dut.u_gather.x_valid_q || good_tag(
      dut.u_gather.x_tag_q
  )) && (!dut.u_gather.d_valid_q || dut.u_gather.d_last_q || dut.u_gather.s_valid_q);
  // Segments between arbitration and their last address; a lost unit has none, from its second cycle on.
  logic lost_q, empty;
  logic [7:0] segments;
  always_ff @(posedge clk_i) lost_q <= rst_ni && lost;
  assign segments = 8'(dut.u_gather.s_valid_q) + 8'(dut.u_gather.d_valid_q && dut.u_gather.d_last_q) +
      8'(dut.u_gather.x_valid_q) + 8'(held);
  assign empty = !dut.u_gather.s_valid_q && !dut.u_gather.d_valid_q && !dut.u_gather.x_valid_q;
  // The watched burst in the queue of the data stream.
  localparam int unsigned OW = $clog2(MAX_OUTSTANDING);
  logic [OW-1:0] at;
  logic [CW+7:0] entry;
  logic ends, read_out;  // a burst's last beat is on offer; the watched one's
  logic [7:0] behind;  // bursts ahead of it in the queue
  assign ends     = wvalid && w.last;
  assign read_out = ends && ahead_q == '0;
  assign behind   = ahead_q - 8'(ends);
  assign at       = dut.u_issue.u_data.rptr_q[OW-1:0] + OW'(behind);
  assign entry    = dut.u_issue.u_data.mem_q[at];

  always_comb
    if (rst_ni) begin
      a_aw_stable : assert (!aw_wait_q || (awvalid && aw == aw_q));
      a_aw_form :
      assert (!awvalid || (32'd1 << aw.size == BUS && aw.burst == 2'b01 && aw.addr % BUS == 0 &&
          32'(aw.addr[11:0]) + (32'(aw.len) + 32'd1) * BUS <= 32'd4096));
      a_w_stable : assert (!w_wait_q || (wvalid && w == w_q));
      a_w_strobes : assert (!wvalid || w.strb == '1);
      a_w_address : assert (!wvalid || unsent != '0);
      a_w_last : assert (!marked_q || ahead_q != '0 || !wvalid || w.last == (beat_q == len_q));
      a_b_taken : assert (!b || (bready && dut.b_valid));
      a_outstanding : assert (32'(open_q) + 32'(offered) <= MAX_OUTSTANDING);
      // what makes the proof short
      a_parts : assert (&cut_ok && gather_ok && &entry_ok);
      a_segments :
      assert (lost ? (lost_q ? empty && dut.segs_q == '0 : dut.b_valid && 8'(dut.segs_q) == segments) :
          8'(dut.segs_q) == segments);
      a_room : assert (32'(segments) <= SEGS);
      a_sent : assert (dut.head_valid ? dut.u_issue.sent_q < dut.head.beats : dut.u_issue.sent_q == '0);
      a_counts :
      assert (8'(dut.u_issue.b_count) == open_q + 8'(offered) && data_q <= open_q &&
          8'(dut.u_issue.w_count) + 8'(ends) == unsent + 8'(offered) && (aw_wait_q <= open_q[0] || open_q > 8'd1));
      a_stream : assert (dut.u_issue.w_count != '0 || dut.u_issue.count_q == '0);
      a_watched :
      assert (!marked_q || (ahead_q < unsent && (read_out ? beat_q == len_q : entry[7:0] == len_q &&
          (behind != '0 ? beat_q == '0 : (ahead_q == '0 ? beat_q <= len_q && dut.u_issue.count_q == beat_q +
          8'(wvalid) : beat_q == '0 && dut.u_issue.count_q == '0)))));
    end
endmodule
