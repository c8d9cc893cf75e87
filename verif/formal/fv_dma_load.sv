// eqx_dma_load as an AXI master: what verif/tb/axi_checker.sv looks at in simulation, of the read channels.
// VALID stays until READY and the address with it; bursts are aligned, of whole beats and cross no 4 KiB; no more
// bursts are outstanding than the unit has room for, and every beat is taken. Each burst's data is known by its place
// in the queue: any one burst is watched.
// The environment offers any instructions, kills contexts, and answers the addresses that it took, in order, beat by
// beat, OK or not, or never.
module fv_dma_load #(
    parameter int unsigned N = 2,
    parameter int unsigned M = 2,
    parameter int unsigned W = 2,
    parameter int unsigned MAX_OUTSTANDING = 2,
    parameter int unsigned MAX_BEATS = 32,
    localparam int unsigned CTX = 2
) (
    input logic clk_i,
    input eqx_pkg::unit_req_t [CTX-1:0] req_i,
    input logic [1:0] mode_i,
    input logic [1:0] timeout_i,
    input logic arready_i,
    input logic r_i,
    input logic last_i,
    input logic [1:0] resp_i,
    input logic mark_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.N(N), .M(M), .W(W), .C_INF(1), .C_TRN(1));
  localparam int unsigned BUS = CFG.BUS;
  logic arvalid, rready, r, lost;
  eqx_pkg::axi_addr_t ar;
  eqx_dma_load #(
      .CFG(CFG),
      .MAX_OUTSTANDING(MAX_OUTSTANDING),
      .MAX_BEATS(MAX_BEATS)
  ) dut (
      .clk_i,
      .rst_ni,
      .unit_req_i  (req_i),
      .unit_rsp_o  (),
      .mode_i      (eqx_pkg::mode_e'(mode_i)),
      .stall_o     (),
      .timeout_i   (32'(timeout_i)),
      .lost_o      (lost),
      .arvalid_o   (arvalid),
      .arready_i,
      .ar_o        (ar),
      .rvalid_i    (r),
      .rready_o    (rready),
      .r_i         ('{id: 1'b0, data: '0, resp: resp_i, last: last_i}),
      .actd_we_o   (),
      .actd_waddr_o(),
      .wgtd_we_o   (),
      .wgtd_waddr_o(),
      .blk_wdata_o (),
      .stg_we_o    (),
      .stg_waddr_o (),
      .stg_wdata_o ()
  );

  // ---- The bursts. A burst is offered in the cycle in which its address comes up.
  logic wait_q, offered, over, marked_q;
  eqx_pkg::axi_addr_t ar_q;
  logic [7:0] open_q, ahead_q;  // offered and not over; of them ahead of the watched one
  logic [0:0] ctx_q;
  assign offered = arvalid && !wait_q;
  assign r       = rst_ni && r_i && open_q > 8'(wait_q);
  assign over    = r && rready && last_i;
  // Who is to get the data of the burst that is offered in this cycle, told when it was taken.
  logic [0:0] taken_q;
  always_ff @(posedge clk_i) begin
    if (dut.take != '0) taken_q <= dut.gnt_idx;
    if (!rst_ni) begin
      wait_q   <= 1'b0;
      open_q   <= '0;
      marked_q <= 1'b0;
    end else begin
      wait_q <= arvalid && !arready_i;
      open_q <= open_q + 8'(offered) - 8'(over);
      if (offered && mark_i && !marked_q) begin
        marked_q <= 1'b1;
        ahead_q  <= open_q - 8'(over);
        ctx_q    <= taken_q;
      end else if (marked_q && over) begin
        marked_q <= ahead_q != '0;
        ahead_q  <= ahead_q - 8'd1;
      end
    end
    ar_q <= ar;
  end

  // ---- Inside: bursts on the way to the address register are aligned and not empty.
  logic [CTX-1:0] cut_ok;
  for (genvar c = 0; c < CTX; c++) begin : g_ctx
    assign cut_ok[c] = !dut.g_ctx[c].u_cut.valid_q ||
        (dut.g_ctx[c].u_cut.addr_q % BUS == 0 && dut.g_ctx[c].u_cut.left_q != '0);
  end
  // The queue of what is in flight: the owner stands in the upper bit of an entry.
  localparam int unsigned QW = $clog2(MAX_OUTSTANDING);
  localparam int unsigned IW = 1 + 1 + 16 + 12 + 2 + $bits(eqx_dma_pkg::tail_t);
  logic [QW-1:0] at, last;
  logic [IW-1:0] entry, newest;
  assign at     = dut.u_flight.rptr_q[QW-1:0] + QW'(ahead_q);
  assign entry  = dut.u_flight.mem_q[at];
  assign last   = dut.u_flight.wptr_q[QW-1:0] - 1'b1;
  assign newest = dut.u_flight.mem_q[last];

  always_comb
    if (rst_ni) begin
      a_ar_stable : assert (!wait_q || (arvalid && ar == ar_q));
      a_ar_form :
      assert (!arvalid || (32'd1 << ar.size == BUS && ar.burst == 2'b01 && ar.addr % BUS == 0 &&
          32'(ar.addr[11:0]) + (32'(ar.len) + 32'd1) * BUS <= 32'd4096));
      a_ar_length : assert (!arvalid || 32'(ar.len) < MAX_BEATS);
      a_r_taken : assert (!r || (rready && dut.head_valid));
      a_outstanding : assert (32'(open_q) + 32'(offered) <= MAX_OUTSTANDING);
      a_owner : assert (!marked_q || ahead_q != '0 || (dut.head_valid && dut.head.ctx == ctx_q));
      // what makes the proof short
      a_parts : assert (&cut_ok);
      a_counts : assert (8'(dut.count) == open_q + 8'(offered) && (open_q != '0 || !wait_q));
      a_place :
      assert ((!marked_q || (ahead_q < open_q && entry[IW-1] == ctx_q)) && (!offered || newest[IW-1] == taken_q));
    end
endmodule
